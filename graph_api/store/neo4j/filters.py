"""From the filter language to Cypher predicates: one text an operator, values always as parameters.

A predicate over a missing value is null, which WHERE takes as false; only a negation has to say so.
"""

from collections.abc import Iterable
from typing import Any

from graph_api.catalog.filters import (
    And,
    Compare,
    Filter,
    LinkAnd,
    LinkCompare,
    LinkFilter,
    LinkNot,
    LinkOr,
    Not,
    Op,
    Or,
    Related,
    Words,
)
from graph_api.catalog.relations import RELATIONS, Direction
from graph_api.store.neo4j.records import map_key
from graph_api.store.neo4j.sight import TRUE, Sight

_LISTS = {
    "owner": "owners",
    "declared_owner": "declared_owners",
    "system": "systems",
    "domain": "domains",
    "environment": "environments",
    "source": "sources",
    "tags": "tags",
}
_SCALARS = frozenset(
    {"ref", "kind", "namespace", "name", "type", "title", "description", "lifecycle", "tier", "declared",
     "revision", "updated_at"}
)  # fmt: skip
_WITH_FOLDED_COPY = frozenset({"name", "type", "title", "description", "lifecycle", "tags", "sources", "environment"})
_COMPARISONS = {
    Op.EQ: "{x} = {value}",
    Op.IN: "{x} IN {value}",
    Op.GT: "{x} > {value}",
    Op.GTE: "{x} >= {value}",
    Op.LT: "{x} < {value}",
    Op.LTE: "{x} <= {value}",
    Op.CONTAINS: "{x} CONTAINS {value}",
    Op.STARTS_WITH: "{x} STARTS WITH {value}",
}
_FOLDING = frozenset({Op.CONTAINS, Op.STARTS_WITH})


