"""Jira: issues, projects and components, as the REST API of Jira Cloud (version 3) and Data Center (2) answers them.

| Jira                | catalog                                                                                      |
|---------------------|----------------------------------------------------------------------------------------------|
| project             | a Component of type project, `jira:KEY`; its lead owns it (role LEAD)                        |
| component           | a Component of type component, `jira:KEY/NAME`, PART_OF its project; its lead owns it        |
| issue               | a Ticket, `jira:KEY-1`, that DESCRIBES its components, else its project                      |
| assignee of it      | the User who owns the ticket (role ASSIGNEE)                                                 |

A service whose descriptor states the identifier `jira:KEY` is the project, and one that states `jira:KEY/NAME` the
component, so that tickets are about it; where several services state one key, it joins none of them. Read are answers
of a search (`/search`, `/search/jql`), of one issue, of projects (`/project`, `/project/search`) and of the components
of a project, paged or not. Keys are unique within one site; two sites whose keys are the same need other sources'
names for them.

Summaries, labels, states and dates are kept; descriptions, comments and custom fields are not, as they hold anything.
E-mail addresses of users are identifiers and nothing else.

Online, Jira Cloud is asked: for the projects, their components, and the issues of a query, by default those that are
not done. The token is base64 of `ADDRESS:API-TOKEN`, as Jira's basic authentication has it.

Shapes of answers checked against Jira's OpenAPI 1001.0.0-SNAPSHOT of 2022-07-17; its fields are a site's own.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, Place, dig, listed, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.jira_api import fetch
from graph_api.sources.naming import ref_of, scoped
from graph_api.sources.parsing import Keys
from graph_api.sources.scalars import text_in

NAME = "jira"

_COMPONENT = frozenset({"assigneeType", "realAssigneeType", "leadAccountId"})
_NAMED = {"status": "status", "issuetype": "issueType", "priority": "priority", "resolution": "resolution"}
_DATES = {"created": "created", "updated": "updated", "duedate": "due"}


def claims(document: Document) -> bool:
    value = document.value
    if isinstance(value, dict) and isinstance(value.get("issues"), list):
        rows = listed(value["issues"])
        return _is_issue(rows[0]) if rows else not {"isLast", "startAt"}.isdisjoint(value)
    if isinstance(value, dict) and value.get("values") == [] and "isLast" in value:
        return True
    return any(_is_ours(row) for _, row in _rows(document))


def _is_ours(row: Any) -> bool:
    return _is_issue(row) or _is_project(row) or _is_component(row)


def _is_issue(row: Any) -> bool:
    return isinstance(row, dict) and "key" in row and isinstance(row.get("fields"), dict)


def _is_project(row: Mapping[str, Any]) -> bool:
    return "key" in row and "projectTypeKey" in row


def _is_component(row: Mapping[str, Any]) -> bool:
    return "project" in row and not _COMPONENT.isdisjoint(row)


def _rows(document: Document) -> Iterator[tuple[Keys, dict[str, Any]]]:
    """The things in an answer, whether it is one of them, a list, or a page."""
    value = document.value
    for keys in (("issues",), ("values",), ()):
        for number, row in mappings(document.get(*keys)):
            yield (*keys, number), row
    if isinstance(value, dict) and _is_ours(value):
        yield (), value


def read(documents: Sequence[Document], findings: Findings) -> None:
    rows = [(document.at(*keys), row) for document in documents for keys, row in _rows(document)]
    for at, row in rows:
        if _is_project(row):
            _read_project(row, at, findings)
    for at, row in rows:
        if _is_component(row):
            _read_component(row, at, findings)
    for at, row in rows:
        if _is_issue(row):
            _read_issue(row, at, findings)
        elif not (_is_project(row) or _is_component(row)):
            findings.problem("neither an issue with key and fields, nor a project or component", at)


def _read_project(row: dict[str, Any], at: Place, findings: Findings) -> None:
    key = text_in(row.get("key"))
    if key is None:
        findings.problem("a project without a key", at)
        return
    project = _state_project(key, row, at, findings)
    _state_owner(project, row.get("lead"), "LEAD", at, findings)


def _state_project(key: str, row: Mapping[str, Any], at: Place, findings: Findings) -> Ref:
    ref = ref_of("component", NAME, key)
    if findings.knows(ref) and not row:
        return ref
    return findings.entity(
        ref,
        at,
        name=text_in(row.get("name")) or key,
        type="project",
        description=text_in(row.get("description")),
        links=_page(row, key),
        identifiers=[scoped("jira", key)],
    )


def _page(row: Mapping[str, Any], key: str) -> list[dict[str, str]]:
    """Where people see it: below the site that answered."""
    site, rest, _ = (text_in(row.get("self")) or "").partition("/rest/api/")
    is_page = rest and site.startswith(("https://", "http://"))
    return [{"url": f"{site}/browse/{quote(key)}", "title": "Jira"}] if is_page else []


def _read_component(row: dict[str, Any], at: Place, findings: Findings) -> None:
    key, name = text_in(row.get("project")), text_in(row.get("name"))
    if key is None or name is None:
        findings.problem("a component without project and name", at)
        return
    component = _state_component(key, name, row, at, findings)
    _state_owner(component, row.get("lead"), "LEAD", at, findings)


def _state_component(key: str, name: str, row: Mapping[str, Any], at: Place, findings: Findings) -> Ref:
    ref = ref_of("component", f"{NAME}-{key}", name)
    if findings.knows(ref):
        return ref
    findings.entity(
        ref,
        at,
        name=name,
        type="component",
        description=text_in(row.get("description")),
        identifiers=[scoped("jira", f"{key}/{name}")],
    )
    findings.link(ref, "PART_OF", _state_project(key, {}, at, findings), at, origin=LinkOrigin.DECLARED)
    return ref


def _state_owner(ref: Ref, user: Any, role: str, at: Place, findings: Findings) -> None:
    """Cloud knows users by accountId, Data Center by key and name, which may be an e-mail address."""
    row = mapping(user)
    id_ = next((id_ for key in ("accountId", "key", "name") if (id_ := text_in(row.get(key)))), None)
    if id_ is None:
        return
    shown = hashlib.sha256(id_.encode()).hexdigest()[:12] if "@" in id_ else id_
    owner = findings.entity(
        ref_of("user", NAME, shown),
        at,
        name=text_in(row.get("displayName")) or shown,
        identifiers=[address for address in texts([row.get("emailAddress"), id_]) if "@" in address],
    )
    properties = {"role": role, "primary": True}
    findings.link(ref, "OWNED_BY", owner, at, properties=properties, origin=LinkOrigin.DECLARED)


def _read_issue(row: dict[str, Any], at: Place, findings: Findings) -> None:
    key, fields = text_in(row.get("key")), mapping(row.get("fields"))
    if key is None:
        findings.problem("an issue without a key", at)
        return
    ticket = findings.entity(
        ref_of("ticket", NAME, key),
        at,
        name=key,
        type=text_in(dig(fields, "issuetype", "name")),
        title=text_in(fields.get("summary")),
        tags=texts(fields.get("labels")),
        links=_page(row, key),
        spec=_shown(fields),
        identifiers=[scoped("jira", key)],
    )
    project = text_in(dig(fields, "project", "key")) or key.rpartition("-")[0] or key
    names = [name for _, part in mappings(fields.get("components")) if (name := text_in(part.get("name")))]
    about = [_state_component(project, name, {}, at, findings) for name in names]
    for subject in about or [_state_project(project, {}, at, findings)]:
        findings.link(ticket, "DESCRIBES", subject, at, origin=LinkOrigin.DECLARED)
    _state_owner(ticket, fields.get("assignee"), "ASSIGNEE", at, findings)


def _shown(fields: Mapping[str, Any]) -> dict[str, str]:
    found = {shown: text_in(dig(fields, key, "name")) for key, shown in _NAMED.items()}
    found |= {shown: text_in(fields.get(key)) for key, shown in _DATES.items()}
    found["statusCategory"] = text_in(dig(fields, "status", "statusCategory", "key"))
    found["parent"] = text_in(dig(fields, "parent", "key"))
    return {key: text for key, text in found.items() if text}


CONNECTOR = Connector(
    name=NAME,
    description="Issues, projects and components of Jira",
    input="Answers of the REST API, version 2 and 3: of searches, issues, projects and components",
    claims=claims,
    read=read,
    # What Jira knows is not made where a recorded answer lies.
    origin=LinkOrigin.OBSERVED,
    online=Online(
        base_url=None,
        token_variable="JIRA_TOKEN",
        fetch=fetch,
        options={
            "project": "Keys of the projects to ask for, with commas between; all that the token may see by default",
            "jql": "The query that chooses the issues, instead of those of the projects that are not done",
        },
        authorization="Basic {token}",
    ),
)
