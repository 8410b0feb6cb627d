"""GitHub (REST API, versions 2022-11-28 and 2026-03-10): repositories, teams, people, environments, packages.

Answers are asked of the API, or read from files that are saved at the path of the question (`gh api --paginate
orgs/shop/teams > orgs/shop/teams.json`; further pages as `teams.2.json`):

| question                                    | what becomes of it                                                    |
|---------------------------------------------|-----------------------------------------------------------------------|
| `orgs/{org}`                                | the Group `github/org`, of type organization                          |
| `orgs/{org}/repos`                          | Repositories: topics as tags, visibility and language as labels        |
| `orgs/{org}/properties/values`              | custom properties as labels                                           |
| `orgs/{org}/members`, `users/{login}`       | Users; members of the organization's group                            |
| `orgs/{org}/teams`                          | Groups below their parent team, or below the organization             |
| `orgs/{org}/teams/{team}/members`           | members of the team                                                   |
| `orgs/{org}/teams/{team}/repos`             | owners: a team with the permission admin or maintain                  |
| `repos/{org}/{repo}/environments`           | Environments of the repository                                        |
| `repos/{org}/{repo}/deployments`            | what was last deployed to each environment, with commit and time      |
| `repos/{org}/{repo}/dependency-graph/sbom`  | packages that the repository contains: as the connector spdx reads it  |
| `repos/{org}/{repo}/contents/CODEOWNERS`    | owners, as of a CODEOWNERS file; also in `.github/` and `docs/`        |

A permission is a weak sign of ownership: such links are inferred, with confidence 0.6 for admin and 0.5 for maintain,
and the permission as role. `push` and less own nothing. An environment belongs to its repository alone, so that
`production` of two repositories are two. Deployments to transient environments are left out. Deployments are not
entities; of many to one environment the latest counts, whether or not it succeeded (GitHub keeps that elsewhere).

Online, a repository of which GitHub answers a question with 404 (it has no dependency graph, say) has none of that; one
that GitHub refuses (403, or 451 where it is blocked) is told, and what it said before stays. So it is with a team's
members and repositories, and with a repository's deployments and so its environments, also where they are not found
(404). An organization without custom properties (404) has none; every other fault ends the run. Of a member without
`users/{login}` (404) no name is known. A folder, submodule or symlink named CODEOWNERS is none; GitHub itself follows
symlinks to files of the repository. A GitHub Enterprise Server is asked at `https://HOST/api/v3`; refs of its teams and
people have its host in their namespace, `group:github-HOST-org/team`. All answers of one source are of one server.

Shapes of answers checked against GitHub's OpenAPI, as of @octokit/openapi-types 29.0.1.

https://docs.github.com/en/rest
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from graph_api.catalog.codeowners import Dialect
from graph_api.sources import spdx
from graph_api.sources.answers import Question, Row, answer_to, option, pages_of, rows_of
from graph_api.sources.api import Api, ApiError
from graph_api.sources.code_owner_files import GITHUB_PLACES, CodeOwnerFiles
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, Unanswered, dig
from graph_api.sources.findings import Findings
from graph_api.sources.github_parts import (
    NAME,
    WEB,
    read_deployments,
    read_environment,
    read_organization,
    read_properties,
    read_repository,
    read_team,
    read_user,
    repository_of,
)
from graph_api.sources.materials import GITHUB
from graph_api.sources.naming import server_of

PAGE = {"per_page": 100}
BY_AGE = {**PAGE, "sort": "created", "direction": "asc"}
"""New repositories come last, so that none is missed while others are read."""
NOT_FOUND = 404
REFUSED = (403, 451)
UNTOLD = (NOT_FOUND, *REFUSED)
"""Of what GitHub told just before that there is."""
VERSION = "2022-11-28"
"""Of the API, which also GitHub Enterprise Server answers."""

ORGANIZATION = Question("orgs/{org}", ("login", "repos_url"))
REPOSITORIES = Question("orgs/{org}/repos", ("full_name", "html_url"))
PROPERTIES = Question("orgs/{org}/properties/values", ("repository_full_name", "properties"))
MEMBERS = Question("orgs/{org}/members", ("login",))
USER = Question("users/{login}", ("login", "html_url"))
TEAMS = Question("orgs/{org}/teams", ("slug", "name"))
TEAM_MEMBERS = Question("orgs/{org}/teams/{team}/members", ("login",))
TEAM_REPOSITORIES = Question("orgs/{org}/teams/{team}/repos", ("full_name", "html_url"))
ENVIRONMENTS = Question("repos/{org}/{repo}/environments", ("name",), "environments")
DEPLOYMENTS = Question("repos/{org}/{repo}/deployments", ("environment", "sha"))
CODE_OWNERS = [Question(f"repos/{{org}}/{{repo}}/contents/{place}", ("path", "content")) for place in GITHUB_PLACES]
SBOM = Question("repos/{org}/{repo}/dependency-graph/sbom", ("spdxVersion",), "sbom")

READERS = (
    (ORGANIZATION, read_organization),
    (REPOSITORIES, read_repository),
    (TEAM_REPOSITORIES, read_repository),
    (PROPERTIES, read_properties),
    (USER, read_user),
    (MEMBERS, read_user),
    (TEAM_MEMBERS, read_user),
    (TEAMS, read_team),
    (ENVIRONMENTS, read_environment),
)


def claims(document: Document) -> bool:
    questions = (DEPLOYMENTS, SBOM, *CODE_OWNERS, *(row[0] for row in READERS))
    return any(question.is_answered_by(document) for question in questions)


def read(documents: Sequence[Document], findings: Findings) -> None:
    web = _web(documents)
    read_deployments([*_rows(DEPLOYMENTS, documents, web)], findings)
    for question, reader in READERS:
        for row in _rows(question, documents, web):
            reader(row, findings)
    files = CodeOwnerFiles(Dialect.GITHUB, findings)
    for question, place in zip(CODE_OWNERS, GITHUB_PLACES, strict=True):
        for row in _rows(question, documents, web):
            if repository := repository_of(row):
                files.state(repository, row, place)
    spdx.read([document for document in documents if SBOM.is_answered_by(document)], findings, web)


def _web(documents: Sequence[Document]) -> str:
    """Where the server's pages are, by the first address of one in the answers; github.com if there is none."""
    for question in (REPOSITORIES, TEAM_REPOSITORIES, TEAMS, USER, MEMBERS, TEAM_MEMBERS):
        for row in rows_of(question, documents):
            if server := server_of(row.text("html_url") or ""):
                return server
    return GITHUB


