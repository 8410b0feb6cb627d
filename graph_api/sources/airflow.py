"""Apache Airflow: DAGs -> pipelines, and the assets (in Airflow 2: datasets) that they read and write.

Answers of the REST API v2 (Airflow 3) and v1 (Airflow 2): `/dags`, `/dags/DAG/tasks` and `/assets` or `/datasets`. They
are read from files too, where the path of a list of tasks ends in `dags/DAG/tasks.json`.

- A DAG is a Pipeline of type dag, with its schedule, tags, and how many tasks of which operator it has. Tasks are no
  entities: what any task needs, all that the DAG writes is said to need.
- An asset is a Dataset. It is WRITTEN_BY the DAGs of its producing tasks; a DAG that it schedules, or whose tasks
  consume it, READS_FROM it; `tasks` on the link names the tasks.
- Owners are the DAG's `owners`, but not `airflow`, which is what Airflow writes where nobody is named.
- Connections, variables, parameters and the `extra` of assets are not kept, nor are credentials in URIs.

An asset's identifier is `dataset:NAMESPACE/NAME` as OpenLineage names the table, bucket or topic of its URI; a DAG's is
`airflow:DAG`. What is read online lives in a namespace of the API's host, since DAG ids are one Airflow's own. The
setting `separate` keeps DAGs of one id apart.

Online: every DAG with its tasks, unless it was deleted meanwhile (404), and every asset; `api: v1` for Airflow 2.

Shapes of answers checked against the OpenAPI of Airflow 2.5.0 (v1) and of its client of 2026-04-24 (v2).

https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
"""

import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from graph_api.catalog.ref import Ref
from graph_api.sources.answers import document_if_any, namespace_in, pages_by_offset
from graph_api.sources.api import Api
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, Place, dig, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, scoped, without_user
from graph_api.sources.owner_hints import owner_texts, state_owners
from graph_api.sources.scalars import number_in, text_in

NAME = "airflow"
PAGE = 100
"""What is asked for; a server whose `maximum_page_limit` is less answers less."""
NOT_FOUND = 404
NOBODY = "airflow"

_TASKS_OF = re.compile(r"(?:.*/)?dags/(?P<dag>[^/]+)/tasks(?:\.json)?")
_PARTS = {"dags": "dag_id", "tasks": "task_id", "assets": "uri", "datasets": "uri"}
_PORTS = {"postgres": 5432, "mysql": 3306, "redshift": 5439, "trino": 8080, "mssql": 1433}
_WAREHOUSES = frozenset({*_PORTS, "snowflake", "databricks"})


def claims(document: Document) -> bool:
    value = document.value
    return isinstance(value, dict) and "total_entries" in value and any(_is_part(value, part) for part in _PARTS)


def _is_part(value: dict[str, Any], part: str) -> bool:
    rows = value.get(part)
    return isinstance(rows, list) and (not rows or dig(rows, 0, _PARTS[part]) is not None)


def read(documents: Sequence[Document], findings: Findings) -> None:
    operators = dict(_operators(documents, findings))
    for document in documents:
        for number, row in mappings(document.get("dags")):
            _read_dag(document, row, operators, document.at("dags", number), findings)
        for part in ("assets", "datasets"):
            for number, row in mappings(document.get(part)):
                _read_asset(document, row, document.at(part, number), findings)


def _operators(documents: Sequence[Document], findings: Findings) -> Iterator[tuple[Ref, Counter[str]]]:
    """How many tasks of which operator each DAG has."""
    for document in documents:
        tasks = mappings(document.get("tasks"))
        match = _TASKS_OF.fullmatch(document.path)
        if match:
            counts = Counter(_operator(task) for _, task in tasks)
            yield _dag_ref(document, unquote(match["dag"])), counts
        elif tasks:
            findings.problem("tasks of which DAG? Name the file dags/DAG/tasks.json", document.at("tasks"))


def _operator(task: dict[str, Any]) -> str:
    return text_in(task.get("operator_name")) or text_in(dig(task, "class_ref", "class_name")) or "task"


def _dag_ref(document: Document, dag: str) -> Ref:
    return ref_of("pipeline", namespace_in(NAME, document), dag)


