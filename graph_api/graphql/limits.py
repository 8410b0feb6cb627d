"""What a document may cost before anything of it runs: tokens, depth, and what is left after expanding fragments."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    IntValueNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    SelectionNode,
    SelectionSetNode,
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
from graph_api.graphql.cost import CostKey, cost_key, estimate
from graph_api.telemetry.record import CURRENT

MAX_NESTING = 200
"""Selection sets inside each other, fragments included: as many as graphql-core parses, and far from Python's limit."""
MAX_ERRORS = 20
MAX_COMPARISONS = 25_000
"""Of fields with one response name, pair by pair: some 220 times the same field. graphql-core allows ten times as many,
which take it more than half a second."""
MAX_KEPT_DOCUMENTS = 64
MAX_KEPT_CHARACTERS = 4_000
"""Of a document that is kept; parsed, each takes up to 2 MB."""
MAX_KEPT_COSTS = 100
MAX_GIVEN = 2_000
"""Objects in the variables of a question: each is read wherever its variable stands, while nobody else is answered.
Those of writes are bounded by the size of a batch, and read in a thread.
"""
INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Per document; all but the tokens are counted per operation, with its fragments expanded."""

    characters: int = 100_000
    """What is longer belongs into variables: reading a string takes graphql-core 0.2 s per megabyte."""
    tokens: int = 5_000
    depth: int = 20
    """Fields inside each other. graphql-core limits what is inside `__schema` and `__type`."""
    fields: int = 1_000
    aliases: int = 50
    directives: int = 50
    operations: int = 100
    objects: int = 200_000
    """That one answer may hold, see cost.py."""
    suggestions: bool = True
    """Whether errors about unknown names say which known ones are like them."""


@dataclass(slots=True)
class Size:
    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def add(self, other: "Size") -> None:
        self.depth = max(self.depth, other.depth)
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives


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


class _Kept(NamedTuple):
    document: DocumentNode
    costs: dict[CostKey, int]
    """Of its operations, with the variables that have been asked with."""


class ValidDocuments:
    """Parsed and validated documents of one schema by their text: portals ask few documents with many variables."""

    def __init__(self) -> None:
        self._documents: dict[str, _Kept] = {}

    def get(self, query: str) -> DocumentNode | None:
        kept = self._documents.get(query)
        return kept.document if kept else None

    def keep(self, query: str, document: DocumentNode) -> None:
        if len(query) > MAX_KEPT_CHARACTERS:
            return
        if len(self._documents) >= MAX_KEPT_DOCUMENTS:
            self._documents.clear()
        self._documents[query] = _Kept(document, {})

    def cost(self, query: str, document: DocumentNode, key: CostKey, estimate: Callable[[], int]) -> int:
        kept = self._documents.get(query)
        if kept is None or kept.document is not document:
            return estimate()
        if key not in kept.costs:
            if len(kept.costs) >= MAX_KEPT_COSTS:
                kept.costs.clear()
            kept.costs[key] = estimate()
        return kept.costs[key]


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
        """`cost` in the extensions of every answer to a valid document, but not with each event of a subscription."""
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
    """Raises GraphQLError with a code. Comments count as tokens."""
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
    """At most MAX_ERRORS errors; the last one says so when there are more."""
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


def find_excess(document: DocumentNode, limits: Limits) -> GraphQLError | None:
    """The first limit that the document breaks. Linear in the length of the document."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) > limits.operations:
        return _error(ErrorCode.TOO_LARGE, f"More than {limits.operations} operations.", operations[limits.operations])
    measure = _Measure(document)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            try:
                size = measure.selections(definition.selection_set, level=1)
            except _NestingError:
                return _error(ErrorCode.TOO_DEEP, "The document is nested too deeply.", definition)
            size.directives += len(definition.directives or ())
            if error := _judge(size, limits, definition):
                return error
    return None


def _judge(size: Size, limits: Limits, node: OperationDefinitionNode | FragmentDefinitionNode) -> GraphQLError | None:
    if size.depth > limits.depth:
        return _error(ErrorCode.TOO_DEEP, f"Fields are nested {size.depth} deep; at most {limits.depth} may be.", node)
    for name in ("fields", "aliases", "directives"):
        limit = getattr(limits, name)
        if getattr(size, name) > limit:
            return _error(ErrorCode.TOO_LARGE, f"More than {limit} {name}, fragments expanded.", node)
    return None


def _error(code: ErrorCode, message: str, node: OperationDefinitionNode | FragmentDefinitionNode) -> GraphQLError:
    return GraphQLError(message, node, extensions={"code": code})


class _NestingError(Exception):
    pass


class _Measure:
    """Measures every fragment once. Unknown fragments and spreads that close a cycle are left to the standard rules."""

    def __init__(self, document: DocumentNode) -> None:
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.sizes: dict[str, Size] = {}

    def selections(self, selection_set: SelectionSetNode, level: int) -> Size:
        if level > MAX_NESTING:
            raise _NestingError
        total = Size()
        for selection in selection_set.selections:
            total.add(self._selection(selection, level))
        return total

    def _selection(self, node: SelectionNode, level: int) -> Size:
        if isinstance(node, FragmentSpreadNode):
            size = Size()
            size.add(self._fragment(node.name.value, level))
        else:
            inner: SelectionSetNode | None = node.selection_set  # type: ignore[attr-defined] # fields, inline fragments
            size = self.selections(inner, level + 1) if inner else Size()
        if isinstance(node, FieldNode):
            size.depth = 1 if node.name.value in INTROSPECTION else size.depth + 1
            size.fields += 1
            size.aliases += node.alias is not None
        size.directives += len(node.directives or ())
        return size

    def _fragment(self, name: str, level: int) -> Size:
        if name not in self.sizes:
            self.sizes[name] = Size()
            if fragment := self.fragments.get(name):
                self.sizes[name] = self.selections(fragment.selection_set, level + 1)
        return self.sizes[name]
