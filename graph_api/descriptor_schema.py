"""schema/catalog.schema.json: a JSON Schema of descriptors, so that editors complete and check catalog-info.yaml.

It is stricter than the reader where that helps the one who types, and open everywhere: unknown fields are kept.
"""

from collections.abc import Mapping
from typing import Any

from graph_api.catalog.entity import Criticality
from graph_api.catalog.kinds import APPLICATION_TYPES, BUILT_IN_KINDS, LIBRARY_TYPES, SERVICE_TYPES, Kind, kind_name
from graph_api.catalog.ref import DEFAULT_NAMESPACE, MAX_PART
from graph_api.catalog.relations import RELATIONS, Direction, Relation, Spelling

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_TEXT_MAP: Json = {"type": "object", "additionalProperties": _TEXT}
_OWNER_FIELDS = ("owner", "owners")


def descriptor_schema() -> Json:
    """Return the schema in draft 7, which is what editors know."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Descriptor of an entity",
        "description": "One document of a catalog-info.yaml: Backstage's format, and what this catalog adds to it.",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "properties": {
            "apiVersion": {"type": "string", "examples": ["backstage.io/v1alpha1"]},
            "kind": _kind(),
            "metadata": {"$ref": "#/definitions/metadata"},
            "spec": _any_spec(),
        },
        "allOf": [_spec_of(kind) for kind in BUILT_IN_KINDS.values()],
        "definitions": _definitions(),
    }


def _kind() -> Json:
    names = {"enum": [kind.name for kind in BUILT_IN_KINDS.values()]}
    return {"description": "What sort of entity this is.", "anyOf": [names, {"type": "string"}]}


def _any_spec() -> Json:
    properties = {
        "type": _described("Which sort of its kind."),
        "lifecycle": _described("Such as production.", {"examples": ["experimental", "production", "deprecated"]}),
        "tier": {"type": "integer", "minimum": 0, "description": "How critical it is; 1 is the most critical."},
        "active": {"type": "boolean", "description": "False for what still stands here and is no longer in use."},
    }
    return {"type": "object", "properties": properties | _relation_fields(None)}


def _spec_of(kind: Kind) -> Json:
    properties = _relation_fields(kind.key) | _OWN_FIELDS.get(kind.key, {})
    spec = {"type": "object", "description": kind.description, "properties": properties}
    # An `if` without `required` would hold for a document that states no kind yet.
    condition = {"required": ["kind"], "properties": {"kind": {"const": kind.name}}}
    return {"if": condition, "then": {"properties": {"spec": spec}}}


def _relation_fields(kind: str | None) -> Json:
    """Fields of relations that only some kinds can have at this end, this kind among them; None for all others."""
    fields = {}
    for relation in RELATIONS.values():
        for spelling in relation.spellings:
            ends = relation.sources if spelling.direction is Direction.OUT else relation.targets
            if kind in ends or (kind is None and not ends):
                fields[spelling.field] = _relation_field(relation, spelling)
    return fields


def _described(description: str, more: Mapping[str, Any] | None = None) -> Json:
    return _TEXT | {"description": description} | dict(more or {})


def _relation_field(relation: Relation, spelling: Spelling) -> Json:
    target = {"$ref": f"#/definitions/{'owner' if spelling.field in _OWNER_FIELDS else 'target'}"}
    reads = f"{relation.name}: {relation.description}"
    if spelling.direction is Direction.IN:
        reads = f"{relation.inverse}, the inverse of {reads}"
    kind = spelling.default_kind
    default = f"A ref without a kind is of kind {kind_name(kind)}." if kind else "Refs must name their kind."
    return {"description": f"{reads} {default}", "anyOf": [target, {"type": "array", "items": target}]}


def _definitions() -> Json:
    return {
        "ref": {
            "type": "string",
            "description": f"[kind:][namespace/]name, each part of at most {MAX_PART} characters.",
            "pattern": r"^([A-Za-z][A-Za-z0-9]*:)?([A-Za-z0-9]+(-[A-Za-z0-9]+)*/)?[A-Za-z0-9]+([-_.]+[A-Za-z0-9]+)*$",
        },
        "target": _ref_or_object({}),
        "owner": _ref_or_object(
            {
                "role": _described("OWNER when left out.", {"examples": ["OWNER", "ON_CALL", "SECURITY"]}),
                "primary": {"type": "boolean", "description": "The one to ask first; the first owner when left out."},
            }
        ),
        "link": {
            "type": "object",
            "required": ["url"],
            "properties": dict.fromkeys(("url", "title", "icon", "type"), _TEXT),
        },
        "metadata": _metadata(),
    }


def _ref_or_object(more: Json) -> Json:
    link = {
        "ref": {"$ref": "#/definitions/ref"},
        "criticality": {
            "enum": [member.value for member in Criticality],
            "description": "HARD, the default: fails with it. SOFT: degrades without it.",
        },
        "environment": _described("The environment that the link holds in."),
        "confidence": {"type": "number", "minimum": 0, "maximum": 1, "description": "1 when left out."},
        "properties": {"type": "object", "description": "Anything else to say about the link."},
    }
    stated = {"type": "object", "required": ["ref"], "additionalProperties": False, "properties": link | more}
    return {"anyOf": [{"$ref": "#/definitions/ref"}, stated]}


def _metadata() -> Json:
    return {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {
                "type": "string",
                "maxLength": MAX_PART,
                "pattern": r"^[A-Za-z0-9]+([-_.]+[A-Za-z0-9]+)*$",
                "description": "Unique for its kind and namespace, in any case.",
            },
            "namespace": {
                "type": "string",
                "maxLength": MAX_PART,
                "pattern": "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$",
                "default": DEFAULT_NAMESPACE,
            },
            "title": _described("A name for people."),
            "description": _described("What it is."),
            "labels": _TEXT_MAP,
            "annotations": _TEXT_MAP | {"properties": _ANNOTATIONS},
            "tags": {"type": "array", "items": _TEXT},
            "links": {"type": "array", "items": {"$ref": "#/definitions/link"}},
        },
    }


_ANNOTATIONS: Json = {
    "graph-api/former-refs": _described("Refs that it had before, with commas or spaces between them."),
    "backstage.io/source-location": _described("Where its source code is, such as url:https://github.com/org/repo."),
    "github.com/project-slug": _described("Its repository on GitHub, org/repo."),
}

_PROFILE: Json = {
    "type": "object",
    "description": "How to reach them.",
    "properties": dict.fromkeys(("displayName", "email", "picture"), _TEXT),
}

_COMPONENT_TYPES = sorted(SERVICE_TYPES | APPLICATION_TYPES | LIBRARY_TYPES)

_OWN_FIELDS: Mapping[str, Json] = {
    "component": {"type": _described("Chooses the GraphQL type.", {"examples": _COMPONENT_TYPES})},
    "api": {
        "definition": {
            "description": "The API's definition, or where to read it.",
            "anyOf": [
                _TEXT,
                {"type": "object", "properties": dict.fromkeys(("$text", "$json", "$yaml"), _TEXT)},
            ],
        }
    },
    "group": {"profile": _PROFILE},
    "user": {"profile": _PROFILE},
    "location": {
        "target": _described("A file or pattern to read as well, relative to this file."),
        "targets": {"type": "array", "items": _TEXT, "description": "Files or patterns to read as well."},
    },
}
"""Fields of spec that only some kinds have, or that say more there."""