def _rows(question: Question, documents: Sequence[Document], web: str) -> Iterator[Row]:
    for row in rows_of(question, documents):
        row.names[WEB] = web
        yield row


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document | Unanswered]:
    """Every answer about `organization`: a few questions for each repository, team and member."""
    organization = option(options, "organization")
    org = f"orgs/{organization}"
    names: dict[Question, list[str]] = {REPOSITORIES: [], MEMBERS: [], TEAMS: []}
    yield await answer_to(api, org)
    for question, path, key, params in (
        (REPOSITORIES, "repos", "name", BY_AGE),
        (MEMBERS, "members", "login", PAGE),
        (TEAMS, "teams", "slug", PAGE),
    ):
        async for document in pages_of(api, f"{org}/{path}", params):
            names[question] += [row.text(key) or "" for row in question.rows(document)]
            yield document
    # Neither every organization nor every server has them. They are labels of repositories that are stated anyhow, so
    # that nothing could stay of them if they were refused.
    async for answer in _if_any(api, f"{org}/properties/values", refused=()):
        yield answer
    for login in names[MEMBERS]:
        async for answer in _if_any(api, f"users/{quote(login)}"):
            yield answer
    for path in [f"{org}/teams/{team}/{part}" for team in names[TEAMS] for part in ("members", "repos")]:
        # Not found may be a team that is gone meanwhile, or one that is hidden from the token.
        async for answer in _if_any(api, path, refused=UNTOLD):
            yield answer
    for name in names[REPOSITORIES]:
        async for answer in _of_repository(api, f"repos/{organization}/{name}"):
            yield answer


async def _of_repository(api: Api, repository: str) -> AsyncIterator[Document | Unanswered]:
    async for answer in _environments(api, repository):
        yield answer
    async for answer in _if_any(api, f"{repository}/dependency-graph/sbom"):
        yield answer
    for place in GITHUB_PLACES:
        async for answer in _if_any(api, f"{repository}/contents/{place}"):
            if isinstance(answer, Document) and _is_no_file(answer.value):
                continue
            yield answer
            if isinstance(answer, Document):
                return


def _is_no_file(content: Any) -> bool:
    """A folder, a submodule, or a symlink that GitHub does not follow, as it leads to no file of the repository."""
    return isinstance(content, list) or dig(content, "type") in ("symlink", "submodule")


async def _environments(api: Api, repository: str) -> AsyncIterator[Document | Unanswered]:
    """With the latest deployment to each, of what may be thousands.

    Without deployments nothing is said of environments: their links would take the place of those with a commit.
    """
    answers = [answer async for answer in _if_any(api, f"{repository}/environments")]
    for answer in [*answers]:
        answers += await _deployments(api, f"{repository}/deployments", answer)
    refused = next((answer for answer in answers if isinstance(answer, Unanswered)), None)
    if refused:
        paths = [api.url(f"{repository}/{part}") for part in ("environments", "deployments")]
        answers = [Unanswered(path, refused.message) for path in paths]
    for answer in answers:
        yield answer


async def _deployments(api: Api, path: str, environments: Document | Unanswered) -> list[Document | Unanswered]:
    rows = ENVIRONMENTS.rows(environments) if isinstance(environments, Document) else ()
    try:
        return [
            Document(api.url(path), await api.get(path, {"environment": row.value["name"], "per_page": 1}))
            for row in rows
        ]
    except ApiError as error:
        if error.status not in UNTOLD:
            raise
        return [_unanswered(api, path, error)]


async def _if_any(api: Api, path: str, *, refused: Collection[int] = REFUSED) -> AsyncIterator[Document | Unanswered]:
    """The pages of what GitHub need not have, such as the dependencies of a repository; a later page is not missing.

    `refused` are the statuses of a question that GitHub refuses to answer, and not for want of an answer.
    """
    read = 0
    try:
        async for document in pages_of(api, path, PAGE):
            read += 1
            yield document
    except ApiError as error:
        if read or error.status not in (NOT_FOUND, *refused):
            raise
        if error.status in refused:
            yield _unanswered(api, path, error)


def _unanswered(api: Api, path: str, error: ApiError) -> Unanswered:
    return Unanswered(api.url(path), f"GitHub answers {error.status}; what it answered last stays")


CONNECTOR = Connector(
    name=NAME,
    description="Repositories, teams, people, environments and dependencies of a GitHub organization",
    input="REST API, versions 2022-11-28 and 2026-03-10: online, or answers saved at `orgs/ORG/teams.json` and so on",
    claims=claims,
    read=read,
    online=Online(
        base_url="https://api.github.com",
        token_variable="GITHUB_TOKEN",
        fetch=fetch,
        options={"organization": "The organization's login"},
        headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION},
    ),
)