def _read_dag(
    document: Document, row: dict[str, Any], operators: Mapping[Ref, Counter[str]], at: Place, findings: Findings
) -> None:
    id_ = text_in(row.get("dag_id"))
    if id_ is None:
        findings.problem("a DAG without dag_id", at)
        return
    ref = _dag_ref(document, id_)
    counts = operators.get(ref, Counter())
    schedule = (
        row.get("timetable_summary") or dig(row, "schedule_interval", "value") or row.get("timetable_description")
    )
    shown = {
        "schedule": text_in(schedule),
        "paused": row.get("is_paused") is True,
        "file": text_in(row.get("relative_fileloc")) or text_in(row.get("fileloc")),
        "tasks": counts.total(),
        "operators": dict(sorted(counts.items())),
    }
    title = text_in(row.get("dag_display_name"))
    findings.entity(
        ref,
        at,
        name=id_,
        type="dag",
        title=title if title != id_ else None,
        description=text_in(row.get("description")),
        tags=[tag for _, item in mappings(row.get("tags")) if (tag := text_in(item.get("name")))],
        labels={"bundle": row.get("bundle_name")},
        spec={key: value for key, value in shown.items() if value},
        identifiers=[scoped(NAME, id_)],
    )
    owners = [owner for owner in owner_texts(row.get("owners")) if owner.lower() != NOBODY]
    state_owners(ref, owners, at, findings)


def _read_asset(document: Document, row: dict[str, Any], at: Place, findings: Findings) -> None:
    uri = without_user(text_in(row.get("uri")) or "").partition("?")[0]
    if not uri:
        findings.problem("an asset without uri", at)
        return
    name, group = text_in(row.get("name")), text_in(row.get("group"))
    ref = findings.entity(
        ref_of("dataset", namespace_in(NAME, document), uri),
        at,
        name=uri,
        title=name if name and "://" not in name else None,
        labels={"group": group if group != "asset" else None},
        identifiers=_openlineage_names(uri),
    )
    for dag, tasks in _users(row, "producing_tasks").items():
        findings.link(ref, "WRITTEN_BY", _dag_ref(document, dag), at, properties=_named(tasks))
    for dag, tasks in _users(row, "consuming_tasks", "scheduled_dags", "consuming_dags").items():
        findings.link(_dag_ref(document, dag), "READS_FROM", ref, at, properties=_named(tasks))


def _users(row: dict[str, Any], *parts: str) -> dict[str, list[str]]:
    """Tasks by DAG, of references to tasks or to whole DAGs."""
    found: dict[str, list[str]] = defaultdict(list)
    for _, user in (pair for part in parts for pair in mappings(row.get(part))):
        if dag := text_in(user.get("dag_id")):
            found[dag] += [task] if (task := text_in(user.get("task_id"))) else []
    return found


def _named(tasks: list[str]) -> dict[str, list[str]]:
    return {"tasks": tasks} if tasks else {}


def _openlineage_names(uri: str) -> list[str]:
    """The dataset of a URI as OpenLineage names it; nothing where the scheme has no such name."""
    scheme, slashes, rest = uri.partition("://")
    scheme = {"postgresql": "postgres"}.get(scheme.lower(), scheme.lower())
    authority, _, path = rest.partition("/")
    path = path.strip("/")
    if not slashes or not (authority or path):
        return []
    if scheme == "file":
        return [scoped("dataset", f"file//{path}")]
    if scheme == "bigquery":
        return [scoped("dataset", f"bigquery/{authority}.{path.replace('/', '.')}")]
    if scheme in _WAREHOUSES:
        port = f":{_PORTS[scheme]}" if scheme in _PORTS and ":" not in authority else ""
        return [scoped("dataset", f"{scheme}://{authority}{port}/{path.replace('/', '.')}")]
    return [scoped("dataset", f"{scheme}://{authority}/{path or '/'}")] if scheme in ("s3", "gs", "kafka") else []


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    version = options.get("api", "v2")
    async for page in pages_by_offset(api, f"/api/{version}/dags", "dags", {"limit": PAGE}, _has_more):
        yield page
        for dag in [dag for _, row in mappings(page.get("dags")) if (dag := text_in(row.get("dag_id")))]:
            for tasks in await document_if_any(api, f"/api/{version}/dags/{quote(dag, safe='')}/tasks", NOT_FOUND):
                yield tasks
    part = "datasets" if version == "v1" else "assets"
    async for page in pages_by_offset(api, f"/api/{version}/{part}", part, {"limit": PAGE}, _has_more):
        yield page


def _has_more(answer: Any, seen: int) -> bool:
    return seen < (number_in(dig(answer, "total_entries")) or 0)


CONNECTOR = Connector(
    name=NAME,
    description="DAGs of Apache Airflow, and the assets that they read and write",
    input="Answers of the REST API v2 (Airflow 3) and v1 (Airflow 2): dags, tasks, assets, datasets",
    claims=claims,
    read=read,
    online=Online(
        base_url=None,
        token_variable="AIRFLOW_TOKEN",
        fetch=fetch,
        options={"api": "Version of the API: v2, or v1 for Airflow 2"},
    ),
)
