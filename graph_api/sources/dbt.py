"""dbt: the artifacts in target/ -> datasets, the project that builds them, and what they are for.

- Models, seeds and snapshots are Datasets, named by their relation (`database.schema.alias`) in a namespace of the
  project, so that a development target is not taken for production. The type is `table`, `view`,
  `materialized_view` or `ephemeral`. Sources are Datasets too; their type is the catalog's, or `source`.
- A dataset READS_FROM each dataset in its `depends_on`. One that the manifest lacks stays an unresolved ref.
- The project is a Pipeline; what it builds is WRITTEN_BY it, packages' nodes included. It does not read its sources
  itself: else each source would be said to break all that the project builds, not just what reads it.
- An exposure is a Component of its type (`dashboard`, `application` ...) that READS_FROM what it depends on. A metric
  is a Metric that DESCRIBES the datasets below it; what depends on a metric reads those.
- Owners: the `group` of a node, its `meta.owner`, and an exposure's owner (graph_api/sources/owners.py).
- Tests, analyses and operations are no entities; the Pipeline's `spec.nodes` counts them.
- `catalog.json` and `run_results.json` beside a manifest give rows, bytes and columns, and the last run.

Manifests of the schema versions 1 to 12 are read (dbt 0.19 and later), catalogs of version 1, run results of 1 to 6.

A dataset's identifiers are `dataset:dbt/DATABASE.SCHEMA.PACKAGE.NAME`, which OpenLineage's dbt integration tells in its
jobs' names, and on BigQuery `dataset:bigquery/PROJECT.DATASET.TABLE`. Elsewhere OpenLineage's namespace holds the
warehouse's host, which no artifact has.

https://docs.getdbt.com/reference/artifacts/dbt-artifacts
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.sources.connector import Connector
from graph_api.sources.dbt_facts import facts_of
from graph_api.sources.dbt_manifest import NAME, Project, indexed, nodes_of, relation_of, text_at
from graph_api.sources.documents import Document, Place, dig, mapping, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, scoped
from graph_api.sources.owner_hints import owner_texts, state_owner, state_owners
from graph_api.sources.scalars import text_in

VERSIONS = {"manifest": 12, "catalog": 1, "run-results": 6}

_SCHEMA = re.compile(r"https?://schemas\.getdbt\.com/dbt/(?P<artifact>[\w-]+)/v(?P<version>\d{1,4})(?:\.json)?")
_TYPES = {"incremental": "table", "seed": "table", "snapshot": "table"}


def claims(document: Document) -> bool:
    version = document.get("metadata", "dbt_schema_version") if isinstance(document.value, dict) else None
    return isinstance(version, str) and "getdbt.com" in version


def read(documents: Sequence[Document], findings: Findings) -> None:
    artifacts = [(artifact, document) for document in documents if (artifact := _artifact(document, findings))]
    projects = [indexed(document) for artifact, document in artifacts if artifact == "manifest"]
    folders = {project.document.folder: project for project in projects}
    facts: dict[Ref, dict[str, Any]] = {}
    for artifact, document in artifacts:
        if artifact == "manifest":
            continue
        if project := folders.get(document.folder):
            for ref, told in facts_of(artifact, document, project.datasets, project.ref):
                facts.setdefault(ref, {}).update(told)
        else:
            findings.problem("no manifest.json is read beside it, so its nodes are unknown", document.at())
    for project in projects:
        _read_project(project, facts, findings)


def _artifact(document: Document, findings: Findings) -> str | None:
    match = _SCHEMA.fullmatch(str(document.get("metadata", "dbt_schema_version")))
    artifact, version = (match["artifact"], int(match["version"])) if match else ("?", 0)
    if artifact not in VERSIONS:
        findings.problem(f"dbt's artifact {artifact} is not read", document.at("metadata", "dbt_schema_version"))
        return None
    if not 1 <= version <= VERSIONS[artifact]:
        findings.refuse(document, f"{artifact} of version {version}; 1 to {VERSIONS[artifact]} are read")
        return None
    return artifact


def _read_project(project: Project, facts: dict[Ref, dict[str, Any]], findings: Findings) -> None:
    document = project.document
    counts = Counter(text_at(node, "resource_type") or "?" for _, _, node in nodes_of(document, "nodes"))
    adapter = text_in(document.get("metadata", "adapter_type"))
    shown = {"dbtVersion": text_in(document.get("metadata", "dbt_version")), "adapter": adapter}
    findings.entity(
        project.ref,
        document.at("metadata"),
        name=project.name,
        type="dbt-project",
        spec={**_told(shown), "nodes": dict(sorted(counts.items())), **facts.get(project.ref, {})},
    )
    groups = dict(_read_groups(project, findings))
    for part, id_, node in nodes_of(document, "nodes", "sources"):
        if id_ in project.datasets:
            at = document.at(part, id_)
            _read_dataset(project, id_, node, at, facts.get(project.datasets[id_], {}), findings)
            _own(project.datasets[id_], node, groups, at, findings)
    for part, id_, node in nodes_of(document, "exposures"):
        _read_exposure(project, id_, node, document.at(part, id_), findings)
    for part, id_, node in nodes_of(document, "metrics"):
        _read_metric(project, id_, node, document.at(part, id_), groups, findings)


def _told(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


def _read_groups(project: Project, findings: Findings) -> Iterator[tuple[str, Ref]]:
    for part, id_, node in nodes_of(project.document, "groups"):
        name = text_at(node, "name")
        email = next(iter(owner_texts(dig(node, "owner", "email"))), None)
        if name:
            yield (
                name,
                findings.entity(
                    ref_of("group", project.namespace, name),
                    project.document.at(part, id_),
                    name=name,
                    description=text_at(node, "description"),
                    spec={"profile": _told({"displayName": text_at(node, "owner", "name"), "email": email})},
                    identifiers=[scoped("team", name), *([email] if email else [])],
                ),
            )


def _read_dataset(
    project: Project, id_: str, node: dict[str, Any], at: Place, facts: dict[str, Any], findings: Findings
) -> None:
    resource = id_.partition(".")[0]
    made = text_at(node, "config", "materialized") or resource
    table = text_in(facts.get("relationType")) if resource == "source" else None
    shown = {"resourceType": resource, "materialized": made if resource == "model" else None}
    shown |= {"path": text_at(node, "original_file_path"), "loader": text_at(node, "loader")}
    ref = findings.entity(
        project.datasets[id_],
        at,
        name=relation_of(node) or id_,
        title=text_at(node, "name"),
        type=table or _TYPES.get(made, made),
        description=text_at(node, "description") or text_at(node, "source_description"),
        tags=texts(node.get("tags")),
        spec={**_told(shown), **facts},
        identifiers=_identifiers(project, id_, node),
    )
    for needed in project.needs(node):
        findings.link(ref, "READS_FROM", project.dataset(needed), at)
    if resource != "source":
        findings.link(ref, "WRITTEN_BY", project.ref, at)


def _identifiers(project: Project, id_: str, node: dict[str, Any]) -> Iterator[str]:
    resource, _, name = id_.partition(".")
    relation = relation_of(node)
    where = ".".join(filter(None, (text_at(node, "database"), text_at(node, "schema"), name)))
    if resource != "source":
        yield scoped("dataset", f"{NAME}/{where}")
    if relation and project.document.get("metadata", "adapter_type") == "bigquery":
        yield scoped("dataset", f"bigquery/{relation}")


def _own(ref: Ref, node: dict[str, Any], groups: dict[str, Ref], at: Place, findings: Findings) -> None:
    group = groups.get(text_at(node, "group") or text_at(node, "config", "group") or "")
    if group:
        findings.owner(ref, group, at, primary=True)
        return
    for meta in (node.get("meta"), dig(node, "config", "meta"), node.get("source_meta")):
        if owners := mapping(meta).get("owner"):
            state_owners(ref, owners, at, findings)
            return


def _read_exposure(project: Project, id_: str, node: dict[str, Any], at: Place, findings: Findings) -> None:
    url = text_at(node, "url") or ""
    ref = findings.entity(
        ref_of("component", project.namespace, id_),
        at,
        name=text_at(node, "name") or id_,
        type=text_at(node, "type") or "exposure",
        title=text_at(node, "label"),
        description=text_at(node, "description"),
        tags=texts(node.get("tags")),
        labels={"maturity": node.get("maturity")},
        links=[{"url": url, "title": "Exposure"}] if url.startswith(("https://", "http://")) else [],
    )
    for needed in project.needs(node):
        findings.link(ref, "READS_FROM", project.dataset(needed), at)
    for text in list(owner_texts(node.get("owner")))[:1]:
        owner = state_owner(text, at, findings, name=text_at(node, "owner", "name"))
        findings.owner(ref, owner, at, primary=True)


def _read_metric(
    project: Project, id_: str, node: dict[str, Any], at: Place, groups: dict[str, Ref], findings: Findings
) -> None:
    ref = findings.entity(
        ref_of("metric", project.namespace, id_),
        at,
        name=text_at(node, "name") or id_,
        type="metric",
        title=text_at(node, "label"),
        description=text_at(node, "description"),
        tags=texts(node.get("tags")),
    )
    for needed in project.needs(node):
        findings.link(ref, "DESCRIBES", project.dataset(needed), at)
    _own(ref, node, groups, at, findings)


CONNECTOR = Connector(
    name=NAME,
    description="Models, seeds, snapshots, sources, exposures and metrics of dbt projects, and their last run",
    input="manifest.json (schema versions 1 to 12), with catalog.json and run_results.json beside it",
    claims=claims,
    read=read,
)
