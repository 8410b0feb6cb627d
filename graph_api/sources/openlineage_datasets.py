"""Names and datasets in OpenLineage events."""

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from graph_api.catalog.merge import DEFAULT_ROLE
from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Place, dig, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, scoped
from graph_api.sources.owner_hints import state_owners
from graph_api.sources.scalars import text_in

NAME = "openlineage"
MAX_COLUMNS, MAX_LINEAGE, MAX_READ = 200, 100, 20

_CREDENTIALS = re.compile(r"(?<=//)[^/@\s]*:[^/@\s]*@")


class Name(NamedTuple):
    """A job or dataset as OpenLineage names it."""

    namespace: str
    name: str

    def ref(self, kind: str) -> Ref:
        return ref_of(kind, f"{NAME}-{self.namespace}", self.name)

    @property
    def identifiers(self) -> list[str]:
        return [scoped("dataset", f"{self.namespace}/{self.name}")] if self.namespace else []


def name_of_job(value: Any) -> Name | None:
    """The name in `{namespace, name}`, without credentials and queries of URLs. A lone namespace names its one job."""
    namespace, name = _texts(value)
    return Name(namespace, name or namespace) if namespace else None


def name_of_dataset(value: Any) -> Name | None:
    """As `name_of_job`; here it is the name that must be there."""
    namespace, name = _texts(value)
    return Name(namespace, name) if name else None


def _texts(value: Any) -> tuple[str, str]:
    namespace, name = text_in(dig(value, "namespace")), text_in(dig(value, "name"))
    return _safe(namespace or ""), _safe(name or "")


def _safe(text: str) -> str:
    return _CREDENTIALS.sub("", text).partition("?")[0]


def read_dataset(row: Any, at: Place, time: str | None, findings: Findings, *, names: Sequence[str] = ()) -> Ref | None:
    """State a dataset with its owners, and what its columns are made of; `names` are further identifiers."""
    name = name_of_dataset(row)
    if name is None:
        findings.problem("a dataset without name", at)
        return None
    if not name.namespace:
        findings.problem(f"the dataset {name.name} without namespace joins no other", at)
    facets = mapping(dig(row, "facets"))
    symlinks = [
        other for _, link in mappings(dig(facets, "symlinks", "identifiers")) if (other := name_of_dataset(link))
    ]
    columns = [text for _, field in mappings(dig(facets, "schema", "fields")) if (text := _column(field))]
    ref = findings.entity(
        name.ref("dataset"),
        at,
        name=name.name,
        type=_type(name, facets),
        description=text_in(dig(facets, "documentation", "description")),
        spec={"columns": columns[:MAX_COLUMNS]} if columns else {},
        identifiers=[text for known in (name, *symlinks) for text in known.identifiers] + list(names),
    )
    state_owners_of(ref, facets, at, findings)
    for source, made in _lineage(facets).items():
        if source != name:
            read = source.ref("dataset")
            findings.link(ref, "READS_FROM", read, at, properties={"columns": made}, observed_at=time)
    return ref


def _column(field: dict[str, Any]) -> str:
    name, type_ = text_in(field.get("name")), text_in(field.get("type"))
    return f"{name} {type_}" if name and type_ else name or ""


def _type(name: Name, facets: dict[str, Any]) -> str | None:
    links = (text_in(link.get("type")) for _, link in mappings(dig(facets, "symlinks", "identifiers")))
    told = text_in(dig(facets, "datasetType", "datasetType")) or next(filter(None, links), None)
    return told.lower() if told else "topic" if name.namespace.startswith("kafka://") else None


def _lineage(facets: dict[str, Any]) -> dict[Name, dict[str, list[str]]]:
    """Columns by the dataset that they are made of: `{column: [columns read]}`."""
    found: dict[Name, dict[str, list[str]]] = defaultdict(dict)
    for column, made in islice(mapping(dig(facets, "columnLineage", "fields")).items(), MAX_LINEAGE):
        for _, source in mappings(dig(made, "inputFields"))[:MAX_READ]:
            name, field = name_of_dataset(source), text_in(source.get("field"))
            if name and field and field not in found[name].setdefault(column, []):
                found[name][column].append(field)
    return {name: columns for name, columns in found.items() if any(columns.values())}


def state_owners_of(ref: Ref, facets: dict[str, Any], at: Place, findings: Findings) -> None:
    """Owners of the facet `ownership`."""
    for place, owner in mappings(dig(facets, "ownership", "owners")):
        role = text_in(owner.get("type")) or DEFAULT_ROLE
        state_owners(NAME, ref, owner.get("name"), at, findings, role=role, first=place == 0)
