"""OpenVEX documents: which products a vulnerability affects, and which it does not.

| OpenVEX                                     | catalog                                                             |
|---------------------------------------------|---------------------------------------------------------------------|
| product by package URL of an image          | the image                                                           |
| product by `pkg:github/ORG/NAME`            | the Repository                                                      |
| product by any other package URL            | Package                                                             |
| any other product                           | a Component of the connector, by its id                             |
| vulnerability with its aliases              | Vulnerability                                                       |
| statement                                   | the product is AFFECTED_BY it, with `vex` and `justification`       |
| subcomponents                               | named on that link: the vulnerability comes in through them         |

`not_affected` and `fixed` make the link SOFT: what is reached through it alone is DEGRADED, never DOWN, and `linkWhere`
can leave it out. A statement is about its product only: that an image is not affected by what a package in it has says
nothing of other images, so the package's own link stays. Of several statements on a product and a vulnerability the
newest counts, and of equally old ones the last.

https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Place, dig, listed, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, repository_ref
from graph_api.sources.packages import image, image_of, package_of
from graph_api.sources.scalars import seconds_in
from graph_api.sources.weaknesses import Weaknesses, same

NAME = "openvex"
STATUSES = ("not_affected", "affected", "fixed", "under_investigation")

_CONTEXT = "https://openvex.dev/ns"
_VERSION = re.compile(r"https://openvex\.dev/ns(?:/v0\.\d+\.\d+)?/?")
_GITHUB = re.compile(r"pkg:github/(?P<name>[^/@?#]+/[^/@?#]+)")


@dataclass(frozen=True, slots=True)
class _Said:
    at: Place
    when: float
    """Seconds since 1970; 0 of what does not say."""
    status: str
    justification: str | None
    subcomponents: str


def claims(document: Document) -> bool:
    return str(document.get("@context") or "").startswith(_CONTEXT)


def read(documents: Sequence[Document], findings: Findings) -> None:
    weaknesses = Weaknesses(findings)
    said: dict[tuple[Ref, Ref], _Said] = {}
    for document in documents:
        if not _VERSION.fullmatch(str(document.get("@context"))):
            findings.refuse(document, f"{document.get('@context')}; OpenVEX 0.x is read")
            continue
        for place, row in mappings(document.get("statements")):
            at = document.at("statements", place)
            for key, one in _statements(document, row, at, findings, weaknesses):
                if key not in said or said[key].when <= one.when:
                    said[key] = one
    for (product, vulnerability), one in said.items():
        weaknesses.affect(
            product,
            vulnerability,
            one.at,
            vex=one.status,
            justification=one.justification,
            subcomponents=one.subcomponents,
        )
    weaknesses.finish()


def _statements(
    document: Document, row: dict[str, Any], at: Place, findings: Findings, weaknesses: Weaknesses
) -> Iterator[tuple[tuple[Ref, Ref], _Said]]:
    names = _names(row.get("vulnerability"))
    status = row.get("status")
    if not names or not isinstance(status, str) or status not in STATUSES:
        findings.problem(f"a statement needs a vulnerability and one of the statuses {', '.join(STATUSES)}", at)
        return
    vulnerability = weaknesses.state(names, at, description=dig(row, "vulnerability", "description"))
    when = seconds_in(row.get("timestamp")) or seconds_in(document.get("timestamp")) or 0.0
    justification = row.get("justification") if isinstance(row.get("justification"), str) else None
    for product in listed(row.get("products")):
        if ref := _product(product, at, findings):
            within = ", ".join(id_ for other in listed(dig(product, "subcomponents")) if (id_ := _id(other)))
            yield (ref, vulnerability), _Said(at, when, status, justification, within)


def _names(value: object) -> list[str]:
    """A vulnerability's names: of a text, or of `name` (else `@id`) and `aliases`."""
    id_ = value if isinstance(value, str) else dig(value, "name") or dig(value, "@id")
    if not isinstance(id_, str) or not id_:
        return []
    return same(id_.rpartition("/")[2] or id_, texts(dig(value, "aliases")))


def _id(product: object) -> str | None:
    """The package URL of a product, else its id."""
    for found in (product, dig(product, "identifiers", "purl"), dig(product, "@id")):
        if isinstance(found, str) and found:
            return found
    return None


def _product(product: object, at: Place, findings: Findings) -> Ref | None:
    id_ = _id(product)
    if id_ is None:
        findings.problem("a product without `@id` and package URL", at)
        return None
    if name := image_of(id_):
        return image(findings, at, [name])
    if match := _GITHUB.match(id_):
        url = f"https://github.com/{match['name']}"
        if repository := repository_ref(url):
            return findings.entity(repository, at, identifiers=[url])
    return package_of(findings, at, id_) or findings.entity(
        ref_of("component", NAME, id_), at, name=id_, type="product"
    )


CONNECTOR = Connector(
    name=NAME,
    description="What OpenVEX says of products: affected by a vulnerability, or not",
    input="OpenVEX 0.x documents (JSON)",
    claims=claims,
    read=read,
    origin=LinkOrigin.DECLARED,
)
