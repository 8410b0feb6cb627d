"""The filter language as SQL conditions on a row of `entities`."""

import sqlite3
from collections.abc import Iterable, Sequence

from graph_api.catalog.filters import FIELDS, And, Compare, Filter, Not, Op, Or, Related, Words
from graph_api.catalog.relations import Direction
from graph_api.store.embedded.condition import AMONG, Condition, one_of
from graph_api.store.embedded.sight import Sight

_FEW = 2000
"""So many entities are fetched and sorted before a scan in the order of the page would meet a page of them."""

_WITH_FOLDED_COPY = {"type", "name", "title", "lifecycle", "description"}
"""Fields that have a `..._folded` column besides; refs, kinds and namespaces are lower case already."""

_OPERATORS = {Op.EQ: "=", Op.GT: ">", Op.GTE: ">=", Op.LT: "<", Op.LTE: "<="}


class Compiler:
    """Makes conditions of filters. What `sight` hides is not there, also as a neighbour or a value.

    With `ordered`, rows are read in the order of an index until a page is full: then what stands in other tables is
    looked up first only if few entities have it. `by_ref` says that the index is that of the refs.
    """

    def __init__(self, conn: sqlite3.Connection, sight: Sight, *, ordered: bool = False, by_ref: bool = False) -> None:
        self._conn = conn
        self._sight = sight
        self._ordered = ordered
        self._by_ref = by_ref

    def seen(self, filter_: Filter, row: str = "e") -> Condition:
        """Return the condition that a row matches and is seen. `row` is what the statement calls the entity's row."""
        return _joined(" AND ", "1", (self._compile(filter_, row), self._sight.row(row)))

    def _compile(self, filter_: Filter, row: str) -> Condition:
        match filter_:
            case And(items):
                return _joined(" AND ", "1", (self._compile(item, row) for item in items))
            case Or(items):
                return _joined(" OR ", "0", (self._compile(item, row) for item in items))
            case Not(item):
                # A comparison with a missing value is false here, not unknown.
                inner = self._compile(item, row)
                return Condition(f"NOT coalesce({inner.sql}, 0)", inner.parameters)
            case Words(words):
                return _joined(" AND ", "1", (self._word(word, row) for word in words))
            case Related():
                return self._related(filter_, row)
            case Compare():
                return self._compare(filter_, row)

    def _compare(self, compare: Compare, row: str) -> Condition:
        field = FIELDS[compare.field]
        if field.keyed:
            return self._keyed(compare, row)
        if field.many:
            return self._many(compare, row)
        if field.name == "description":
            inner = _comparison(compare, f"d.{field.name}", "d.description_folded")
            return Condition(f"(SELECT {inner.sql} FROM documents d WHERE d.id = {row}.id)", inner.parameters)
        if field.name == "kind":
            return self._kind(compare, row)
        if field.name == "type_key":
            return _comparison(compare, f"{row}.type_folded", f"{row}.type_folded")
        column = f"{row}.{field.name}"
        if field.name == "owner_state":
            return _comparison(compare, column, f"lower({column})")
        return _comparison(compare, column, f"{column}_folded" if field.name in _WITH_FOLDED_COPY else column)

    def _kind(self, compare: Compare, row: str) -> Condition:
        if self._by_ref and compare.op is Op.EQ:
            # All refs of the kind: `;` comes right after `:`.
            return Condition(f"({row}.ref > ? AND {row}.ref < ?)", (f"{compare.value}:", f"{compare.value};"))
        # The plus keeps SQLite from fetching and sorting all entities of several kinds.
        column = f"+{row}.kind" if self._ordered and compare.op is Op.IN else f"{row}.kind"
        return _comparison(compare, column, column)

    def _many(self, compare: Compare, row: str) -> Condition:
        if compare.op is Op.EXISTS:
            has = self._has_term("field = ?", (compare.field,), row)
            return has if compare.value else _negated(has)
        inner = _comparison(compare, "text", "folded")
        return self._has_term(f"field = ? AND {inner.sql}", (compare.field, *inner.parameters), row)

    def _has_term(self, where: str, parameters: tuple[object, ...], row: str) -> Condition:
        terms = f"SELECT id FROM terms WHERE {where}"
        if self._sight.hidden_terms:
            terms += f" AND id NOT {AMONG}"
            parameters += (one_of(self._sight.hidden_terms),)
        return self._member(
            f"SELECT entity FROM entity_terms WHERE term IN ({terms})",
            # The plus keeps SQLite from looking up every such term for every entity.
            f"SELECT 1 FROM entity_terms WHERE +term IN ({terms}) AND entity = {row}.id",
            parameters,
            row,
        )

    def _keyed(self, compare: Compare, row: str) -> Condition:
        absent = compare.op is Op.EXISTS and not compare.value
        inner = Condition("1") if compare.op is Op.EXISTS else _comparison(compare, "value", "folded")
        where = f"key = (SELECT id FROM terms WHERE field = ? AND text = ?) AND {inner.sql}"
        has = self._member(
            f"SELECT entity FROM pairs WHERE {where}",
            f"SELECT 1 FROM pairs WHERE {where} AND entity = {row}.id",
            (compare.field, compare.key, *inner.parameters),
            row,
        )
        return _negated(has) if absent else has

    def _word(self, word: str, row: str) -> Condition:
        described = f"(SELECT instr(d.description_folded, ?) FROM documents d WHERE d.id = {row}.id)"
        tagged = self._many(Compare("tags", Op.CONTAINS, word), row)
        return Condition(
            f"(instr({row}.name_folded, ?) OR instr({row}.title_folded, ?) OR {tagged.sql} OR {described})",
            (word, word, *tagged.parameters, word),
        )

    def _related(self, related: Related, row: str) -> Condition:
        near, far = ("source", "target") if related.direction is Direction.OUT else ("target", "source")
        neighbour, link = f"{row}_neighbour", f"{row}_link"
        inner = self.seen(related.filter, neighbour)
        sql = (
            f"SELECT {link}.{near} FROM links {link} JOIN entities {neighbour} ON {neighbour}.id = {link}.{far} "
            f"WHERE {inner.sql}"
        )
        parameters = inner.parameters
        if related.relation:
            sql += f" AND {link}.relation = (SELECT id FROM terms WHERE field = 'relation' AND text = ?)"
            parameters += (related.relation,)
        some = self._member(sql, f"{sql} AND {link}.{near} = {row}.id", parameters, row)
        return _negated(some) if related.none else some

    def _member(self, listing: str, probe: str, parameters: tuple[object, ...], row: str) -> Condition:
        """The row is one that `listing` finds, and for which `probe` finds something; both have these parameters."""
        if self._ordered and self._finds_many(listing, parameters):
            return Condition(f"EXISTS ({probe})", parameters)
        return Condition(f"{row}.id IN ({listing})", parameters)

    def _finds_many(self, listing: str, parameters: tuple[object, ...]) -> bool:
        found = self._conn.execute(f"SELECT count(*) FROM ({listing} LIMIT {_FEW + 1})", parameters).fetchone()
        return bool(found[0] > _FEW)


