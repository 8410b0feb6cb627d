"""The one filter language: lists, facets, counts, gaps, and `through` / `keep` of traversals.

Logic has two values: a comparison with a missing value is false, and its negation true.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from graph_api.catalog.relations import Direction


class Op(StrEnum):
    EQ = "eq"
    IN = "in"
    CONTAINS = "contains"
    STARTS_WITH = "startsWith"
    EXISTS = "exists"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"


@dataclass(frozen=True, slots=True)
class FilterField:
    """`many`: the entity has a list of values, and one that matches is enough. `keyed`: a map, asked by key."""

    name: str
    many: bool = False
    keyed: bool = False


FIELDS: dict[str, FilterField] = {
    row.name: row
    for row in (
        FilterField("ref"),
        FilterField("kind"),
        FilterField("type"),
        FilterField("namespace"),
        FilterField("name"),
        FilterField("title"),
        FilterField("description"),
        FilterField("lifecycle"),
        FilterField("tier"),
        FilterField("tags", many=True),
        FilterField("labels", keyed=True),
        FilterField("annotations", keyed=True),
        FilterField("owner", many=True),
        FilterField("declared_owner", many=True),
        FilterField("system", many=True),
        FilterField("domain", many=True),
        FilterField("environment", many=True),
        FilterField("source", many=True),
        FilterField("declared"),
        FilterField("owner_state"),
        FilterField("type_key"),
        FilterField("revision"),
        FilterField("updated_at"),
    )
}
"""Everything that can be filtered. `owner` holds effective owners (declared ones included); `type_key` is the
case-folded type."""

Value: TypeAlias = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Compare:
    """One comparison. `value` is a tuple for IN and a bool for EXISTS; CONTAINS and STARTS_WITH ignore case.

    Dates are ISO 8601 texts in UTC with `Z`, so that they compare as texts. `key` is set for keyed fields.
    """

    field: str
    op: Op
    value: Value | tuple[Value, ...]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class And:
    items: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    items: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    item: "Filter"


@dataclass(frozen=True, slots=True)
class Related:
    """Some (or, with `none`, no) neighbour by `relation` (any when None) in `direction` matches."""

    relation: str | None
    direction: Direction
    none: bool
    filter: "Filter"


@dataclass(frozen=True, slots=True)
class Words:
    """Every word stands, ignoring case, in the name, title, description or a tag. Words are case-folded."""

    words: tuple[str, ...]


Filter: TypeAlias = Compare | And | Or | Not | Related | Words
ALL = And(())
"""Matches everything."""


@dataclass(frozen=True, slots=True)
class LinkCompare:
    """A comparison on a link: criticality, environment, confidence, relation, source, origin, observed_at, or a free
    property by key.

    Criticality, confidence and origin always have a value (HARD, 1 and DECLARED when unset). Free properties compare
    as the texts of `property_text`.
    """

    field: str
    op: Op
    value: Value | tuple[Value, ...]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LinkAnd:
    items: tuple["LinkFilter", ...]


@dataclass(frozen=True, slots=True)
class LinkOr:
    items: tuple["LinkFilter", ...]


@dataclass(frozen=True, slots=True)
class LinkNot:
    item: "LinkFilter"


LinkFilter: TypeAlias = LinkCompare | LinkAnd | LinkOr | LinkNot


@dataclass(frozen=True, slots=True)
class SortableField:
    """`number`: other fields are texts."""

    name: str
    nullable: bool = False
    number: bool = False


SORTABLE: dict[str, SortableField] = {
    row.name: row
    for row in (
        SortableField("ref"),
        SortableField("kind"),
        SortableField("type", nullable=True),
        SortableField("namespace"),
        SortableField("name"),
        SortableField("title", nullable=True),
        SortableField("lifecycle", nullable=True),
        SortableField("tier", nullable=True, number=True),
        SortableField("revision", number=True),
        SortableField("updated_at"),
    )
}
"""Everything that a list can be sorted by."""


@dataclass(frozen=True, slots=True)
class Sort:
    """By Unicode code point; nulls last ascending and first descending; the ref breaks ties ascending."""

    field: str = "ref"
    descending: bool = False


def property_text(value: object) -> str | None:
    """A free property as the text that filters compare: scalars only, booleans as true / false."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None
