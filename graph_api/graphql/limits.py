"""What a document may cost before anything of it runs: tokens, depth, and what is left after expanding fragments."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FloatValueNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    IntValueNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.validation.validate import ValidationAbortedError
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types.graphql import OperationType

from graph_api.errors import ErrorCode
from graph_api.graphql.context import Context
from graph_api.graphql.cost import cost_key, estimate
from graph_api.graphql.document_cache import ValidDocuments
from graph_api.graphql.document_size import find_excess
from graph_api.limit_settings import DEFAULTS
from graph_api.telemetry.record import CURRENT

MAX_ERRORS = 20
MAX_COMPARISONS = 25_000
"""Comparisons of fields with one response name, pair by pair: some 220 times the same field. graphql-core allows ten
times as many, which take it more than half a second."""
MAX_GIVEN = 2_000
"""Objects in the variables of a question: each is read wherever its variable stands, while nobody else is answered.
Those of writes are bounded by the size of a batch, and read in a thread.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Per document; all but the tokens are counted per operation, with its fragments expanded."""

    characters: int = 100_000
    """What is longer belongs into variables: reading a string takes graphql-core 0.2 s per megabyte."""
    tokens: int = DEFAULTS["max_tokens"]
    depth: int = DEFAULTS["max_depth"]
    """Fields inside each other. graphql-core limits what is inside `__schema` and `__type`."""
    fields: int = DEFAULTS["max_fields"]
    aliases: int = DEFAULTS["max_aliases"]
    directives: int = DEFAULTS["max_directives"]
    operations: int = 100
    objects: int = DEFAULTS["max_cost"]
    """Objects that one answer may hold, see cost.py."""
    suggestions: bool = DEFAULTS["field_suggestions"]
    """Whether errors about unknown names say which known ones are like them."""


class FiniteNumbersRule(ASTValidationRule):
    """Refuses `1e999`, which Python would read as infinity."""

    def enter_float_value(self, node: FloatValueNode | IntValueNode, *_args: Any) -> None:
        if not isfinite(float(node.value)):
            self.report_error(GraphQLError("A number is too large to be represented.", node))

    enter_int_value = enter_float_value


class BoundedOverlapRule(OverlappingFieldsCanBeMergedRule):
    """The standard rule, which is quadratic, with a smaller budget."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = 2 * MAX_COMPARISONS


RULES = (
    *(rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule),
    BoundedOverlapRule,
    MaybeNullValidationRule,
    OneOfInputValidationRule,
    FiniteNumbersRule,
)