class Predicates:
    """Builds predicate texts of one query and collects their parameters.

    What `sight` hides is not there, also as a neighbour or a value.
    """

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self.parameters: dict[str, Any] = dict(sight.parameters)
        self._variables = 0

    def seen(self, filter_: Filter, x: str) -> str:
        """A predicate on a node that matches and is seen."""
        parts = [self.entity(filter_, x), self.sight.node(x)]
        return " AND ".join(part for part in parts if part != TRUE) or TRUE

    def entity(self, filter_: Filter, x: str) -> str:
        """A predicate on the node expression `x` (a variable wherever the filter holds a Related)."""
        match filter_:
            case And(items):
                return self._joined(" AND ", TRUE, [self.entity(item, x) for item in items])
            case Or(items):
                return self._joined(" OR ", "false", [self.entity(item, x) for item in items])
            case Not(item):
                return f"NOT coalesce({self.entity(item, x)}, false)"
            case Words(words):
                return self._joined(" AND ", TRUE, [self._word(word, x) for word in words])
            case Related():
                return self._related(filter_, x)
            case Compare():
                return self._compare(filter_, x)

    def link(self, filter_: LinkFilter, r: str) -> str:
        """A predicate on the relationship expression `r`."""
        match filter_:
            case LinkAnd(items):
                return self._joined(" AND ", TRUE, [self.link(item, r) for item in items])
            case LinkOr(items):
                return self._joined(" OR ", "false", [self.link(item, r) for item in items])
            case LinkNot(item):
                return f"NOT coalesce({self.link(item, r)}, false)"
            case LinkCompare():
                return self._link_compare(filter_, r)

    def _joined(self, operator: str, empty: str, texts: Iterable[str]) -> str:
        parts = list(texts)
        return f"({operator.join(parts)})" if parts else empty

    def _parameter(self, value: object) -> str:
        name = f"f{len(self.parameters)}"
        self.parameters[name] = list(value) if isinstance(value, tuple) else value
        return f"${name}"

    def _compare(self, compare: Compare, x: str) -> str:
        if compare.key is not None:
            return self._keyed(compare.op, compare.value, f"{x}.{compare.field}", compare.key)
        if compare.field in _LISTS:
            return self._listed(compare, x, _LISTS[compare.field])
        if compare.field == "type_key":
            return self._scalar(compare.op, compare.value, _folded(x, "type"))
        if compare.field == "owner_state":
            return self._scalar(compare.op, compare.value, _lower(compare.op, f"{x}.owner_state"))
        if compare.field not in _SCALARS:
            raise KeyError(compare.field)
        folded = compare.op in _FOLDING and compare.field in _WITH_FOLDED_COPY
        return self._scalar(compare.op, compare.value, _folded(x, compare.field) if folded else f"{x}.{compare.field}")

    def _scalar(self, op: Op, value: object, expression: str) -> str:
        if op is Op.EXISTS:
            return f"{expression} IS {'NOT ' if value else ''}NULL"
        return _COMPARISONS[op].format(x=expression, value=self._parameter(_fold(op, value)))

    def _listed(self, compare: Compare, x: str, name: str) -> str:
        op, values = compare.op, self.sight.values(x, name)
        if op is Op.EXISTS:
            return f"{values} IS {'NOT ' if compare.value else ''}NULL"
        if op is Op.EQ:
            return f"{self._parameter(compare.value)} IN {values}"
        items = _folded(x, name) if op in _FOLDING and name in _WITH_FOLDED_COPY else values
        inner = _COMPARISONS[op].format(x="v", value=self._parameter(_fold(op, compare.value)))
        return f"any(v IN {items} WHERE {inner})"

    def _keyed(self, op: Op, value: object, items: str, key: str) -> str:
        start = f"{map_key(key)}="
        if op is Op.EXISTS:
            found = f"any(v IN {items} WHERE v STARTS WITH {self._parameter(start)})"
            return found if value else f"NOT coalesce({found}, false)"
        if op is Op.EQ:
            return f"{self._parameter(f'{start}{value}')} IN {items}"
        if op is Op.IN:
            values = [f"{start}{item}" for item in value] if isinstance(value, tuple) else []
            return f"any(v IN {items} WHERE v IN {self._parameter(values)})"
        folded = f"coalesce({items}_folded, {items})"
        if op is Op.STARTS_WITH:
            return f"any(v IN {folded} WHERE v STARTS WITH {self._parameter(f'{start}{str(value).casefold()}')})"
        key_text, text = self._parameter(start), self._parameter(str(value).casefold())
        return f"any(v IN {folded} WHERE v STARTS WITH {key_text} AND substring(v, size({key_text})) CONTAINS {text})"

    def _word(self, word: str, x: str) -> str:
        text = self._parameter(word)
        fields = " OR ".join(
            f"coalesce({x}.{name}_folded, {x}.{name}, '') CONTAINS {text}" for name in ("name", "title", "description")
        )
        return f"({fields} OR any(v IN coalesce({x}.tags_folded, {x}.tags, []) WHERE v CONTAINS {text}))"

    def _related(self, related: Related, x: str) -> str:
        self._variables += 1
        other = f"o{self._variables}"
        types = relation_types([related.relation] if related.relation else RELATIONS)
        pattern = f"({x})-[:{types}]->({other}:Entity)"
        if related.direction is Direction.IN:
            pattern = f"({x})<-[:{types}]-({other}:Entity)"
        exists = f"EXISTS {{ MATCH {pattern} WHERE {self.seen(related.filter, other)} }}"
        return f"NOT {exists}" if related.none else exists

    def _link_compare(self, compare: LinkCompare, r: str) -> str:
        if compare.field == "relation":
            return self._scalar(compare.op, compare.value, _lower(compare.op, f"type({r})"))
        if compare.field == "property":
            return self._keyed(compare.op, compare.value, f"{r}.properties", compare.key or "")
        if compare.field == "source":
            return self._listed(Compare("source", compare.op, compare.value), r, "sources")
        expression = _LINK_SCALARS[compare.field].format(r=r)
        if compare.field in ("origin", "criticality"):
            expression = _lower(compare.op, expression)
        elif compare.op in _FOLDING:
            expression = _folded(r, compare.field)
        return self._scalar(compare.op, compare.value, expression)


_LINK_SCALARS = {
    "criticality": "coalesce({r}.criticality, 'HARD')",
    "confidence": "coalesce({r}.confidence, 1.0)",
    "origin": "coalesce({r}.origin, 'DECLARED')",
    "environment": "{r}.environment",
    "observed_at": "{r}.observed_at",
}


def _folded(x: str, name: str) -> str:
    return f"coalesce({x}.{name}_folded, {x}.{name})"


def _lower(op: Op, expression: str) -> str:
    """Return the expression in lower case where the operator looks at no case, for names of our own in capital ASCII
    letters, which need no folded copy.
    """
    return f"toLower({expression})" if op in _FOLDING else expression


def _fold(op: Op, value: object) -> object:
    return str(value).casefold() if op in _FOLDING else value


def relation_types(names: Iterable[str]) -> str:
    """Relationship types for a pattern, out of the closed relation table only."""
    return "|".join(RELATIONS[name].name for name in names)
