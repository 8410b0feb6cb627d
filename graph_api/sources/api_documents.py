"""What documents that describe an API have in common: their names, their hosts, and hints at owners."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import ProblemCode
from graph_api.sources.documents import Document, Place, dig, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of
from graph_api.sources.owner_hints import owner_texts, state_owner
from graph_api.sources.scalars import is_template, text_in

HINT = 0.5
"""Confidence in an owner that only an extension field names: what it means is the author's convention."""
MAX_TAGS = 50
MAX_SERVERS = 100

_OWNERS = ("x-owner", "x-owners", "x-team", "x-owning-team", "x-owner-team")
_VARIABLE = re.compile(r"\{([^{}]*)\}")


def api_ref(connector: str, document: Document, name: str, hosts: Iterable[str] = ()) -> Ref:
    """APIs of one title are told apart by the first host that serves them, else by the document's folder."""
    scope = next(iter(hosts), None) or ("" if document.is_url else document.folder.as_posix().strip("."))
    return ref_of("api", f"{connector}-{scope}", name)


def title_of(document: Document, findings: Findings) -> str | None:
    """The title in `info`, else the file's name; None, with the document refused, where it is a template yet."""
    title = text_in(document.get("info", "title"))
    if title and is_template(title):
        findings.refuse(document, "a template, no API yet: its title has a placeholder", ProblemCode.TEMPLATE)
        return None
    return title or document.name


def filled(url: str, variables: Any) -> str:
    """A server's URL with the defaults of its variables."""
    return _VARIABLE.sub(lambda match: text_in(dig(variables, match[1], "default")) or match[0], url)


def tags_in(*places: Any) -> list[str]:
    """Names of tags."""
    return [name for place in places for _, tag in mappings(place) if (name := text_in(tag.get("name")))][:MAX_TAGS]


def web_links(info: Mapping[str, Any], external: Any) -> list[dict[str, str]]:
    """The documentation and the contact's page."""
    found = (("Documentation", dig(external, "url")), ("Contact", dig(info, "contact", "url")))
    return [
        {"url": url, "title": title} for title, url in found if (text_in(url) or "").startswith(("http:", "https:"))
    ]


def hint_owners(ref: Ref, at: Place, findings: Findings, *places: Any) -> None:
    """Owners in extension fields, as a guess."""
    for text in dict.fromkeys(_hints(places)):
        owner = state_owner(text, at, findings)
        findings.link(ref, "OWNED_BY", owner, at, origin=LinkOrigin.INFERRED, confidence=HINT)


def _hints(places: Iterable[Any]) -> Iterator[str]:
    for place in places:
        for key in _OWNERS:
            yield from owner_texts(mapping(place).get(key))
