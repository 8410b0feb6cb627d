"""GitHub issues as tickets, as `/repos/O/R/issues`, `/orgs/O/issues` and `/search/issues` answer them.

| GitHub                   | catalog                                                                            |
|--------------------------|------------------------------------------------------------------------------------|
| issue                    | a Ticket, known by its web address, that DESCRIBES its Repository                  |
| assignees                | Users, `@login`, who own the ticket (role ASSIGNEE), the first as the primary      |
| labels, milestone, state | tags; `spec.milestone`, `spec.state`, `spec.stateReason` and dates                 |
| pull requests            | nothing: the API gives them as issues with the key `pull_request`                  |

The repository is read from the issue's own web address, so all answers read alike. The texts of issues are not kept.
A search that GitHub gave up (`incomplete_results`) is read and told.

Online, open issues are asked for: of repositories, of an organization, or both. On GitHub Enterprise Server the base
URL ends in `/api/v3`.

Shapes of answers checked against GitHub's OpenAPI, as of @octokit/openapi-types 29.0.1.

https://docs.github.com/en/rest/issues/issues
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.answers import options_in, pages_of
from graph_api.sources.api import Api, ApiError
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, Place, dig, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, repository_ref, scope_on
from graph_api.sources.scalars import text_in

NAME = "github_issues"

_SHOWN = {
    "state": "state",
    "state_reason": "stateReason",
    "created_at": "created",
    "updated_at": "updated",
    "closed_at": "closed",
}
_ISSUE = frozenset({"number", "repository_url", "html_url", "title"})
_MARK = "/issues/"


def claims(document: Document) -> bool:
    value = document.value
    if isinstance(value, dict) and "incomplete_results" in value and isinstance(value.get("items"), list):
        return not value["items"] or _is_issue(value["items"][0])
    return _is_issue(value) or _is_issue(document.get(0))


def _is_issue(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= _ISSUE


def read(documents: Sequence[Document], findings: Findings) -> None:
    for document in documents:
        if document.get("incomplete_results") is True:
            message = "the search was given up by GitHub before its end; ask for less at once"
            findings.problem(message, document.at("incomplete_results"))
        for number, row in mappings(document.get("items")):
            _read_issue(row, document.at("items", number), findings)
        for number, row in mappings(document.value):
            _read_issue(row, document.at(number), findings)
        if _is_issue(document.value):
            _read_issue(document.value, document.at(), findings)


def _read_issue(row: dict[str, Any], at: Place, findings: Findings) -> None:
    if "pull_request" in row:
        return
    url, number = text_in(row.get("html_url")) or "", row.get("number")
    address, _, last = url.partition(_MARK)
    repository = repository_ref(address) if last and address.startswith(("https://", "http://")) else None
    if repository is None or not isinstance(number, int):
        findings.problem("an issue without a number, or whose `html_url` leads to no repository", at)
        return
    findings.entity(repository, at, identifiers=[address])
    ticket = findings.entity(
        ref_of("ticket", f"{NAME}-{repository.partition(':')[2]}", str(number)),
        at,
        name=f"{address.rpartition('/')[2]}#{number}",
        type=text_in(dig(row, "type", "name")) or "issue",
        title=text_in(row.get("title")),
        tags=_labels(row),
        links=[{"url": url, "title": "GitHub"}],
        spec=_shown(row),
        identifiers=[url],
    )
    findings.link(ticket, "DESCRIBES", repository, at, origin=LinkOrigin.DECLARED)
    _state_assignees(ticket, row, url, at, findings)


def _labels(row: Mapping[str, Any]) -> list[str]:
    """Objects, or in old answers texts."""
    labels = row.get("labels")
    rows = labels if isinstance(labels, list) else []
    return [name for label in rows if (name := text_in(label) or text_in(dig(label, "name")))]


def _shown(row: Mapping[str, Any]) -> dict[str, str]:
    found = {shown: text_in(row.get(key)) for key, shown in _SHOWN.items()}
    found["milestone"] = text_in(dig(row, "milestone", "title"))
    return {key: text for key, text in found.items() if text}


def _state_assignees(ticket: Ref, row: Mapping[str, Any], url: str, at: Place, findings: Findings) -> None:
    logins = [login for _, user in mappings(row.get("assignees")) if (login := text_in(user.get("login")))]
    for place, login in enumerate(dict.fromkeys(logins)):
        user = findings.entity(
            ref_of("user", scope_on("github", url), login), at, name=login, identifiers=[f"@{login}"]
        )
        properties = {"role": "ASSIGNEE", "primary": place == 0}
        findings.link(ticket, "OWNED_BY", user, at, properties=properties, origin=LinkOrigin.DECLARED)


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    """Every page. ApiError if neither repositories nor an organization are named."""
    paths = [f"repos/{quote(name)}/issues" for name in options_in(options, "repositories")]
    if organization := options.get("organization"):
        paths.append(f"orgs/{quote(organization, safe='')}/issues")
    if not paths:
        raise ApiError(f"{NAME} needs the option `repositories` or `organization`")
    params = {"state": options.get("state", "open"), "filter": "all", "per_page": 100}
    for path in paths:
        async for page in pages_of(api, path, params):
            yield page


CONNECTOR = Connector(
    name=NAME,
    description="Issues of GitHub as tickets about their repositories",
    input="Answers of `/repos/O/R/issues`, `/orgs/O/issues` and `/search/issues`",
    claims=claims,
    read=read,
    # An issue stands in the repository that it names, not where a recorded answer lies.
    origin=LinkOrigin.OBSERVED,
    online=Online(
        base_url="https://api.github.com",
        token_variable="GITHUB_TOKEN",
        fetch=fetch,
        options={
            "repositories": "`owner/name` of the repositories to ask for, with commas between",
            "organization": "The organization whose issues are asked for",
            "state": "`open`, the default, `closed` or `all`",
        },
    ),
)
