"""Humanitec Platform Orchestrator, v1 (api.humanitec.io) and v2 (api.humanitec.dev, Stellwerk): workloads, resources.

Answers are asked of the API, or read from files that are saved at the path of the question, such as
`orgs/shop/apps/till/envs.json`:

| question, below `orgs/{org}/`                    | what becomes of it                                                |
|--------------------------------------------------|-------------------------------------------------------------------|
| `apps`; v2: `projects`                           | Systems                                                           |
| `apps/{app}/envs`; v2: `projects/{app}/envs`     | Environments of the system, typed by their environment type       |
| `apps/{app}/envs/{env}/deploys`                  | which deployment stands there, where the last did not succeed     |
| `apps/{app}/sets/{set}`; v2: `deployments/{id}`  | the workloads of a deployment as Components, with their images,   |
|                                                  | the resources and workloads that they name, and where they run    |
| `apps/{app}/envs/{env}/resources`;               | active Resources, and which workload needs them                   |
| v2: `active-resources`                           |                                                                   |
| `apps/{app}/envs/{env}/resources/graphs/{graph}` | which resources and workloads need which                          |

- A resource is one by environment, type, class and id; its kind of Resource is by its type (postgres is a database). A
  node of type workload is the workload's Component. The workload in `modules.W.externals.db` needs that resource.
- Resources of a set are those of the environments that it is deployed to; without such an environment only its
  workloads are stated.
- A v2 resource without id is `workloads.W.NAME`, a shared one `shared.NAME`. Deployments that failed, only planned or
  destroyed deploy nothing.
- Where the last deployment failed or is under way, the last one that succeeded still stands. Online it is asked for. To
  files of v1, add the environment's `deploys`; to those of v2, the deployment that stands.
- `image:` of a workload is that of its only container, or of the one that has the workload's name.
- A dependency in one environment is a link with that environment; the workload itself is one in all of them.
- Outputs, parameters, variables and secret references are not kept; of variables only which workload they name.

Score files are read by the connector score, and so is the file humanitec.yaml beside them.

Shapes of answers checked against the OpenAPI 0.28.37 (v1) and those in the Terraform provider platform-orchestrator
(v2).

https://api-docs.humanitec.com and https://developer.humanitec.com
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from graph_api.sources.answers import Question, answer_to, option, rows_in, rows_of
from graph_api.sources.api import Api, Pages
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.humanitec_parts import (
    NAME,
    SUCCEEDED,
    Deployed,
    node_of_active,
    node_of_graph,
    read_active,
    read_application,
    read_deployment,
    read_deployments,
    read_environment,
    read_nodes,
    read_set,
    standing,
)

APPLICATIONS = Question("orgs/{org}/apps", ("id", "envs"))
PROJECTS = Question("orgs/{org}/projects", ("id", "display_name"), "items")
ENVIRONMENTS = Question("orgs/{org}/apps/{app}/envs", ("id", "type"))
PROJECT_ENVIRONMENTS = Question("orgs/{org}/projects/{app}/envs", ("id", "env_type_id"), "items")
DEPLOYMENTS = Question("orgs/{org}/apps/{app}/envs/{env}/deploys", ("id", "set_id", "status"))
SET = Question("orgs/{org}/apps/{app}/sets/{set}", ("modules",))
RESOURCES = Question("orgs/{org}/apps/{app}/envs/{env}/resources", ("res_id", "type"))
GRAPH = Question("orgs/{org}/apps/{app}/envs/{env}/resources/graphs/{graph}", ("guresid", "type"), "nodes")
DEPLOYMENT = Question("orgs/{org}/deployments/{deployment}", ("manifest", "project_id", "env_id"))
ACTIVE = Question("orgs/{org}/active-resources", ("resource_id", "resource_type", "edges"), "items")

QUESTIONS = (
    APPLICATIONS, PROJECTS, ENVIRONMENTS, PROJECT_ENVIRONMENTS, DEPLOYMENTS, SET, DEPLOYMENT, RESOURCES, GRAPH, ACTIVE,
)  # fmt: skip
PAGE = 100


def claims(document: Document) -> bool:
    return any(question.is_answered_by(document) for question in QUESTIONS)


def read(documents: Sequence[Document], findings: Findings) -> None:
    deployed: Deployed = {}
    for question in (APPLICATIONS, PROJECTS):
        for row in rows_of(question, documents):
            read_application(row, findings)
    for question in (ENVIRONMENTS, PROJECT_ENVIRONMENTS):
        for row in rows_of(question, documents):
            read_environment(row, deployed, findings)
    for document in documents:
        read_deployments(list(DEPLOYMENTS.rows(document)), deployed)
    for row in rows_of(SET, documents):
        read_set(row, deployed, findings)
    for row in rows_of(DEPLOYMENT, documents):
        read_deployment(row, findings)
    for row in rows_of(RESOURCES, documents):
        read_active(row, findings)
    read_nodes([node_of_graph(row) for row in rows_of(GRAPH, documents)], findings)
    read_nodes([node_of_active(row) for row in rows_of(ACTIVE, documents)], findings)


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    """All of `organization`, of the API of `version`; of each environment what was last deployed."""
    org = f"orgs/{option(options, 'organization')}"
    async for document in _fetch_v2(api, org) if options.get("version") == "v2" else _fetch_v1(api, org):
        yield document


async def _fetch_v1(api: Api, org: str) -> AsyncIterator[Document]:
    applications = await answer_to(api, f"{org}/apps")
    yield applications
    for application in _named(APPLICATIONS, applications, "id"):
        app, sets = f"{org}/apps/{application}", set[str]()
        environments = await answer_to(api, f"{app}/envs")
        yield environments
        for row in ENVIRONMENTS.rows(environments):
            environment = f"{app}/envs/{row.text('id')}"
            last: Mapping[str, Any] = mapping(row.value.get("last_deploy"))
            yield await answer_to(api, f"{environment}/resources")
            if last and last.get("status") != SUCCEEDED:
                deployments = await answer_to(api, f"{environment}/deploys")
                yield deployments
                last = standing(row.value for row in DEPLOYMENTS.rows(deployments)) or {}
            if last.get("dependency_graph_id"):
                yield await answer_to(api, f"{environment}/resources/graphs/{last['dependency_graph_id']}")
            sets |= {str(last["set_id"])} if last.get("set_id") else set()
        for id_ in sorted(sets):
            yield await answer_to(api, f"{app}/sets/{id_}")


async def _fetch_v2(api: Api, org: str) -> AsyncIterator[Document]:
    async for projects in _pages(api, f"{org}/projects"):
        yield projects
        for project in _named(PROJECTS, projects, "id"):
            async for environments in _pages(api, f"{org}/projects/{project}/envs"):
                yield environments
    async for deployments in _pages(api, f"{org}/last-deployments", {"state_change_only": "true"}):
        for _, last in mappings(rows_in(deployments.value, "items", deployments.path)):
            deployment = last if last.get("status") == SUCCEEDED else await _before(api, org, last) or last
            yield await answer_to(api, f"{org}/deployments/{deployment.get('id')}")
    yield await answer_to(api, f"{org}/active-resources")


async def _before(api: Api, org: str, last: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The deployment that stands in the environment of one that did not succeed."""
    asked = {key: last.get(key) for key in ("project_id", "env_id")}
    pages = [page async for page in _pages(api, f"{org}/deployments", asked)]
    return standing(row for page in pages for _, row in mappings(rows_in(page.value, "items", page.path)))


async def _pages(api: Api, path: str, params: Mapping[str, Any] | None = None) -> AsyncIterator[Document]:
    asked, pages = {**(params or {}), "per_page": PAGE}, Pages(api.url(path))
    while True:
        document = await answer_to(api, path, asked)
        yield document
        token = document.get("next_page_token")
        if not token:
            return
        pages.turn_to(token)
        asked["page_token"] = token


def _named(question: Question, document: Document, key: str) -> list[str]:
    return [text for row in question.rows(document) if (text := row.text(key))]


CONNECTOR = Connector(
    name=NAME,
    description="Workloads, environments and resources of the Humanitec Platform Orchestrator",
    input="Its APIs v1 and v2: online, or answers saved at `orgs/ORG/apps.json` and so on",
    claims=claims,
    read=read,
    online=Online(
        base_url="https://api.humanitec.io",
        token_variable="HUMANITEC_TOKEN",
        fetch=fetch,
        options={
            "organization": "The organization's id",
            "version": "`v1`, or `v2` (then the base URL is https://api.humanitec.dev or your own); v1 when left out",
        },
    ),
)
