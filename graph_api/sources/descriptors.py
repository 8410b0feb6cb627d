"""One document of the descriptor format -> what it states about its entity and its links.

The format is Backstage's (https://backstage.io/docs/features/software-catalog/descriptor-format), with the kinds,
relations and fields that this catalog adds to it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from graph_api.catalog.entity import EntityStatement, LinkStatement
from graph_api.catalog.former_refs import FORMER_REFS, former_texts
from graph_api.catalog.identifiers import identifiers_of, normalize_all
from graph_api.catalog.kinds import OWNER_KINDS, kind_name
from graph_api.catalog.ref import DEFAULT_NAMESPACE, BadRefError, Ref, make_ref, parse_ref, split_ref
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity
from graph_api.sources.descriptor_links import flag_of, read_links
from graph_api.sources.fields import MAX_LONG_TEXT, MAX_TEXT, Fields, Origin, content_problem, text_of
from graph_api.sources.misspellings import report_misspellings
from graph_api.sources.parsing import Keys

GROUP = "backstage.io"

FOREIGN_FIELDS: dict[str, frozenset[str]] = {
    # Without `type`, because Dapr has a Component with it, and Backstage's cannot do without the others.
    "component": frozenset({"lifecycle", "owner", "system", "subcomponentOf", "providesApis", "consumesApis"}),
    "api": frozenset({"type", "lifecycle", "owner", "system", "definition"}),
    "resource": frozenset({"type", "owner", "system", "dependencyOf"}),
    "system": frozenset({"type", "owner", "domain"}),
    "domain": frozenset({"type", "owner", "subdomainOf"}),
    "group": frozenset({"type", "parent", "children", "members"}),
    "user": frozenset({"memberOf", "profile"}),
    "location": frozenset({"target", "targets"}),
    "template": frozenset({"type", "owner", "steps"}),
}
"""Of each of Backstage's kinds, the fields of spec that tell it from a kind of that name in another group."""

MAX_TIER = 2**31 - 1

