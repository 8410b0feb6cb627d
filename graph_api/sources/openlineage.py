"""OpenLineage events: jobs -> pipelines, and the datasets that they were seen to read and write.

RunEvent, JobEvent and DatasetEvent of the spec's versions 1 and 2, one a file, in a list, or as JSON Lines. Events that
do not name their version are read too.

- A job is a Pipeline and a dataset a Dataset, each in a namespace of its own OpenLineage namespace. The job READS_FROM
  its inputs, its outputs are WRITTEN_BY it: OBSERVED, at the time of the newest event that says so. What the newest
  event says of a title, description or schema counts.
- A job's parent (facet `parent` of the run) is a Pipeline that it is PART_OF; its facet `sourceCodeLocation` says which
  repository it is BUILT_FROM.
- The facet `columnLineage` is a link READS_FROM between the datasets, with `columns: {column: [columns read]}` of at
  most 100 columns with 20 each; `schema` is `columns` in the dataset's `spec`, at most 200. SQL, run facets,
  statistics and source code are not kept.
- Owners are those in the facets `ownership`; the type of ownership is their role.
- `spec.events` counts events by type, `spec.lastEvent` is the newest one's type and time.

Names that symlinks tie together in any events of the source are one dataset, whose ref is of the name that the facet
stands on, the first by text of several; a symlink of two datasets that do not name each other is neither's. A dataset's
identifiers are `dataset:NAMESPACE/NAME` of all its names, without credentials. The output of a dbt job has besides
`dataset:dbt/...` as graph_api/sources/dbt.py states it, and an Airflow DAG `airflow:DAG`.

Facets alone, and events without job and dataset, are refused: nobody could say whose they are. Where a job has no name,
which the spec asks for, its namespace stands for it, with a warning; so does a dataset's name without namespace.

`received` is for those who get events by HTTP, as producers send them to `/api/v1/lineage`.

https://openlineage.io/docs/spec/object-model
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Place, dig, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import repository_ref, scoped
from graph_api.sources.openlineage_datasets import (
    Aliases,
    Name,
    name_of_dataset,
    name_of_job,
    read_dataset,
    state_owners_of,
)
from graph_api.sources.parsing import Keys
from graph_api.sources.scalars import iso_time, seconds_in, text_in

NAME = "openlineage"
MAJORS = ("1", "2")

_VERSION = re.compile(r"openlineage\.io/spec/(\d+)[-.]")
_DBT_SUFFIX = re.compile(r"(?:\.build)?\.(?:run|snapshot)$")
_FACETS = frozenset({"columnLineage", "parent", "ownership", "schema", "documentation"})
_SIDES = ("inputs", "outputs")


@dataclass(frozen=True, slots=True)
class Event:
    document: Document
    keys: Keys
    value: dict[str, Any]

    @property
    def seconds(self) -> float:
        return seconds_in(self.value.get("eventTime")) or 0

    @property
    def time(self) -> str | None:
        return iso_time(self.seconds)

    @property
    def type(self) -> str | None:
        return text_in(self.value.get("eventType"))

    @property
    def datasets(self) -> Iterator[Any]:
        yield self.value.get("dataset")
        yield from (row for side in _SIDES for _, row in mappings(self.value.get(side)))

    def at(self, *keys: str | int) -> Place:
        return self.document.at(*self.keys, *keys)


def claims(document: Document) -> bool:
    value = document.value[0] if isinstance(document.value, list) and document.value else document.value
    if not isinstance(value, dict):
        return False
    if "openlineage" in str(value.get("schemaURL")):
        return True
    sides = [side for side in _SIDES if isinstance(value.get(side), list)]
    if "namespace" in mapping(value.get("job")) or (sides and "eventType" in value):
        return bool(sides) or "run" in value or "eventType" in value
    ends = [mapping(dig(value, side, 0)) for side in sides]
    return any({"namespace", "name"} <= end.keys() for end in ends) or _is_facet(value)


def _is_facet(value: dict[str, Any]) -> bool:
    facets = [mapping(value[key]) for key in value if key in _FACETS]
    return len(facets) == len(value) == 1 and bool({"_schemaURL", "_producer", "fields", "run"} & facets[0].keys())


def received(body: Any) -> list[Document]:
    """The documents of a POSTed event, or of a list of events; ValueError says which is none.

    Their paths tell the job and the type of event, so that the next such event of the job takes its place.
    """
    documents = []
    for place, value in enumerate(body if isinstance(body, list) else [body]):
        said = mapping(value)
        name = name_of_job(said.get("job")) or name_of_dataset(said.get("dataset"))
        if name is None or not claims(Document("", value)):
            raise ValueError(f"item {place} is no OpenLineage event with a job or dataset")
        type_ = text_in(said.get("eventType")) or ("JOB" if "job" in said else "DATASET")
        path = "/".join(quote(part, safe="") for part in (name.namespace, name.name, type_))
        documents.append(Document(f"{NAME}://{path}", value))
    return documents


def read(documents: Sequence[Document], findings: Findings) -> None:
    events = [event for document in documents for event in _events(document, findings)]
    counted: dict[Name, Counter[str]] = {}
    for event in events:
        if (job := name_of_job(event.value.get("job"))) and event.type:
            counted.setdefault(job, Counter())[event.type] += 1
    aliases = Aliases(row for event in events for row in event.datasets)
    for event in sorted(events, key=lambda event: -event.seconds):
        _read_event(event, counted, aliases, findings)


def _events(document: Document, findings: Findings) -> Iterator[Event]:
    rows = mappings(document.value) if isinstance(document.value, list) else [(None, mapping(document.value))]
    for place, value in rows:
        keys: Keys = () if place is None else (place,)
        version = _VERSION.search(str(value.get("schemaURL")))
        if version and version[1] not in MAJORS:
            findings.refuse(document, f"OpenLineage {version[1]}; {' and '.join(MAJORS)} are read")
        elif name_of_job(value.get("job")) or name_of_dataset(value.get("dataset")):
            yield Event(document, keys, value)
        else:
            findings.refuse(document, "no event: it has neither a job nor a dataset that has a name")


def _read_event(event: Event, counted: dict[Name, Counter[str]], aliases: Aliases, findings: Findings) -> None:
    name = name_of_job(event.value.get("job"))
    if name is None:
        read_dataset(event.value.get("dataset"), event.at("dataset"), event.time, aliases, findings)
        return
    if not dig(event.value, "job", "name"):
        findings.problem("a job without name; its namespace stands for it", event.at("job"))
    job = _read_job(event, name, counted.get(name, Counter()), findings)
    if parent := name_of_job(dig(event.value, "run", "facets", "parent", "job")):
        at = event.at("run", "facets", "parent")
        findings.link(job, "PART_OF", _pipeline(parent, at, findings), at, observed_at=event.time)
    for side in _SIDES:
        names = _dbt_names(event, name) if side == "outputs" else []
        for place, row in mappings(event.value.get(side)):
            at = event.at(side, place)
            if dataset := read_dataset(row, at, event.time, aliases, findings, names=names):
                ends = (job, "READS_FROM", dataset) if side == "inputs" else (dataset, "WRITTEN_BY", job)
                findings.link(*ends, at, observed_at=event.time)


def _pipeline(name: Name, at: Place, findings: Findings) -> Ref:
    return findings.entity(name.ref("pipeline"), at, name=name.name)


def _read_job(event: Event, name: Name, counts: Counter[str], findings: Findings) -> Ref:
    facets = mapping(dig(event.value, "job", "facets"))
    integration = text_in(dig(facets, "jobType", "integration"))
    type_ = text_in(dig(facets, "jobType", "jobType"))
    is_dag = (integration or "").upper() == "AIRFLOW" and (type_ or "").upper() == "DAG"
    ref = findings.entity(
        name.ref("pipeline"),
        event.at("job"),
        name=name.name,
        type=type_.lower() if type_ else None,
        description=text_in(dig(facets, "documentation", "description")),
        labels={"integration": integration, "processing": text_in(dig(facets, "jobType", "processingType"))},
        spec=_seen(event, counts),
        identifiers=[scoped("airflow", name.name)] if is_dag else [],
    )
    state_owners_of(ref, facets, event.at("job", "facets", "ownership"), findings)
    location = mapping(facets.get("sourceCodeLocation"))
    repository = repository_ref(text_in(location.get("repoUrl")) or text_in(location.get("url")) or "")
    if repository:
        findings.link(ref, "BUILT_FROM", repository, event.at("job", "facets"), observed_at=event.time)
    return ref


def _seen(event: Event, counts: Counter[str]) -> dict[str, Any]:
    last = {key: value for key, value in (("type", event.type), ("time", event.time)) if value}
    told: dict[str, Any] = {"events": dict(sorted(counts.items())), "lastEvent": last}
    return {key: value for key, value in told.items() if value}


def _dbt_names(event: Event, job: Name) -> list[str]:
    """What dbt's manifest calls the one output of a job of dbt's integration."""
    facet = mapping(dig(event.value, "job", "facets", "jobType"))
    is_dbt = facet.get("integration") == "DBT" or "dbt_run" in mapping(dig(event.value, "run", "facets"))
    is_test = facet.get("jobType") == "TEST" or job.name.endswith(".test")
    if not is_dbt or is_test or len(mappings(event.value.get("outputs"))) != 1:
        return []
    return [scoped("dataset", f"dbt/{_DBT_SUFFIX.sub('', job.name)}")]


CONNECTOR = Connector(
    name=NAME,
    description="Jobs, and the datasets that they were seen to read and write, as OpenLineage's producers tell",
    input="RunEvent, JobEvent and DatasetEvent (spec 1 and 2): JSON, lists, JSON Lines",
    claims=claims,
    read=read,
    origin=LinkOrigin.OBSERVED,
)
