"""Rows of GitHub's answers -> entities and links; see github.py for what becomes of what."""

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref, split_ref
from graph_api.sources.answers import Row
from graph_api.sources.documents import dig, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, repository_ref, scope_on

NAME = "github"
WEB = "web"
"""Among the names of a row: where the server's pages are, which the question does not tell."""
CONFIDENCE = {"admin": 0.6, "maintain": 0.5}
"""How sure a team's permission makes it the owner."""


def _organization_ref(row: Row) -> Ref:
    return ref_of("group", scope_on(NAME, row.names[WEB]), row.names["org"])


def _team_ref(row: Row, team: str) -> Ref:
    return ref_of("group", f"{scope_on(NAME, row.names[WEB])}-{row.names['org']}", team)


def repository_of(row: Row) -> Ref | None:
    """The repository that a question is about."""
    return repository_ref(f"{row.names[WEB]}/{row.names['org']}/{row.names['repo']}")


def read_organization(row: Row, findings: Findings) -> None:
    org = row.names["org"]
    findings.entity(
        _organization_ref(row),
        row.at("login"),
        name=org,
        type="organization",
        title=row.text("name"),
        description=row.text("description"),
        identifiers=_given(row.text("html_url"), row.text("email")),
    )


def read_repository(row: Row, findings: Findings) -> None:
    url, name = row.text("html_url") or "", row.text("full_name") or ""
    ref = repository_ref(url)
    if ref is None:
        findings.problem("a repository without a URL of its own in html_url", row.at("html_url"))
        return
    findings.entity(
        ref,
        row.at("full_name"),
        name=name.rpartition("/")[2],
        type="fork" if row.value.get("fork") is True else "source",
        description=row.text("description"),
        lifecycle="archived" if row.value.get("archived") is True else None,
        tags=texts(row.value.get("topics")),
        labels={key: row.value.get(key) for key in ("visibility", "language", "default_branch")},
        identifiers=[url],
    )
    role = _role(row)
    if "team" in row.names and role in CONFIDENCE:
        findings.link(
            ref,
            "OWNED_BY",
            _team_ref(row, row.names["team"]),
            row.at("full_name"),
            confidence=CONFIDENCE[role],
            properties={"role": role.upper()},
            origin=LinkOrigin.INFERRED,
        )


def _role(row: Row) -> str:
    """The strongest permission; a role of the organization's own is based on one of these."""
    permissions = mapping(row.value.get("permissions"))
    return next((role for role in CONFIDENCE if permissions.get(role) is True), "")


def read_properties(row: Row, findings: Findings) -> None:
    ref = repository_ref(f"{row.names[WEB]}/{row.text('repository_full_name') or ''}")
    if ref is None:
        findings.problem("custom properties without repository_full_name", row.at())
        return
    labels = {
        str(pair["property_name"]): ", ".join(texts(value)) if isinstance(value := pair.get("value"), list) else value
        for _, pair in mappings(row.value.get("properties"))
        if pair.get("property_name")
    }
    findings.entity(ref, row.at(), name=row.text("repository_name"), labels=labels)


def read_user(row: Row, findings: Findings) -> None:
    login = row.text("login")
    if login is None:
        findings.problem("a user without login", row.at())
        return
    at = row.at("login")
    ref = findings.entity(
        ref_of("user", scope_on(NAME, row.names[WEB]), login),
        at,
        name=login,
        type=(row.text("type") or "").lower() or None,
        title=row.text("name"),
        identifiers=_given(f"@{login}", row.text("email")),
    )
    if "team" in row.names:
        findings.link(ref, "MEMBER_OF", _team_ref(row, row.names["team"]), at)
    elif "org" in row.names:
        findings.link(ref, "MEMBER_OF", _organization_ref(row), at)


def read_team(row: Row, findings: Findings) -> None:
    org, slug = row.names["org"], row.text("slug")
    if slug is None:
        findings.problem("a team without slug", row.at())
        return
    ref = findings.entity(
        _team_ref(row, slug),
        row.at("slug"),
        name=slug,
        type="team",
        title=row.text("name"),
        description=row.text("description"),
        identifiers=[f"@{org}/{slug}"],
    )
    parent = dig(row.value, "parent", "slug")
    above = _team_ref(row, parent) if isinstance(parent, str) and parent else _organization_ref(row)
    findings.link(ref, "CHILD_OF", above, row.at("parent"))


def read_deployments(rows: list[Row], findings: Findings) -> None:
    """Latest first: of links said twice, the first is the link."""
    for row in sorted(rows, key=lambda row: row.text("created_at") or "", reverse=True):
        ends = None if row.value.get("transient_environment") is True else _ends(row, "environment", findings)
        if ends:
            findings.link(
                ends[0],
                "DEPLOYED_TO",
                ends[1],
                row.at("environment"),
                properties={key: text for key in ("sha", "ref", "task") if (text := row.text(key))},
                origin=LinkOrigin.OBSERVED,
                observed_at=row.text("created_at"),
            )


def read_environment(row: Row, findings: Findings) -> None:
    if ends := _ends(row, "name", findings):
        findings.link(ends[0], "DEPLOYED_TO", ends[1], row.at("name"))


def _ends(row: Row, key: str, findings: Findings) -> tuple[Ref, Ref] | None:
    """The repository and the environment that the row names."""
    repository, name = repository_of(row), row.text(key)
    if repository is None or name is None:
        findings.problem("an environment without name or repository", row.at())
        return None
    scope = "-".join((NAME, *split_ref(repository)[1:]))
    return repository, findings.entity(ref_of("environment", scope, name), row.at(key), name=name)


def _given(*names: str | None) -> list[str]:
    return [name for name in names if name]
