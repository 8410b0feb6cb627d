"""CycloneDX bills of materials (JSON, 1.2 to 1.7): components, services, dependencies, vulnerabilities and VEX.

| CycloneDX                                       | catalog                                                           |
|-------------------------------------------------|-------------------------------------------------------------------|
| `metadata.component`, an image                  | `resource:image/...`, whatever its tag                            |
| `metadata.component`, anything else             | a Component; its `vcs` reference: BUILT_FROM                      |
| component with a package URL, also nested       | Package, the same for all tools                                   |
| component of type container                     | the image; what contains it RUNS_IMAGE                            |
| any other component (file, system, cipher ...)  | a Package of this bill alone                                      |
| service, also nested                            | a Component of type service, PART_OF the one above it             |
| data flow from or to a listed service           | DEPENDS_ON with `dataFlow` and `classification`                   |
| `dependencies`                                  | DEPENDS_ON, SOFT between packages (see materials.py)              |
| `vulnerabilities`, with `references` as aliases | Vulnerability; what it affects is AFFECTED_BY it                  |
| `analysis.state`                                | `vex` on that link: `not_affected` (also false_positive), `fixed` |
|                                                 | (resolved ...) make it SOFT; `affected` (exploitable),            |
|                                                 | `under_investigation` (in_triage)                                 |

Bills without `metadata.component` state packages that nothing contains. A subject that has neither a package URL nor a
group is known by its name within its folder, so a VEX file beside the bill speaks of the same product; BOM-Links
(`urn:cdx:...`) lead to the other documents of the source. Several ratings of a vulnerability give the worst of them,
since none is marked as the one that counts. Of several states for one product (of different versions), the one that
says more exploitable stays; any state stands before none. A vulnerability that names nothing affected has no link.
`provides`, licenses, hashes, formulation and attestations are not read. XML is refused: convert it to JSON.

https://cyclonedx.org/docs/latest/json/
"""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.connector import Connector
from graph_api.sources.cyclonedx_services import read_services
from graph_api.sources.cyclonedx_vulnerabilities import read_vulnerabilities
from graph_api.sources.documents import Document, dig, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.materials import Bill
from graph_api.sources.naming import repository_ref
from graph_api.sources.packages import is_archive
from graph_api.sources.parsing import Keys

NAME = "cyclonedx"
VERSIONS = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
XML = ("bom.xml", "*.bom.xml", "*.cdx.xml")


def claims(document: Document) -> bool:
    if document.value is None:
        return any(fnmatchcase(document.name, pattern) for pattern in XML)
    return bool(dig(document.value, "bomFormat") == "CycloneDX")


def read(documents: Sequence[Document], findings: Findings) -> None:
    bills = []
    for document in documents:
        version = document.get("specVersion")
        if document.value is None:
            findings.refuse(document, "CycloneDX in XML; convert it: `cyclonedx convert --output-format json`")
        elif version not in VERSIONS:
            findings.refuse(document, f"CycloneDX {version!r}; {VERSIONS[0]} to {VERSIONS[-1]} are read")
        else:
            bills.append(_read_bill(document, findings))
    elsewhere = {link: ref for bill in bills for link, ref in _links(bill)}
    for bill in bills:
        for at_keys, id_, other in _dependencies(bill.document):
            bill.depend(id_, other, bill.document.at(*at_keys))
        bill.finish()
    read_vulnerabilities(bills, elsewhere, findings)


def _links(bill: Bill) -> Iterator[tuple[str, Ref]]:
    """BOM-Links of everything in the bill."""
    serial = str(bill.document.get("serialNumber") or "").removeprefix("urn:uuid:")
    for id_, ref in bill.refs.items():
        yield f"urn:cdx:{serial}/{bill.document.get('version') or 1}#{id_}", ref


def _dependencies(document: Document) -> Iterator[tuple[Keys, str, str]]:
    for place, row in mappings(document.get("dependencies")):
        for other in dict.fromkeys(texts(row.get("dependsOn"))):
            if isinstance(row.get("ref"), str):
                yield ("dependencies", place), row["ref"], other


def _read_bill(document: Document, findings: Findings) -> Bill:
    bill = Bill(document, NAME, findings)
    subject = mapping(document.get("metadata", "component"))
    if isinstance(subject.get("name"), str):
        _read_subject(bill, subject, findings)
    count = sum(_read_component(bill, row, keys, above) for keys, row, above in _components(document))
    services = read_services(bill, findings)
    if bill.subject:
        counts = {"components": count, "services": services}
        findings.entity(bill.subject, document.at(), spec={key: value for key, value in counts.items() if value})
    return bill


def _read_subject(bill: Bill, row: dict[str, Any], findings: Findings) -> None:
    at = bill.document.at("metadata", "component")
    ref = bill.about(
        str(row.get("bom-ref") or ""),
        at,
        name=_name(row),
        type_=str(row.get("type") or "application"),
        purl=row.get("purl"),
        images=_images(row),
    )
    for _, reference in mappings(row.get("externalReferences")):
        url = reference.get("url")
        repository = repository_ref(url) if reference.get("type") == "vcs" and isinstance(url, str) else None
        if repository:
            findings.link(ref, "BUILT_FROM", repository, at)


def _components(document: Document) -> Iterator[tuple[Keys, dict[str, Any], str | None]]:
    """Every component with its keys in the document and the id of the one that it is nested in."""
    start: list[tuple[Keys, Any, str | None]] = [
        (("components",), document.get("components"), None),
        (("metadata", "component", "components"), document.get("metadata", "component", "components"), None),
    ]
    while start:
        keys, rows, above = start.pop()
        for place, row in mappings(rows):
            yield (*keys, place), row, above
            start.append(((*keys, place, "components"), row.get("components"), _id(row, (*keys, place))))


def _id(row: dict[str, Any], keys: Keys) -> str:
    return str(row.get("bom-ref") or "/".join(map(str, keys)))


def _read_component(bill: Bill, row: dict[str, Any], keys: Keys, above: str | None) -> int:
    """How many components were read: 1, or 0 of one without a name."""
    at = bill.document.at(*keys)
    if not isinstance(row.get("name"), str) or not row["name"]:
        return 0
    ref = bill.part(
        _id(row, keys),
        at,
        name=_name(row),
        version=str(row.get("version") or ""),
        type_=str(row.get("type") or "library"),
        purl=row.get("purl"),
        images=_images(row),
    )
    if above is not None and above in bill.refs:
        bill.contain(bill.refs[above], ref, at)
    return 1


def _name(row: dict[str, Any]) -> str:
    group = row.get("group")
    return f"{group}/{row['name']}" if isinstance(group, str) and group else str(row["name"])


def _images(row: dict[str, Any]) -> list[str]:
    """What an image is called; nothing of an archive without the tags that Trivy adds."""
    if row.get("type") != "container":
        return []
    tags = [
        str(property_.get("value"))
        for _, property_ in mappings(row.get("properties"))
        if property_.get("name") in ("aquasecurity:trivy:RepoTag", "aquasecurity:trivy:RepoDigest")
    ]
    name, version = str(row["name"]), str(row.get("version") or "")
    if tags or is_archive(name):
        return tags
    return [name + (f"@{version}" if version.startswith("sha256:") else f":{version}" if version else "")]


CONNECTOR = Connector(
    name=NAME,
    description="Components, services, dependencies and vulnerabilities of CycloneDX bills of materials and VEX",
    input="CycloneDX JSON 1.2 to 1.7; XML is refused with a word on how to convert it",
    claims=claims,
    read=read,
    files=XML,
    origin=LinkOrigin.DECLARED,
)