def _joined(operator: str, nothing: str, conditions: Iterable[Condition]) -> Condition:
    found = list(conditions)
    parameters = tuple(parameter for condition in found for parameter in condition.parameters)
    return Condition(_balanced(operator, [condition.sql for condition in found]) if found else nothing, parameters)


def _balanced(operator: str, parts: Sequence[str]) -> str:
    """SQLite bounds the depth of an expression, and one without parentheses is as deep as it is long."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({_balanced(operator, parts[:middle])}{operator}{_balanced(operator, parts[middle:])})"


def _negated(condition: Condition) -> Condition:
    return Condition(f"NOT {condition.sql}", condition.parameters)


def _comparison(compare: Compare, column: str, folded: str) -> Condition:
    match compare.op:
        case Op.EXISTS:
            return Condition(f"{column} IS {'NOT ' if compare.value else ''}NULL")
        case Op.IN:
            values = compare.value if isinstance(compare.value, tuple) else (compare.value,)
            return Condition(f"{column} {AMONG}", (one_of(values),))
        case Op.CONTAINS:
            return Condition(f"instr({folded}, ?) > 0", (str(compare.value).casefold(),))
        case Op.STARTS_WITH:
            return Condition(f"instr({folded}, ?) = 1", (str(compare.value).casefold(),))
        case op:
            return Condition(f"{column} {_OPERATORS[op]} ?", (compare.value,))
