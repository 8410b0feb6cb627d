"""SPDX bills of materials: JSON of 2.2 and 2.3 (also GitHub's answer `{"sbom": ...}`), and JSON-LD of 3.0.

| SPDX                                           | catalog                                                            |
|------------------------------------------------|--------------------------------------------------------------------|
| the one package that the document describes    | the image, the repository (`pkg:github/...`), or a Component       |
| several described packages, or none            | a Component by the document's name                                 |
| any other package                              | Package by its package URL; without one, of this bill alone        |
| DEPENDS_ON, ..._DEPENDENCY_OF, links, needs    | DEPENDS_ON, SOFT between packages (see materials.py)               |
| CONTAINS, CONTAINED_BY                         | CONTAINS                                                           |
| security_Vulnerability, and what it affects    | Vulnerability, AFFECTED_BY with the status of VEX as `vex`         |

What the document is about CONTAINS every package listed. Of 3.0, packages, vulnerabilities and their relationships are
read, of all versions no files, snippets, licenses and annotations. Relationships with files say nothing here. Tag-value
files (`*.spdx`) are refused: convert them to JSON.

https://spdx.github.io/spdx-spec/v2.3/
https://spdx.github.io/spdx-spec/v3.0.1/
"""

import re
from collections.abc import Sequence

from graph_api.catalog.entity import LinkOrigin
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, dig
from graph_api.sources.findings import Findings
from graph_api.sources.materials import GITHUB, Bill
from graph_api.sources.packages import is_archive
from graph_api.sources.parsing import Keys
from graph_api.sources.spdx_documents import Listed, Listing, read_graph, read_listing
from graph_api.sources.spdx_vulnerabilities import read_vulnerabilities
from graph_api.sources.weaknesses import Weaknesses

NAME = "spdx"
VERSIONS = ("SPDX-2.2", "SPDX-2.3")
TAG_VALUE = "*.spdx"

_CONTEXT = re.compile(r"https://spdx\.org/rdf/(?P<version>[^/]+)/")
_NEEDS = frozenset(
    {
        "DEPENDS_ON",
        "DYNAMIC_LINK",
        "HAS_DYNAMIC_LINK",
        "HAS_OPTIONAL_DEPENDENCY",
        "HAS_PREREQUISITE",
        "HAS_PROVIDED_DEPENDENCY",
        "HAS_STATIC_LINK",
        "STATIC_LINK",
    }
)


def claims(document: Document) -> bool:
    if document.value is None:
        return document.name.endswith(TAG_VALUE[1:])
    return _listing(document.value) is not None or _context(document.value) is not None


def _listing(value: object) -> Keys | None:
    """Where in a document SPDX 2 begins."""
    for keys in ((), ("sbom",)):
        if isinstance(dig(value, *keys, "spdxVersion"), str):
            return keys
    return None


def _context(value: object) -> str | None:
    """The version of SPDX 3 that a document is of."""
    context = dig(value, "@context")
    texts = [text for text in (context if isinstance(context, list) else [context]) if isinstance(text, str)]
    return next((match["version"] for text in texts if (match := _CONTEXT.match(text))), None)


def read(documents: Sequence[Document], findings: Findings, github: str = GITHUB) -> None:
    weaknesses = Weaknesses(findings)
    for document in documents:
        keys, context = _listing(document.value), _context(document.value)
        if document.value is None:
            findings.refuse(document, "SPDX as tags and values; convert it to JSON: `pyspdxtools -i FILE -o FILE.json`")
        elif keys is not None and document.get(*keys, "spdxVersion") in VERSIONS:
            _read_bill(Bill(document, NAME, findings, github), read_listing(document, keys), findings)
        elif context is not None and context.startswith("3.0"):
            bill = Bill(document, NAME, findings, github)
            _read_bill(bill, read_graph(document), findings)
            read_vulnerabilities(document, bill.refs, weaknesses)
        else:
            version = context or document.get(*(keys or ()), "spdxVersion")
            findings.refuse(document, f"SPDX {version!r}; SPDX-2.2, SPDX-2.3 and 3.0 are read")
    weaknesses.finish()


def _read_bill(bill: Bill, listing: Listing, findings: Findings) -> None:
    subjects = [package for package in listing.packages if package.id in listing.described]
    if len(subjects) == 1:
        _read_subject(bill, subjects[0])
    else:
        bill.about(listing.id, bill.document.at(), name=listing.name or bill.document.path, type_="document")
    parts = [package for package in listing.packages if package.id not in bill.refs]
    for part in parts:
        bill.part(
            part.id,
            bill.document.at(*part.keys),
            name=part.name,
            version=part.version,
            type_=part.purpose,
            purl=part.purl,
            images=_images(part),
        )
    _relate(bill, listing)
    if bill.subject and parts:
        findings.entity(bill.subject, bill.document.at(), spec={"components": len(parts)})
    bill.finish()


def _read_subject(bill: Bill, package: Listed) -> None:
    at = bill.document.at(*package.keys)
    bill.about(package.id, at, name=package.name, type_=package.purpose, purl=package.purl, images=_images(package))


def _images(package: Listed) -> list[str]:
    if package.purpose != "container" or is_archive(package.name):
        return []
    return [package.name + (f":{package.version}" if package.version and ":" not in package.name else "")]


def _relate(bill: Bill, listing: Listing) -> None:
    for source, relation, target, keys in listing.relationships:
        if source in listing.others or target in listing.others:
            continue
        at = bill.document.at(*keys)
        if relation in _NEEDS:
            bill.depend(source, target, at)
        elif relation.endswith("DEPENDENCY_OF") or relation == "PREREQUISITE_FOR":
            bill.depend(target, source, at)
        elif relation in ("CONTAINS", "CONTAINED_BY"):
            whole, part = (source, target) if relation == "CONTAINS" else (target, source)
            if whole in bill.refs and part in bill.refs:
                bill.contain(bill.refs[whole], bill.refs[part], at)


CONNECTOR = Connector(
    name=NAME,
    description="Packages and dependencies of SPDX bills of materials",
    input="SPDX 2.2 and 2.3 as JSON, GitHub's `/repos/O/R/dependency-graph/sbom`, SPDX 3.0 as JSON-LD; tag-value files "
    "are refused with a word on how to convert them",
    claims=claims,
    read=read,
    files=(TAG_VALUE,),
    origin=LinkOrigin.DECLARED,
)
