"""Owners as data tools and API documents write them: a text for a team or a person.

`user:x` and an e-mail address (also in `Name <address>`) are users, `@org/team`, `team:x`, `group:x` and any other text
groups: an owner without kind is a group, as in descriptors. They live in a namespace of their connector and join what
others know of them by `@org/team`, `@login` and the address. Texts that are templates name nobody yet.
"""

import re
from collections.abc import Iterator
from typing import Any

from graph_api.catalog.merge import DEFAULT_ROLE
from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Place, mapping
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, scoped
from graph_api.sources.scalars import is_template, text_in

_MAIL = re.compile(r"(?:[^<>]*<)?(?P<mail>[^@\s<>:/]+@(?=[^@\s<>:/]+\.[^@\s<>:/])[^@\s<>:/]+)>?")


def owner_texts(value: Any) -> Iterator[str]:
    """The texts in an owner field: one, several in a list or with commas, or `{name, email}`, by the address."""
    for item in value if isinstance(value, list) else [value]:
        text = text_in(item) or text_in(mapping(item).get("email")) or text_in(mapping(item).get("name"))
        yield from (part for part in map(str.strip, (text or "").split(",")) if part and not is_template(part))


def state_owners(
    ref: Ref, value: Any, at: Place, findings: Findings, *, role: str = DEFAULT_ROLE, first: bool = True
) -> None:
    """State that the entity is owned by those in an owner field; of the first such field the first owner is primary."""
    for place, text in enumerate(dict.fromkeys(owner_texts(value))):
        findings.owner(ref, state_owner(text, at, findings), at, role=role, primary=first and place == 0)


def state_owner(text: str, at: Place, findings: Findings, *, name: str | None = None) -> Ref:
    """State the group or user of a text; `name` is what people call it."""
    kind, key, identifiers = _told(text)
    profile = {"profile": {"email": key}} if "@" in key[1:] else {}
    named = name or key.removeprefix("@")
    return findings.entity(
        ref_of(kind, findings.connector, key), at, name=named, title=name, spec=profile, identifiers=identifiers
    )


def _told(text: str) -> tuple[str, str, list[str]]:
    """Kind, key and identifiers."""
    if match := _MAIL.fullmatch(text):
        return "user", match["mail"].lower(), [match["mail"]]
    head, colon, rest = text.partition(":")
    if colon and rest.strip() and head.lower() in ("user", "team", "group"):
        kind, name = "user" if head.lower() == "user" else "group", rest.strip()
    else:
        kind, name = "user" if text.startswith("@") and "/" not in text else "group", text
    if name.startswith("@"):
        return kind, name, [name]
    return kind, name, [scoped("team", name)] if kind == "group" else []
