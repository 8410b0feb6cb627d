"""What SPDX documents of both generations list, in one shape."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from graph_api.sources.documents import Document, listed, mappings, texts
from graph_api.sources.parsing import Keys

_NOTHING = ("NONE", "NOASSERTION")
_PURLS = ("purl", "packageUrl")


@dataclass(frozen=True, slots=True)
class Listed:
    """A package. `purpose` is in lower case, `library` unless stated."""

    id: str
    name: str
    version: str
    purl: str | None
    purpose: str
    keys: Keys


@dataclass(slots=True)
class Listing:
    id: str
    name: str
    packages: list[Listed]
    described: set[str]
    """Ids of what the document is about."""
    relationships: list[tuple[str, str, str, Keys]]
    """From, type in upper snake case, to."""
    others: set[str] = field(default_factory=lambda: set(_NOTHING))
    """Ids of what is no package."""


def read_listing(document: Document, start: Keys) -> Listing:
    """SPDX 2, whose members stand below the keys `start`."""
    id_ = str(document.get(*start, "SPDXID") or "SPDXRef-DOCUMENT")
    described = set(texts(document.get(*start, "documentDescribes")))
    relationships = []
    for place, row in mappings(document.get(*start, "relationships")):
        source, target = row.get("spdxElementId"), row.get("relatedSpdxElement")
        if isinstance(source, str) and isinstance(target, str):
            relation = str(row.get("relationshipType")).upper()
            relationships.append((source, relation, target, (*start, "relationships", place)))
    packages = [
        _listed(row, "SPDXID", "versionInfo", "primaryPackagePurpose", _locator(row), (*start, "packages", place))
        for place, row in mappings(document.get(*start, "packages"))
    ]
    listing = Listing(id_, str(document.get(*start, "name") or ""), _named(packages), described, relationships)
    _describe(listing)
    for key in ("files", "snippets"):
        listing.others.update(str(row.get("SPDXID")) for _, row in mappings(document.get(*start, key)))
    listing.others.update(id_ for row in relationships for id_ in (row[0], row[2]) if id_.startswith("DocumentRef-"))
    return listing


def _locator(row: dict[str, Any]) -> object:
    references = [reference for _, reference in mappings(row.get("externalRefs"))]
    return next((row.get("referenceLocator") for row in references if row.get("referenceType") in _PURLS), None)


def read_graph(document: Document) -> Listing:
    """SPDX 3."""
    listing = Listing("", "", [], set(), [])
    for place, row in mappings(document.get("@graph")):
        keys: Keys = ("@graph", place)
        type_ = str(row.get("type") or row.get("@type") or "")
        if type_ == "software_Package":
            listing.packages.extend(_named([_element(row, keys)]))
        elif type_.endswith("Relationship"):
            listing.relationships.extend(_relationships(row, keys))
        else:
            listing.others.add(str(row.get("spdxId")))
        if type_ in ("SpdxDocument", "software_Sbom"):
            listing.described.update(texts(row.get("rootElement")))
        if type_ == "SpdxDocument":
            listing.id, listing.name = str(row.get("spdxId") or ""), str(row.get("name") or "")
    _describe(listing)
    return listing


def _element(row: dict[str, Any], keys: Keys) -> Listed | None:
    identifiers = [other for _, other in mappings(row.get("externalIdentifier"))]
    purl = row.get("software_packageUrl") or next(
        (other.get("identifier") for other in identifiers if other.get("externalIdentifierType") in _PURLS), None
    )
    return _listed(row, "spdxId", "software_packageVersion", "software_primaryPurpose", purl, keys)


def _relationships(row: dict[str, Any], keys: Keys) -> Iterable[tuple[str, str, str, Keys]]:
    source, targets = row.get("from"), row.get("to")
    relation = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(row.get("relationshipType"))).upper()
    for target in texts(listed(targets) or [targets]):
        if isinstance(source, str):
            yield source, relation, target, keys


def _listed(row: dict[str, Any], id_: str, version: str, purpose: str, purl: object, keys: Keys) -> Listed | None:
    """None of a package without id or name."""
    name = row.get("name")
    if not isinstance(row.get(id_), str) or not isinstance(name, str) or not name:
        return None
    return Listed(
        id=row[id_],
        name=name,
        version=str(row.get(version) or ""),
        purl=purl if isinstance(purl, str) else None,
        purpose=str(row.get(purpose) or "library").lower().replace("_", "-"),
        keys=keys,
    )


def _named(packages: Iterable[Listed | None]) -> list[Listed]:
    return [package for package in packages if package]


def _describe(listing: Listing) -> None:
    for source, relation, target, _ in listing.relationships:
        if relation == "DESCRIBES":
            listing.described.add(target)
        elif relation == "DESCRIBED_BY":
            listing.described.add(source)
