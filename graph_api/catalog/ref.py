"""Refs: the one textual identity of an entity, `kind:namespace/name`, canonical in lower case.

Grammar and defaults are those of Backstage's entity references
(https://backstage.io/docs/features/software-catalog/references).
"""

import re
from functools import lru_cache
from typing import NamedTuple, NewType

Ref = NewType("Ref", str)
"""A canonical ref: parsed, defaulted and lower-cased, such as `component:default/checkout`."""

DEFAULT_NAMESPACE = "default"
MAX_PART = 63

_PARTS = {
    "kind": (re.compile(r"[a-zA-Z][a-zA-Z0-9]*"), "letters a-z and digits, a letter first"),
    "namespace": (re.compile(r"[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*"), "letters a-z, digits and single - between them"),
    "name": (re.compile(r"[a-zA-Z0-9]+(?:[-_.]+[a-zA-Z0-9]+)*"), "letters a-z, digits and - _ . between them"),
}
"""The grammar of each part, and what it may hold in words."""
_REF = re.compile(r"(?:(?P<kind>[^:/]*):)?(?:(?P<namespace>[^:/]*)/)?(?P<name>[^:/]*)")


class BadRefError(ValueError):
    """A text that is no ref; the message says which `part` breaks the grammar, if it has parts."""

    def __init__(self, message: str, part: str = "") -> None:
        super().__init__(message)
        self.part = part


class RefParts(NamedTuple):
    kind: str
    namespace: str
    name: str


def make_ref(kind: str, namespace: str, name: str) -> Ref:
    """The canonical ref of three parts; BadRefError names the part that breaks the grammar."""
    for (label, (grammar, allowed)), value in zip(_PARTS.items(), (kind, namespace, name), strict=True):
        if not value:
            raise BadRefError(f"the {label} is missing: write kind:namespace/name", label)
        if len(value) > MAX_PART:
            raise BadRefError(f"the {label} has {len(value)} characters, at most {MAX_PART} are allowed", label)
        if not grammar.fullmatch(value):
            raise BadRefError(f"the {label} {value!r} may hold only {allowed}", label)
    return Ref(f"{kind}:{namespace}/{name}".lower())


@lru_cache(4_096)
def parse_ref(text: str, *, kind: str | None = None, namespace: str = DEFAULT_NAMESPACE) -> Ref:
    """Parse `[kind:][namespace/]name`; `kind` and `namespace` are the defaults of the place where it stands."""
    match = _REF.fullmatch(text.strip()) if len(text) <= 3 * MAX_PART + 16 else None
    if match is None:
        raise BadRefError(f"{text[:80]!r} is not of the form kind:namespace/name")
    try:
        return make_ref(
            kind if match["kind"] is None and kind else match["kind"] or "",
            namespace if match["namespace"] is None else match["namespace"],
            match["name"],
        )
    except BadRefError as error:
        raise BadRefError(f"{text[:80]!r}: {error}") from None


def environment_name(text: str, namespace: str = DEFAULT_NAMESPACE) -> str:
    """What the environment of a link is called: of a ref of one its name, with its namespace where that is not
    `default`; any other text is the name itself. `namespace` is the default of the place where it stands.
    """
    if not text.casefold().startswith("environment:"):
        return text
    try:
        _, within, name = split_ref(parse_ref(text, namespace=namespace))
    except BadRefError:
        return text
    return name if within == DEFAULT_NAMESPACE else f"{within}/{name}"


def split_ref(ref: Ref) -> RefParts:
    kind, rest = ref.split(":", 1)
    return RefParts(kind, *rest.split("/", 1))


def kind_of(ref: Ref) -> str:
    return ref.partition(":")[0]