class DocumentLimits(SchemaExtension):
    """Parses and validates in Strawberry's place, within the limits."""

    def __init__(self, limits: Limits, valid: ValidDocuments) -> None:
        self.limits = limits
        self.valid = valid
        self.objects: int | None = None

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        query = context.query or ""
        if isinstance(context.context, Context):
            context.context.check_document(query)
        context.graphql_document = self.valid.get(query) or parse_within(query, self.limits)
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        document = context.graphql_document
        if document:
            # Strawberry would run the first of several operations when the request names none.
            named = context._provided_operation_name is not None
            context.pre_execution_errors = (
                self._invalid(context.query or "", document)
                or ([] if named else _ambiguous(document))
                or self._hidden(document)
                or self._too_many_given(document)
                or self._too_many_objects(document)
            )
        yield

    def _invalid(self, query: str, document: DocumentNode) -> list[GraphQLError]:
        if self.valid.get(query) is document:
            return []
        errors = validate_within(self.execution_context.schema._schema, document, self.limits)
        if not errors:
            self.valid.keep(query, document)
        return errors

    def _hidden(self, document: DocumentNode) -> list[GraphQLError]:
        context = self.execution_context.context
        if not isinstance(context, Context) or context.introspection:
            return []
        schema = self.execution_context.schema._schema
        return validate(schema, document, (NoSchemaIntrospectionCustomRule,), max_errors=MAX_ERRORS)

    def _too_many_given(self, document: DocumentNode) -> list[GraphQLError]:
        context = self.execution_context
        operation = get_operation_ast(document, context._provided_operation_name)
        writes = operation is not None and operation.operation.value == OperationType.MUTATION.value
        if writes or not _holds_more(context.variables, MAX_GIVEN):
            return []
        message = (
            f"The variables of a question hold at most {MAX_GIVEN:,} objects; ask `in` for many values of one field."
        )
        return [GraphQLError(message, extensions={"code": ErrorCode.TOO_LARGE})]

    def _too_many_objects(self, document: DocumentNode) -> list[GraphQLError]:
        context = self.execution_context
        asked = context._provided_operation_name, context.variables or {}
        self.objects = self.valid.cost(
            context.query or "",
            document,
            cost_key(document, *asked),
            lambda: estimate(context.schema._schema, document, *asked),
        )
        if request := CURRENT.get():
            request.cost = self.objects
        if self.objects <= self.limits.objects:
            if isinstance(context.context, Context):
                context.context.charge(self.objects)
            return []
        message = (
            f"The answer may hold {self.objects:,} objects, at most {self.limits.objects:,} may be asked for at once; "
            "ask for smaller pages (`first`) or fewer levels."
        )
        return [GraphQLError(message, extensions={"code": ErrorCode.TOO_LARGE})]

    def get_results(self) -> dict[str, Any]:
        """Return `cost` for the extensions of every answer to a valid document, but not of each event of a
        subscription.
        """
        if self.objects is None or self.execution_context.operation_type is OperationType.SUBSCRIPTION:
            return {}
        return {"cost": {"estimated": self.objects, "limit": self.limits.objects}}


def _holds_more(variables: object, most: int) -> bool:
    """Whether there are more objects in it than that, at any depth, beside itself."""
    count, open_ = -1, [variables]
    while open_:
        value = open_.pop()
        if isinstance(value, dict):
            count += 1
            if count > most:
                return True
            open_ += [item for item in value.values() if isinstance(item, dict | list)]
        elif isinstance(value, list):
            open_ += [item for item in value if isinstance(item, dict | list)]
    return False


def parse_within(query: str, limits: Limits) -> DocumentNode:
    """Parse the document. Raises GraphQLError with a code. Comments count as tokens."""
    try:
        return parse(query, max_tokens=limits.tokens, max_source_length=limits.characters)
    except GraphQLSyntaxError as error:
        error.extensions = {"code": _parse_code(error.message)}
        raise


def _parse_code(message: str) -> ErrorCode:
    if "nested too deeply" in message:
        return ErrorCode.TOO_DEEP
    if message.endswith(("tokens. Parsing aborted.", "code points. Parsing aborted.")):
        return ErrorCode.TOO_LARGE
    return ErrorCode.GRAPHQL_INVALID


def validate_within(schema: GraphQLSchema, document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """Return at most MAX_ERRORS errors; the last one says so when there are more."""
    # Before the standard rules, because some of them recurse, or compare every field with every other.
    excess = find_excess(document, limits)
    if excess:
        return [excess]
    hidden = not limits.suggestions
    return _explain_abort(validate(schema, document, RULES, max_errors=MAX_ERRORS - 1, hide_suggestions=hidden))


def _explain_abort(errors: list[GraphQLError]) -> list[GraphQLError]:
    if not errors or not isinstance(errors[-1], ValidationAbortedError) or "error limit" in errors[-1].message:
        return errors
    message = "Too many fields with the same name in one place, fragments expanded."
    return [GraphQLError(message, extensions={"code": ErrorCode.TOO_LARGE})]


def _ambiguous(document: DocumentNode) -> list[GraphQLError]:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) < 2:
        return []
    return [GraphQLError("`operationName` must say which of the document's operations to run.", operations)]
