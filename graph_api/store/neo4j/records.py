"""Entities and links as Neo4j properties, and back.

Where text is compared without case, a `..._folded` copy stands beside it if it differs: Cypher's toLower() folds
differently from str.casefold(). Maps are lists of `key=value`, with `%` and `=` quoted in keys.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from graph_api.catalog.entity import Criticality, Entity, Link, LinkKey, LinkOrigin, OwnerState
from graph_api.catalog.filters import property_text
from graph_api.catalog.ref import Ref
from graph_api.store.rows import (
    dump,
    dump_entity_statements,
    dump_link_statements,
    dump_owners,
    lazy_entity_statements,
    lazy_link_statements,
    lazy_strings,
    load_owners,
)

Record = Mapping[str, Any]


SORT_COPIES = ("name", "type", "title", "lifecycle")
"""Texts with a `..._sort` copy: Cypher compares texts by UTF-16 unit, which differs from code points beyond U+FFFF."""


def sort_text(text: str) -> str:
    """A text whose order by UTF-16 unit is the code point order of the given one."""
    if text.isascii() or max(text) < "\uffff":
        return text
    return "".join(character if character < "\uffff" else _beyond_units(ord(character)) for character in text)


def _beyond_units(code: int) -> str:
    return f"\uffff{chr(code >> 10)}{chr(0x100 + (code & 0x3FF))}"


def map_key(key: str) -> str:
    """The key as it stands before the `=` of a map item."""
    return key.replace("%", "%25").replace("=", "%3D")


def entity_record(entity: Entity, revision: int, created_revision: int, at: str) -> dict[str, Any]:
    """The properties of the entity's node; what is missing has no property."""
    texts = {
        "name": entity.name,
        "type": entity.type,
        "title": entity.title,
        "description": entity.description,
        "lifecycle": entity.lifecycle,
        "tags": list(entity.tags),
        "sources": list(entity.sources),
    }
    return _present(
        {
            "ref": entity.ref,
            "kind": entity.kind,
            "namespace": entity.namespace,
            "declared": entity.declared,
            "tier": entity.tier,
            "active": entity.active,
            **texts,
            **_folded(texts),
            **{f"{name}_sort": sort_text(text) for name in SORT_COPIES if (text := getattr(entity, name)) is not None},
            **_map_items("labels", entity.labels),
            **_map_items("annotations", entity.annotations),
            "identifiers": list(entity.identifiers),
            "repository": entity.repository,
            "folder": entity.folder,
            "statements": dump_entity_statements(entity.statements) if entity.statements else None,
            "owners": list(dict.fromkeys(owner.ref for owner in entity.owners)),
            "declared_owners": list(dict.fromkeys(entity.declared_owners)),
            "ownership": dump_owners(entity.owners) if entity.owners else None,
            "owner_state": entity.owner_state,
            "audience": entity.audience or None,
            "systems": list(entity.systems),
            "domains": list(entity.domains),
            "environments": list(entity.environments),
            "revision": revision,
            "created_revision": created_revision,
            "updated_at": at,
        }
    )


def entity_of(record: Record) -> Entity:
    get = record.get
    state = get("owner_state")
    return Entity(
        ref=record["ref"],
        name=record["name"],
        kind=record["kind"],
        namespace=record["namespace"],
        declared=record["declared"],
        type=get("type"),
        title=get("title"),
        description=get("description"),
        lifecycle=get("lifecycle"),
        tier=get("tier"),
        active=record["active"],
        tags=tuple(get("tags") or ()),
        labels=_mapping(get("labels") or ()),
        annotations=_mapping(get("annotations") or ()),
        identifiers=tuple(get("identifiers") or ()),
        repository=get("repository"),
        folder=get("folder"),
        statements=lazy_entity_statements(get("statements")),
        owners=load_owners(get("ownership")),
        systems=tuple(get("systems") or ()),
        domains=tuple(get("domains") or ()),
        environments=tuple(get("environments") or ()),
        owner_state=OwnerState(state) if state else None,
        audience=get("audience") or "",
        revision=record["revision"],
        created_revision=record["created_revision"],
        updated_at=record["updated_at"],
    )


def link_record(link: Link, revision: int) -> dict[str, Any]:
    """The properties of the link's relationship; its ends and relation are the relationship's own."""
    texts = {"environment": link.key.environment, "sources": list(link.statements)}
    properties = {name: text for name, value in link.properties.items() if (text := property_text(value)) is not None}
    return _present(
        {
            **texts,
            **_folded(texts),
            **_map_items("properties", properties),
            "properties_json": dump(link.properties) if link.properties else None,
            **_unusual(link),
            **_origins(link),
            "observed_at": link.observed_at,
            "statements": dump_link_statements(link.statements, link.key),
            "revision": revision,
        }
    )


def _unusual(link: Link) -> dict[str, Any]:
    """Most links are HARD and certain: what goes without saying makes a transaction larger that holds 400,000."""
    return {
        "criticality": None if link.criticality is Criticality.HARD else link.criticality,
        "confidence": None if link.confidence == 1 else link.confidence,
    }


def _origins(link: Link) -> dict[str, Any]:
    """None for a link that is declared and no more: the index of origins holds only the few others."""
    if link.origins == (LinkOrigin.DECLARED,):
        return {}
    return {"origin": link.origin, "origins": list(link.origins)}


def link_of(source: str, relation: str, target: str, record: Record) -> Link:
    key = LinkKey(Ref(source), relation, Ref(target), record.get("environment"))
    return Link(
        key=key,
        criticality=Criticality(record.get("criticality") or Criticality.HARD),
        confidence=1.0 if (confidence := record.get("confidence")) is None else confidence,
        properties=lazy_strings(record.get("properties_json")),
        origins=tuple(map(LinkOrigin, record.get("origins") or (LinkOrigin.DECLARED,))),
        observed_at=record.get("observed_at"),
        statements=lazy_link_statements(record.get("statements"), key),
        revision=record["revision"],
    )


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value != []}


def _folded(texts: Mapping[str, str | list[str] | None]) -> dict[str, Any]:
    copies: dict[str, Any] = {}
    for name, value in texts.items():
        copy = [item.casefold() for item in value] if isinstance(value, list) else value and value.casefold()
        if copy != value:
            copies[f"{name}_folded"] = copy
    return copies


def _map_items(name: str, values: Mapping[str, str]) -> dict[str, list[str]]:
    items = [f"{map_key(key)}={value}" for key, value in values.items()]
    folded = [f"{map_key(key)}={value.casefold()}" for key, value in values.items()]
    return {name: items} if items == folded else {name: items, f"{name}_folded": folded}


def _mapping(items: Iterable[str]) -> dict[str, str]:
    pairs = (item.partition("=") for item in items)
    return {key.replace("%3D", "=").replace("%25", "%"): value for key, _, value in pairs}
