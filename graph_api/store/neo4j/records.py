"""Entities and links as Neo4j properties; projection.py has the way back.

Where text is compared without case, a `..._folded` copy stands beside it if it differs: Cypher's toLower() folds
differently from str.casefold(). Maps are lists of `key=value`, with `%` and `=` quoted in keys.
"""

from collections.abc import Mapping
from typing import Any

from graph_api.catalog.entity import Criticality, Entity, Link, LinkOrigin
from graph_api.catalog.filters import property_text
from graph_api.store.neo4j.words import joined_words
from graph_api.store.rows import dump, dump_entity_statements, dump_link_statements, dump_owners

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
    record: dict[str, Any] = {
        "ref": entity.ref,
        "kind": entity.kind,
        "namespace": entity.namespace,
        "declared": entity.declared,
        "tier": entity.tier,
        "active": entity.active,
        **texts,
        "identifiers": list(entity.identifiers),
        "repository": entity.repository,
        "folder": entity.folder,
        "statements": dump_entity_statements(entity.statements) if entity.statements else None,
        "owner_state": entity.owner_state,
        "audience": entity.audience or None,
        "systems": list(entity.systems),
        "domains": list(entity.domains),
        "environments": list(entity.environments),
        "revision": revision,
        "created_revision": created_revision,
        "updated_at": at,
    }
    _add_folded(record, texts)
    record["words"] = joined_words(
        text for text in (entity.name, entity.title, entity.description, *entity.tags) if text
    )
    for name in SORT_COPIES:
        if (text := record[name]) is not None:
            record[f"{name}_sort"] = sort_text(text)
    if entity.labels:
        _add_map(record, "labels", entity.labels)
    if entity.annotations:
        _add_map(record, "annotations", entity.annotations)
    if entity.owners:
        record["owners"] = list(dict.fromkeys(owner.ref for owner in entity.owners))
        record["declared_owners"] = list(dict.fromkeys(entity.declared_owners))
        record["ownership"] = dump_owners(entity.owners)
    return _present(record)


def link_record(link: Link, revision: int) -> dict[str, Any]:
    """The properties of the link's relationship; its ends and relation are the relationship's own.

    Most links are HARD, certain and no more than declared: what goes without saying makes a transaction larger that
    holds 400,000, and the index of origins is for the few others.
    """
    texts = {"environment": link.key.environment, "sources": list(link.statements)}
    record: dict[str, Any] = {
        **texts,
        "criticality": None if link.criticality is Criticality.HARD else link.criticality,
        "confidence": None if link.confidence == 1 else link.confidence,
        "observed_at": link.observed_at,
        "statements": dump_link_statements(link.statements, link.key),
        "revision": revision,
    }
    _add_folded(record, texts)
    if link.properties:
        said = {name: property_text(value) for name, value in link.properties.items()}
        _add_map(record, "properties", {name: text for name, text in said.items() if text is not None})
        record["properties_json"] = dump(link.properties)
    if link.origins != (LinkOrigin.DECLARED,):
        record["origin"], record["origins"] = link.origin, list(link.origins)
    return _present(record)


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value != []}


def _add_folded(record: dict[str, Any], texts: Mapping[str, Any]) -> None:
    for name, value in texts.items():
        copy = [item.casefold() for item in value] if isinstance(value, list) else value and value.casefold()
        if copy != value:
            record[f"{name}_folded"] = copy


def _add_map(record: dict[str, Any], name: str, values: Mapping[str, str]) -> None:
    record[name] = [f"{map_key(key)}={value}" for key, value in values.items()]
    folded = [f"{map_key(key)}={value.casefold()}" for key, value in values.items()]
    if folded != record[name]:
        record[f"{name}_folded"] = folded
