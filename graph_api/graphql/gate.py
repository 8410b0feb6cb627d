"""Every root field goes through here: who asks is authorized, and every try to write leaves its record."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from inspect import isawaitable
from itertools import chain, islice
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo, GraphQLSchema, default_field_resolver

from graph_api.access.audit import MAX_REFS, Attempt, Outcome
from graph_api.access.authorize import Reach, authorize, require_place
from graph_api.access.idempotency import Idempotency, idempotency_of
from graph_api.access.rules import RULES
from graph_api.catalog.ref import BadRefError, make_ref, parse_ref
from graph_api.errors import UNREACHABLE, CatalogError, ErrorCode
from graph_api.graphql.context import Context
from graph_api.graphql.payloads import replay
from graph_api.idempotency import ReplayedError
from graph_api.recording import record_end

Resolve = Callable[..., Any]

logger = logging.getLogger(__name__)

_BESIDE: set[asyncio.Task[None]] = set()
"""Tasks that are kept until they are done."""


def guard(schema: GraphQLSchema) -> None:
    """Put every root field behind its rule. Raises KeyError for a field without one."""
    for type_ in filter(None, (schema.query_type, schema.mutation_type, schema.subscription_type)):
        for name, field in type_.fields.items():
            action = f"{type_.name}.{name}"
            if action not in RULES:
                raise KeyError(f"{action} has no rule in access/rules.py")
            if type_ is schema.mutation_type:
                field.resolve = _writing(action, field.resolve or default_field_resolver)
            elif field.subscribe:
                field.subscribe = _reading(action, field.subscribe)
            else:
                field.resolve = _reading(action, field.resolve or default_field_resolver)


def _reading(action: str, resolve: Resolve) -> Resolve:
    def ask(root: None, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        context: Context = info.context
        authorize(context.principal, action, arguments.get("source"))
        return resolve(root, info, **arguments)

    return ask


def _writing(action: str, resolve: Resolve) -> Resolve:
    """The one way into each mutation. What is written records itself in its transaction, all else is recorded here."""

    async def write(root: None, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        context: Context = info.context
        attempt = _attempt(context, action, arguments)
        try:
            reach = authorize(context.principal, action, attempt.source)
            if reach is Reach.SOURCE:
                require_place(context.source_order, attempt.source)
            context.attempt = replace(attempt, reach=reach, idempotency=await _idempotency(context, action, arguments))
            answer = resolve(root, info, **arguments)
            payload = await answer if isawaitable(answer) else answer
            context.read_anew()
        except ReplayedError as done:
            context.read_anew()
            return await replay(context, arguments.get("source", ""), done.told)
        except asyncio.CancelledError:
            _record_beside(context, attempt)
            raise
        except Exception as error:
            await _record(context, attempt, *_failure(error))
            raise
        if payload.user_errors:
            await _record(context, attempt, Outcome.REFUSED, payload.user_errors[0].code)
        elif arguments.get("dryRun"):
            await _record(context, attempt, Outcome.DRY_RUN)
        return payload

    return write


async def _idempotency(context: Context, action: str, arguments: Mapping[str, Any]) -> Idempotency | None:
    key = arguments.get("idempotencyKey")
    if key is None or arguments.get("dryRun"):
        return None
    asked = {name: value for name, value in arguments.items() if name != "idempotencyKey"}
    return await asyncio.to_thread(idempotency_of, context.principal, action, key, asked)


def _failure(error: Exception) -> tuple[Outcome, ErrorCode]:
    cause = error.original_error if isinstance(error, GraphQLError) and error.original_error else error
    if isinstance(cause, CatalogError):
        return Outcome.REFUSED, cause.code
    return Outcome.FAILED, ErrorCode.INTERNAL


def _record_beside(context: Context, attempt: Attempt) -> None:
    """Record a write whose time is over, or whose client is gone: nobody waits any more, least of all for a record.
    Where it was done before, it has its own record too.
    """
    task = asyncio.create_task(_record(context, attempt, Outcome.FAILED, ErrorCode.DEADLINE_EXCEEDED))
    _BESIDE.add(task)
    task.add_done_callback(_BESIDE.discard)


async def _record(context: Context, attempt: Attempt, outcome: Outcome, code: ErrorCode | None = None) -> None:
    """A store that does not answer keeps no client from its own answer, which changed nothing; the log has it then.

    Each record takes the store from all others that write, so that refusals which are alike in a request leave one.
    """
    if outcome is Outcome.REFUSED:
        if code in UNREACHABLE or (attempt.action, code) in context.refused:
            return
        context.refused.add((attempt.action, code))
    try:
        await record_end(context.catalog, attempt, outcome, code)
    except CatalogError as error:
        logger.error("No audit record of %s by %s: %s", attempt.action, attempt.principal.name, error.message)


def _attempt(context: Context, action: str, arguments: Mapping[str, Any]) -> Attempt:
    return Attempt(
        principal=context.principal,
        action=action.rpartition(".")[2],
        client=context.client,
        request_id=context.request_id,
        source=arguments.get("source"),
        refs=tuple(islice(_named(arguments), MAX_REFS)),
    )


def _named(arguments: Mapping[str, Any]) -> Iterator[str]:
    """The refs that a write names, each once, as far as they are refs."""
    named: set[str] = set()
    starts = ({"ref": item.get("from")} for item in arguments.get("links") or ())
    for item in chain(arguments.get("entities") or (), starts):
        ref = _ref_of(item)
        if ref and ref not in named:
            named.add(ref)
            yield ref


def _ref_of(item: Mapping[str, Any]) -> str | None:
    try:
        if "ref" in item:
            return parse_ref(item["ref"])
        return make_ref(item["kind"], item.get("namespace") or "default", item["name"])
    except BadRefError:
        return None
