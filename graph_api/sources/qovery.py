"""Qovery: projects, environments, services, databases and clusters of its API, and `.qovery.yml` of before.

Answers are asked of the API (OpenAPI 1.0), or read from files that are saved at the path of the question, such as
`environment/ID/application.json`:

| question                                                | what becomes of it                                         |
|---------------------------------------------------------|------------------------------------------------------------|
| `organization/{organization}`                           | a Domain                                                   |
| `organization/{organization}/project`                   | Systems of the domain                                      |
| `organization/{organization}/cluster`                   | Resources of type compute                                  |
| `project/{project}/environment`                         | Environments of the system, which run on a cluster         |
| `environment/{environment}/application` and `container` | Components of type service                                 |
| `.../job`, `.../helm`, `.../terraform`                  | Components of type job, helm-release, terraform            |
| `.../database`                                          | Resources: database or cache                               |
| `.../link`                                              | the public addresses of services                           |

- Refs hold Qovery's ids, which do not change when things are renamed: `component:qovery/ID`. They are identifiers as
  well (`qovery:ID`), as Qovery's Terraform provider stores them.
- A service is deployed to its environment: the same service in two environments is two components. It is built from
  its git repository, or runs the image of its registry.
- Labels of label groups are labels. Variables, arguments and values of charts are not read.
- In `.qovery.yml` the application needs its databases and storages; a router, with its custom domains, needs the
  applications that it routes to.

Shapes of answers checked against Qovery's OpenAPI of 2026-08-20.

https://api-doc.qovery.com
"""

from collections.abc import AsyncIterator, Mapping, Sequence

from graph_api.sources.answers import Question, answer_to, option, rows_of
from graph_api.sources.api import Api
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document
from graph_api.sources.findings import Findings
from graph_api.sources.qovery_parts import (
    NAME,
    Known,
    read_cluster,
    read_database,
    read_environment,
    read_file,
    read_organization,
    read_project,
    read_service,
)

ORGANIZATION = Question("organization/{organization}", ("id", "name", "plan"))
PROJECTS = Question("organization/{organization}/project", ("id", "name", "organization"), "results")
CLUSTERS = Question("organization/{organization}/cluster", ("id", "name", "cloud_provider"), "results")
ENVIRONMENTS = Question("project/{project}/environment", ("id", "name", "mode"), "results")
LINKS = Question("environment/{environment}/link", ("service_id", "url"), "results")
DATABASES = Question("environment/{environment}/database", ("id", "name", "type"), "results")
SERVICES = {
    Question(f"environment/{{environment}}/{service}", ("id", "name", "environment"), "results"): type_
    for service, type_ in {
        "application": "service",
        "container": "service",
        "job": "job",
        "helm": "helm-release",
        "terraform": "terraform",
    }.items()
}
"""Questions for what runs, and the type of component that it is."""

QUESTIONS = (ORGANIZATION, PROJECTS, CLUSTERS, ENVIRONMENTS, LINKS, DATABASES, *SERVICES)
FILES = (".qovery.yml", ".qovery.yaml")


def claims(document: Document) -> bool:
    if document.name in FILES:
        return isinstance(document.get("application"), dict)
    return any(question.is_answered_by(document) for question in QUESTIONS)


def read(documents: Sequence[Document], findings: Findings) -> None:
    known = Known()
    for row in rows_of(LINKS, documents):
        known.note_link(row)
    for whole, reader in ((ORGANIZATION, read_organization), (PROJECTS, read_project), (CLUSTERS, read_cluster)):
        for row in rows_of(whole, documents):
            reader(row, findings)
    for row in rows_of(ENVIRONMENTS, documents):
        read_environment(row, known, findings)
    for question, type_ in SERVICES.items():
        for row in rows_of(question, documents):
            read_service(row, type_, known, findings)
    for row in rows_of(DATABASES, documents):
        read_database(row, known, findings)
    for document in documents:
        if document.name in FILES:
            read_file(document, findings)


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    """All of the organization with the id `organization`. The API has no pages."""
    organization = f"organization/{option(options, 'organization')}"
    yield await answer_to(api, organization)
    yield await answer_to(api, f"{organization}/cluster")
    projects = await answer_to(api, f"{organization}/project")
    yield projects
    for project in PROJECTS.rows(projects):
        environments = await answer_to(api, f"project/{project.value['id']}/environment")
        yield environments
        for environment in ENVIRONMENTS.rows(environments):
            for question in (LINKS, DATABASES, *SERVICES):
                yield await answer_to(api, question.template.format(environment=environment.value["id"]))


CONNECTOR = Connector(
    name=NAME,
    description="Projects, environments, services, databases and clusters of Qovery",
    input="Its API: online, or answers saved at `environment/ID/application.json` and so on; .qovery.yml",
    claims=claims,
    read=read,
    online=Online(
        base_url="https://api.qovery.com",
        token_variable="QOVERY_API_TOKEN",
        fetch=fetch,
        options={"organization": "The organization's id"},
        authorization="Token {token}",
    ),
)
