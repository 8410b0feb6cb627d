"""The relation fields and owners of a descriptor -> links."""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import field
from typing import Any

from graph_api.catalog.copies import altered
from graph_api.catalog.entity import Criticality, LinkKey, LinkStatement
from graph_api.catalog.merge import DEFAULT_ROLE
from graph_api.catalog.ref import BadRefError, Ref, environment_name, kind_of, parse_ref, split_ref
from graph_api.catalog.relations import RELATIONS, SPELLINGS, Direction, Relation, Spelling
from graph_api.catalog.sealed import sealed
from graph_api.catalog.snapshot import ProblemCode
from graph_api.sources.fields import MAX_TEXT, Fields, dotted, text_of
from graph_api.sources.parsing import Keys

_OWNED_BY = RELATIONS["OWNED_BY"]
_OWNER_FIELDS = ("owner", "owners")
_TARGET_KEYS = {"ref", "criticality", "environment", "confidence", "properties"}
_OWNER_KEYS = _TARGET_KEYS | {"role", "primary"}


@sealed(frozen=True, slots=True, kw_only=True)
class _Target:
    """One value of a relation field: a ref, or an object with a ref and properties of the link."""

    ref: Ref
    path: Keys
    environment: str | None = None
    criticality: Criticality | None = None
    confidence: float | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    role: str | None = None
    primary: bool = False


def read_links(ref: Ref, fields: Fields) -> dict[LinkKey, LinkStatement]:
    """The links that an entity's spec states, whichever end it is."""
    links: dict[LinkKey, LinkStatement] = {}
    spec = fields.get("spec")
    if not isinstance(spec, dict):
        return links
    namespace = split_ref(ref).namespace
    for name in spec:
        if name in SPELLINGS and name not in _OWNER_FIELDS:
            relation, spelling = SPELLINGS[name]
            for target in _targets(namespace, fields, spelling, _TARGET_KEYS):
                ends = (ref, target.ref) if spelling.direction is Direction.OUT else (target.ref, ref)
                add_link(links, _statement(fields, relation, *ends, target))
    for owner in _owners(namespace, fields):
        add_link(links, _statement(fields, _OWNED_BY, ref, owner.ref, owner))
    return links


def add_link(links: MutableMapping[LinkKey, LinkStatement], new: LinkStatement) -> None:
    """Add what may already be stated from the other end: the first statement stands, the other fills what it lacks."""
    old = links.get(new.key)
    links[new.key] = (
        new
        if old is None
        else altered(
            old,
            criticality=old.criticality or new.criticality,
            confidence=new.confidence if old.confidence is None else old.confidence,
            properties={**new.properties, **old.properties},
        )
    )


def _owners(namespace: str, fields: Fields) -> list[_Target]:
    """Of an owner in both `owner` and `owners` the entry in `owners` counts; exactly one of all is primary."""
    spelling = SPELLINGS["owners"][1]
    single = list(_targets(namespace, fields, SPELLINGS["owner"][1], _OWNER_KEYS))
    listed = list(_targets(namespace, fields, spelling, _OWNER_KEYS))
    flagged = [target for target in listed + single if target.primary]
    if len(flagged) > 1:
        fields.report(ProblemCode.INVALID, "more than one owner is primary; the first is taken", flagged[1].path)
    primary = next(iter(flagged + single + listed), None)
    owners = {(target.ref, target.environment): target for target in single + listed}
    return [
        altered(
            target,
            properties={
                **target.properties,
                "role": target.role or DEFAULT_ROLE,
                "primary": primary is not None and target.ref == primary.ref,
            },
        )
        for target in owners.values()
    ]


def _targets(namespace: str, fields: Fields, spelling: Spelling, known: set[str]) -> Iterator[_Target]:
    for path, value in fields.items("spec", spelling.field):
        try:
            yield _target(namespace, fields, spelling, path, value, known)
        except BadRefError as error:
            fields.report(ProblemCode.BAD_REF, f"{dotted(path)}: {error}", path)


def _target(namespace: str, fields: Fields, spelling: Spelling, path: Keys, value: Any, known: set[str]) -> _Target:
    text = text_of(value.get("ref") if isinstance(value, dict) else value)
    if text is None:
        raise BadRefError("a ref is missing: write kind:namespace/name, or an object with `ref`")
    target = parse_ref(text, kind=spelling.default_kind, namespace=namespace)
    if not isinstance(value, dict):
        return _Target(ref=target, path=path)
    for key in value:
        if key not in known:
            message = f"{str(key)[:80]!r} is no property of a link"
            fields.report(ProblemCode.INVALID, message, (*path, key))
    role = _short(fields, (*path, "role"), value.get("role"))
    environment = _short(fields, (*path, "environment"), value.get("environment"))
    return _Target(
        ref=target,
        path=path,
        environment=environment_name(environment, namespace) if environment else None,
        criticality=_criticality(fields, (*path, "criticality"), value.get("criticality")),
        confidence=_confidence(fields, (*path, "confidence"), value.get("confidence")),
        properties=_properties(fields, (*path, "properties"), value.get("properties")),
        role=role.upper().replace("-", "_").replace(" ", "_") if role else None,
        primary=_flag(fields, (*path, "primary"), value.get("primary")),
    )


def _statement(fields: Fields, relation: Relation, source: Ref, target: Ref, details: _Target) -> LinkStatement:
    key = LinkKey(source, relation.name, target, details.environment)
    if message := unusual_ends(key):
        fields.report(ProblemCode.BAD_LINK_END, message, details.path)
    return LinkStatement(
        key=key,
        document=fields.stated_in,
        location=fields.origin.location(details.path),
        criticality=details.criticality,
        confidence=details.confidence,
        properties=details.properties,
        first_seen=fields.origin.first_seen,
    )


def unusual_ends(key: LinkKey) -> str | None:
    """What to warn of where the relation table does not allow the kinds of a link's ends."""
    if RELATIONS[key.relation].allows(kind_of(key.source), kind_of(key.target)):
        return None
    return f"{key.relation} from {key.source} to {key.target}: a link between such kinds is unusual"


def _short(fields: Fields, path: Keys, value: object) -> str | None:
    text = (text_of(value) or "").strip()
    if value is not None and not 0 < len(text) <= MAX_TEXT:
        fields.invalid(path, f"text of 1 to {MAX_TEXT:,} characters")
        return None
    return text or None


def _criticality(fields: Fields, path: Keys, value: object) -> Criticality | None:
    if value is None:
        return None
    text = (text_of(value) or "").upper()
    if text not in Criticality.__members__:
        fields.invalid(path, "HARD or SOFT")
        return None
    return Criticality(text)


def _confidence(fields: Fields, path: Keys, value: object) -> float | None:
    if value is None:
        return None
    try:
        number = float(text_of(value) or "")
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        fields.invalid(path, "a number from 0 to 1")
        return None
    return number


def _properties(fields: Fields, path: Keys, value: object) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        fields.invalid(path, "a mapping")
    return dict(value) if isinstance(value, dict) else {}


def _flag(fields: Fields, path: Keys, value: object) -> bool:
    flag = flag_of(value)
    if value is not None and flag is None:
        fields.invalid(path, "true or false")
    return bool(flag)


def flag_of(value: object) -> bool | None:
    """A boolean, also where it is quoted or in capitals; None for anything else."""
    return {"true": True, "false": False}.get((text_of(value) or "").lower())
