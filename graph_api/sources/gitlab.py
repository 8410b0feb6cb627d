"""GitLab (REST API v4): groups, projects, people, environments and what was deployed to them.

Answers are asked of the API, or read from files that are saved at the path of the question, such as
`groups/shop%2Fpay/projects.json` or `projects/12/environments.json` (further pages as `projects.2.json`):

| question                        | what becomes of it                                                               |
|---------------------------------|----------------------------------------------------------------------------------|
| `groups/{group}`,               | Groups, each below the group that its path stands in                             |
| `groups/{group}/descendant_groups` |                                                                               |
| `groups/{group}/projects`       | Repositories: topics as tags, visibility as label; owners, see below             |
| `groups/{group}/members`        | Users, members of the group                                                      |
| `projects/{project}/members`    | Users; owners, see below                                                         |
| `projects/{project}/environments` | Environments of the repository, typed by their tier; not those that are stopped |
| `projects/{project}/deployments` | what was last deployed to each with success, with commit and time                |
| `projects/{project}/repository/files/CODEOWNERS` | owners, as of a CODEOWNERS file; also `docs%2FCODEOWNERS` and    |
|                                 | `.gitlab%2FCODEOWNERS`                                                           |

What GitLab says of owners is weak; such links are inferred, with a confidence and a role:

- the group that a project lies in (0.5, role NAMESPACE),
- members of the project itself, and groups that it is shared with: access level Owner (0.6) and Maintainer (0.5).
  `members/all` is not read: it also holds who is a member of the groups above, and so an owner of everything.

Refs of groups, users and environments have the host in their namespace where it is not gitlab.com; all answers of one
source are of one server.

Members who are blocked are left out. Pages follow the header Link, which both of GitLab's ways of paging send; projects
of a group are asked for in the order of their ids, so that none is missed while others come and go. (Keyset pages are
for the list of all projects only.) The environment `production` of two projects is two.

Online, projects whose environments are disabled are not asked for them; a project that GitLab refuses to tell them of
(403) is told, and what it said before stays. The token needs the scope read_api, and the role Reporter in private
projects, for their CODEOWNERS.

Fields of answers checked against GitLab's own serializers, in its lib/api/entities.

https://docs.gitlab.com/api/rest/
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import quote

from graph_api.catalog.codeowners import Dialect
from graph_api.sources.answers import Question, Row, answer_to, document_if_any, option, pages_of, rows_of
from graph_api.sources.api import Api, ApiError
from graph_api.sources.code_owner_files import GITLAB_PLACES, CodeOwnerFiles, in_order
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, Unanswered
from graph_api.sources.findings import Findings
from graph_api.sources.gitlab_parts import (
    NAME,
    Known,
    read_deployments,
    read_environment,
    read_group,
    read_group_member,
    read_project,
    read_project_member,
)
from graph_api.sources.naming import scope_on

GROUP = Question("groups/{group}", ("full_path", "web_url"))
GROUPS = Question("groups/{group}/descendant_groups", ("full_path", "web_url"))
PROJECTS = Question("groups/{group}/projects", ("path_with_namespace", "web_url"))
GROUP_MEMBERS = Question("groups/{group}/members", ("username", "access_level"))
PROJECT_MEMBERS = Question("projects/{project}/members", ("username", "access_level"))
ENVIRONMENTS = Question("projects/{project}/environments", ("name", "slug"))
DEPLOYMENTS = Question("projects/{project}/deployments", ("environment", "sha"))
CODE_OWNERS = Question("projects/{project}/repository/files/{file}", ("file_path", "content"))

READERS = (
    (GROUP, read_group),
    (GROUPS, read_group),
    (PROJECTS, read_project),
    (GROUP_MEMBERS, read_group_member),
    (PROJECT_MEMBERS, read_project_member),
)
NOT_FOUND, REFUSED = 404, 403
PAGE = {"per_page": 100}
BY_ID = {**PAGE, "order_by": "id", "sort": "asc"}
LATEST = {"status": "success", "order_by": "updated_at", "sort": "desc", "per_page": 1}


def claims(document: Document) -> bool:
    questions = (ENVIRONMENTS, DEPLOYMENTS, CODE_OWNERS, *(row[0] for row in READERS))
    return any(question.is_answered_by(document) for question in questions)


def read(documents: Sequence[Document], findings: Findings) -> None:
    urls = [row.text("web_url") for question in (GROUP, GROUPS, PROJECTS) for row in rows_of(question, documents)]
    known = Known(scope_on(NAME, next(filter(None, urls), "")))
    for question, reader in READERS:
        for row in rows_of(question, documents):
            reader(row, known, findings)
    read_deployments([*rows_of(DEPLOYMENTS, documents)], known, findings)
    files = CodeOwnerFiles(Dialect.GITLAB, findings)
    for row, place in in_order([*rows_of(CODE_OWNERS, documents)], "file_path", GITLAB_PLACES):
        if project := known.project(row, findings):
            files.state(project, row, place)
    for row in rows_of(ENVIRONMENTS, documents):
        read_environment(row, known, findings)


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document | Unanswered]:
    """All in `group` and below it: two questions for each group, three for each project, one for each environment."""
    top = f"groups/{quote(option(options, 'group'), safe='')}"
    groups = [await answer_to(api, top)]
    groups += [document async for document in pages_of(api, f"{top}/descendant_groups", PAGE)]
    for document in groups:
        yield document
        for question in (GROUP, GROUPS):
            for row in question.rows(document):
                async for members in pages_of(api, f"groups/{row.value['id']}/members", PAGE):
                    yield members
    async for document in pages_of(api, f"{top}/projects", {**BY_ID, "include_subgroups": "true"}):
        yield document
        for row in PROJECTS.rows(document):
            async for answer in _of_project(api, row):
                yield answer


async def _of_project(api: Api, row: Row) -> AsyncIterator[Document | Unanswered]:
    project = f"projects/{row.value['id']}"
    async for members in pages_of(api, f"{project}/members", PAGE):
        yield members
    if row.value.get("environments_access_level") != "disabled":
        async for answer in _environments(api, project):
            yield answer
    if row.value.get("repository_access_level") != "disabled":
        async for file in _code_owners(api, project):
            yield file


async def _environments(api: Api, project: str) -> AsyncIterator[Document | Unanswered]:
    """With the latest deployment to each that succeeded."""
    path, read = f"{project}/deployments", 0
    try:
        async for document in pages_of(api, f"{project}/environments", {**PAGE, "states": "available"}):
            read += 1
            yield document
            for row in ENVIRONMENTS.rows(document):
                yield await answer_to(api, path, {**LATEST, "environment": row.value["name"]})
    except ApiError as error:
        if read or error.status != REFUSED:
            raise
        for refused in (f"{project}/environments", path):
            yield Unanswered(api.url(refused), f"GitLab answers {REFUSED}; what it answered last stays")


async def _code_owners(api: Api, project: str) -> AsyncIterator[Document]:
    """The file that counts, if there is one."""
    for place in GITLAB_PLACES:
        path = f"{project}/repository/files/{quote(place, safe='')}"
        for file in await document_if_any(api, path, NOT_FOUND, {"ref": "HEAD"}):
            yield file
            return


CONNECTOR = Connector(
    name=NAME,
    description="Groups, projects, people, environments and deployments of GitLab",
    input="REST API v4: online, or answers saved at `groups/GROUP/projects.json` and so on",
    claims=claims,
    read=read,
    online=Online(
        base_url="https://gitlab.com/api/v4",
        token_variable="GITLAB_TOKEN",
        fetch=fetch,
        options={"group": "The group's whole path, such as `shop/pay`"},
    ),
)