_PLACEHOLDER = re.compile(r"\$\{\{|\{%")
_TIER = re.compile("[0-9]{1,10}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ACTIVE_CONTENT = ("javascript", "data", "vbscript", "blob", "file")
_LINK_TEXTS = ("url", "title", "icon", "type")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one document says. `entity` is None if it was refused; then a problem of severity REFUSED says why."""

    entity: EntityStatement | None
    links: tuple[LinkStatement, ...]
    problems: tuple[Problem, ...]
    places: tuple[Keys, ...]
    """The field of each problem."""


class _RefusedError(Exception):
    def __init__(self, code: ProblemCode, message: str, path: Keys = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path


def is_descriptor(document: object, groups: Iterable[str] = ()) -> bool:
    """Whether a document is meant for the catalog. `groups` are further API groups whose documents all are."""
    if not isinstance(document, dict):
        return False
    version, kind = document.get("apiVersion"), document.get("kind")
    if not isinstance(version, str):
        return False
    group = version.rpartition("/")[0].lower()
    if any(group == known or group.endswith(f".{known}") for known in (GROUP, *groups)):
        return True
    spec = document.get("spec")
    if not group or not isinstance(kind, str) or not isinstance(spec, dict):
        return False
    return not FOREIGN_FIELDS.get(kind.lower(), frozenset()).isdisjoint(spec)


def read_descriptor(document: dict[str, Any], origin: Origin) -> Reading:
    """Read a document of JSON types. Never fails: a document is refused, or read without the parts that are wrong."""
    fields = Fields(document, origin)
    try:
        if problem := content_problem(document):
            raise _RefusedError(*problem)
        fields.ref = ref = _ref(fields)
        fields.stated_in = origin.document_of(ref)
        report_misspellings(ref, fields)
        links = read_links(ref, fields)
        entity = _entity(ref, fields)
    except _RefusedError as error:
        fields.report(error.code, error.message, error.path, Severity.REFUSED)
        return Reading(None, (), tuple(fields.problems), tuple(fields.places))
    return Reading(entity, tuple(links.values()), tuple(fields.problems), tuple(fields.places))


def _ref(fields: Fields) -> Ref:
    kind = _name_part(fields, "kind")
    if not kind:
        raise _RefusedError(ProblemCode.INVALID, "kind is missing, such as Component", ("kind",))
    if not isinstance(fields.get("metadata"), dict):
        raise _RefusedError(ProblemCode.INVALID, "metadata is missing or no mapping")
    name = _name_part(fields, "metadata", "name")
    if not name:
        raise _RefusedError(ProblemCode.INVALID, "metadata.name is missing", ("metadata", "name"))
    namespace = _name_part(fields, "metadata", "namespace") or DEFAULT_NAMESPACE
    try:
        return make_ref(kind, namespace, name)
    except BadRefError as error:
        place = ("kind",) if error.part == "kind" else ("metadata", error.part)
        raise _RefusedError(ProblemCode.INVALID, str(error), place) from error


def _name_part(fields: Fields, *path: str) -> str:
    value = fields.get(*path)
    text = text_of(value)
    if value is not None and text is None:
        raise _RefusedError(ProblemCode.INVALID, f"{path[-1]} must be text", path)
    if text and _PLACEHOLDER.search(text):
        raise _RefusedError(ProblemCode.TEMPLATE, f"{path[-1]} holds a placeholder: {text[:80]}", path)
    return text or ""


def _entity(ref: Ref, fields: Fields) -> EntityStatement:
    kind = split_ref(ref).kind
    annotations = fields.text_map("metadata", "annotations")
    spec = dict(fields.mapping("spec"))
    identifiers = identifiers_of(kind, annotations, spec)
    if FORMER_REFS in annotations:
        identifiers = normalize_all((*identifiers, *_former_refs(ref, annotations[FORMER_REFS], fields)))
    return EntityStatement(
        ref=ref,
        name=text_of(fields.get("metadata", "name")) or "",
        kind=_kind_as_written(fields, kind),
        document=fields.stated_in,
        location=fields.origin.location(),
        type=fields.text("spec", "type"),
        title=_title(kind, fields),
        description=fields.text("metadata", "description", limit=MAX_LONG_TEXT),
        lifecycle=fields.text("spec", "lifecycle"),
        tier=_tier(fields),
        active=_active(fields),
        tags=fields.texts("metadata", "tags"),
        labels=fields.text_map("metadata", "labels"),
        annotations=annotations,
        links=_web_links(fields),
        spec=spec,
        identifiers=identifiers,
        first_seen=fields.origin.first_seen,
    )


def _kind_as_written(fields: Fields, key: str) -> str:
    known = kind_name(key)
    return str(fields.get("kind")) if known == key else known


def _title(kind: str, fields: Fields) -> str | None:
    title = fields.text("metadata", "title", limit=MAX_LONG_TEXT)
    if title or kind not in OWNER_KINDS:
        return title
    return fields.text("spec", "profile", "displayName", limit=MAX_LONG_TEXT)


def _tier(fields: Fields) -> int | None:
    value = fields.get("spec", "tier")
    if value is None:
        return None
    text = text_of(value) or ""
    if _TIER.fullmatch(text) and int(text) <= MAX_TIER:
        return int(text)
    fields.invalid(("spec", "tier"), f"a whole number from 0 to {MAX_TIER:,}, 1 the most critical")
    return None


def _active(fields: Fields) -> bool:
    value = fields.get("spec", "active")
    flag = flag_of(value)
    if value is not None and flag is None:
        fields.invalid(("spec", "active"), "true or false")
    return flag is not False


def _former_refs(ref: Ref, value: str, fields: Fields) -> list[str]:
    kind, namespace, _ = split_ref(ref)
    found: list[str] = []
    for text in former_texts(value):
        try:
            found.append(parse_ref(text, kind=kind, namespace=namespace))
        except BadRefError as error:
            path = ("metadata", "annotations", FORMER_REFS)
            fields.report(ProblemCode.BAD_REF, f"{FORMER_REFS}: {error}", path)
    return found


def _web_links(fields: Fields) -> tuple[dict[str, str], ...]:
    found = []
    for path, item in fields.items("metadata", "links"):
        link = {key: text_of(item.get(key)) for key in _LINK_TEXTS} if isinstance(item, dict) else {}
        url = (link.get("url") or "").strip()
        if not 0 < len(url) <= 2 * MAX_TEXT or not _is_harmless(url):
            fields.invalid(path, "a link with an url that a browser may open")
            continue
        found.append({key: text[:MAX_TEXT] for key, text in link.items() if text} | {"url": url})
    return tuple(found)


def _is_harmless(url: str) -> bool:
    """No scheme that runs or reads what it carries. Browsers skip control characters, so there may be none."""
    return not _CONTROL.search(url) and url.partition(":")[0].lower() not in _ACTIVE_CONTENT
