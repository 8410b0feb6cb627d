"""`graph-api query`: a GraphQL document against a store, without a server."""

import asyncio
import sys
from typing import IO, Any
from uuid import uuid4

import click
import orjson
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from graph_api.access.principal import LOCAL
from graph_api.app import configured_schema, create_context, open_store, source_order
from graph_api.catalog.audience import EVERYTHING
from graph_api.cli.failure import Exit
from graph_api.cli.options import STORE_OPTIONS, with_settings
from graph_api.cli.session import opened, os_user, require_existing
from graph_api.graphql.error_format import format_result
from graph_api.settings import Settings


@click.command()
@click.argument("document", required=False)
@click.option("-f", "--file", type=click.File(encoding="utf-8"), help="Read the document from a file; - is stdin.")
@click.option("--operation", metavar="NAME", help="Which of the document's operations to run, where it has several.")
@click.option("--variables", metavar="JSON", default="{}", help="Values of the document's variables, as an object.")
@with_settings(*STORE_OPTIONS)
def query(settings: Settings, document: str | None, file: Any, operation: str | None, variables: str) -> None:
    """Run a GraphQL document against a store.

    DOCUMENT is given here, in a file or on standard input. Prints the answer as JSON, and exits with 1 if it has
    errors.
    """
    if document and file:
        raise click.UsageError("give either DOCUMENT or --file")
    text = document or _read(file or sys.stdin)
    if not text.strip():
        raise click.UsageError("there is no document to run")
    values = _parse(variables)
    require_existing(settings)
    try:
        answer = asyncio.run(_ask(settings, text, operation, values))
    except CannotGetOperationTypeError as error:
        raise click.UsageError("the document has no such operation to run") from error
    except InvalidOperationTypeError as error:
        raise click.UsageError("a subscription needs a server: graph-api serve") from error
    click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
    if "errors" in answer:
        click.get_current_context().exit(Exit.PROBLEMS)


def _read(file: IO[str]) -> str:
    try:
        return file.read()
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file.name} is not text in UTF-8: {error.reason} at byte {error.start}") from error


def _parse(variables: str) -> dict[str, Any]:
    try:
        values = orjson.loads(variables)
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"--variables is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise click.UsageError('--variables is an object, as in \'{"ref": "component:default/checkout"}\'')
    return values


async def _ask(settings: Settings, document: str, operation: str | None, variables: dict[str, Any]) -> Any:
    async with opened(open_store(settings)) as store:
        context = create_context(settings, store, LOCAL, EVERYTHING, source_order(settings))
        context.client = os_user()
        result = await configured_schema(settings).execute(
            document,
            variable_values=variables,
            context_value=context,
            operation_name=operation,
            allowed_operation_types=(OperationType.QUERY, OperationType.MUTATION),
        )
    answer = format_result(result, uuid4().hex)
    answer.pop("extensions", None)  # what it costs a server is no matter here either
    return answer
