"""What is read of entities and links: lists of values, since maps would name their keys in every row."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import Any, NamedTuple, cast

from graph_api.catalog.entity import Criticality, Entity, Link, LinkKey, LinkOrigin, OwnerState
from graph_api.catalog.ref import Ref
from graph_api.store.protocol import Needed
from graph_api.store.rows import lazy_entity_statements, lazy_link_statements, lazy_strings, load_owners

Values = Sequence[Any]


class Projection(NamedTuple):
    """`text` is an expression on a node `e`, and `entity` makes an Entity of what it gives; `link_text` and `link` are
    the same for a relationship `r`. What is not needed is missing in them, so that nobody takes it for unset.
    """

    fields: frozenset[str]
    links: bool
    text: str
    entity: Callable[[Values], Entity]
    link_text: str
    link: Callable[[Values], Link]

    def with_field(self, name: str) -> "Projection":
        return projection(Needed(self.fields | {name}, self.links))


LINK = (
    "[startNode(r).ref, type(r), endNode(r).ref, r.environment, r.criticality, r.confidence, r.properties_json, "
    "r.origins, r.observed_at, r.statements, r.revision]"
)
"""The values of a relationship `r`, for link_of()."""


def link_of(row: Values) -> Link:
    source, relation, target, environment, criticality, confidence, properties, origins, observed, said, revision = row
    key = LinkKey(Ref(source), relation, Ref(target), environment)
    return Link(
        key=key,
        criticality=Criticality(criticality) if criticality else Criticality.HARD,
        confidence=1.0 if confidence is None else confidence,
        properties=lazy_strings(properties),
        origins=tuple(map(LinkOrigin, origins)) if origins else (LinkOrigin.DECLARED,),
        observed_at=observed,
        statements=lazy_link_statements(said, key),
        revision=revision,
    )


_KEY = "[startNode(r).ref, type(r), endNode(r).ref, r.environment]"


def _link_of_key(row: Values) -> Link:
    source, relation, target, environment = row
    link: Link = object.__new__(Link)
    object.__setattr__(link, "key", LinkKey(Ref(source), relation, Ref(target), environment))
    return link


def _mapping(items: Iterable[str]) -> dict[str, str]:
    pairs = (item.partition("=") for item in items)
    return {key.replace("%3D", "=").replace("%25", "%"): value for key, _, value in pairs}


_LIST = "tuple({x}) if {x} else ()"
_MAPPING = "mapping({x}) if {x} else {{}}"
_MADE = {
    "tags": _LIST,
    "labels": _MAPPING,
    "annotations": _MAPPING,
    "identifiers": _LIST,
    "statements": "statements_of({x})",
    "owners": "owners_of({x})",
    "systems": _LIST,
    "domains": _LIST,
    "environments": _LIST,
    "owner_state": "OwnerState({x}) if {x} else None",
    "audience": "{x} or ''",
}
"""What a field is made of, where it is not the property as it is."""
_FIELDS = tuple(field.name for field in fields(Entity))
_PROPERTIES = {"owners": "ownership"}
_NAMES = frozenset({"ref", "name", "kind", "namespace", "declared", "type"})
_LISTED = _NAMES | {
    "title", "description", "lifecycle", "tier", "active", "tags", "owners", "owner_state", "systems", "revision",
    "updated_at",
}  # fmt: skip


def projection(needed: Needed | None) -> Projection:
    """Return the projection for what is needed, or for everything, or some more: Neo4j plans each text anew."""
    known = (one for one in _SOME if needed and needed.fields <= one.fields and needed.links <= one.links)
    return next(known, WHOLE)


def _projection(fields: frozenset[str], *, links: bool) -> Projection:
    read = [name for name in _FIELDS if name in fields]
    text = ", ".join(f"e.{_PROPERTIES.get(name, name)}" for name in read)
    link_text, link = (LINK, link_of) if links else (_KEY, _link_of_key)
    return Projection(fields, links, f"[{text}]", _maker(read), link_text, link)


def _maker(read: Sequence[str]) -> Callable[[Values], Entity]:
    """Return what makes an entity of a row. It is written as code, as dataclasses writes __init__(), which would set
    what is missing.
    """
    code = ["def entity_of(row):", f"    {', '.join(read)}, = row", "    entity = new(Entity)"]
    code += [f"    entity.{name} = {_MADE.get(name, '{x}').format(x=name)}" for name in read]
    names: dict[str, Any] = {
        "new": object.__new__,
        "Entity": Entity,
        "OwnerState": OwnerState,
        "mapping": _mapping,
        "owners_of": load_owners,
        "statements_of": lazy_entity_statements,
    }
    exec("\n".join([*code, "    return entity"]), names)  # noqa: S102 - made of the names of our own fields
    return cast("Callable[[Values], Entity]", names["entity_of"])


WHOLE = _projection(frozenset(_FIELDS), links=True)
_SOME = (_projection(_NAMES, links=False), _projection(_LISTED, links=False), _projection(_LISTED, links=True))
"""What is asked of most entities: what they are, and what lists show."""
