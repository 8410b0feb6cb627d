"""Rows of GitLab's answers -> entities and links; see gitlab.py for what becomes of what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.answers import Row
from graph_api.sources.documents import Place, dig, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import namespace_of, ref_of, repository_ref

NAME = "gitlab"
MAINTAINER, OWNER = 40, 50
CONFIDENCE = {OWNER: 0.6, MAINTAINER: 0.5}
"""How sure an access level makes a member, or a group that a project is shared with, its owner."""
NAMESPACE_CONFIDENCE = 0.5
"""How sure the group that a project lies in is its owner."""
ROLES = {OWNER: "OWNER", MAINTAINER: "MAINTAINER"}


@dataclass(slots=True)
class Known:
    """Groups and projects of one server by the ids and paths that questions hold."""

    scope: str
    """The namespace of what this server knows."""
    groups: dict[str, Ref] = field(default_factory=dict)
    projects: dict[str, Ref] = field(default_factory=dict)
    paths: dict[Ref, str] = field(default_factory=dict)
    """The whole path of a project."""

    def group(self, row: Row, findings: Findings) -> Ref | None:
        return self._found(self.groups, row, "group", findings)

    def project(self, row: Row, findings: Findings) -> Ref | None:
        return self._found(self.projects, row, "project", findings)

    def _found(self, known: Mapping[str, Ref], row: Row, what: str, findings: Findings) -> Ref | None:
        ref = known.get(row.names[what])
        if ref is None:
            message = f"no answer says which {what} {row.names[what]!r} is; save groups/GROUP/{what}s.json as well"
            findings.problem(message, row.at())
        return ref

    def group_ref(self, path: str) -> Ref:
        *above, name = path.split("/")
        return ref_of("group", namespace_of(self.scope, *above), name)


def read_group(row: Row, known: Known, findings: Findings) -> None:
    path = row.text("full_path")
    if path is None:
        findings.problem("a group without full_path", row.at())
        return
    ref = findings.entity(
        known.group_ref(path),
        row.at("full_path"),
        name=path.rpartition("/")[2],
        type="group",
        title=row.text("name"),
        description=row.text("description"),
        labels={"visibility": row.value.get("visibility")},
        identifiers=[f"@{path}"],
    )
    known.groups.update({path: ref, str(row.value.get("id")): ref})
    if above := path.rpartition("/")[0]:
        findings.link(ref, "CHILD_OF", known.group_ref(above), row.at("full_path"))


def read_project(row: Row, known: Known, findings: Findings) -> None:
    url, path = row.text("web_url") or "", row.text("path_with_namespace") or ""
    ref = repository_ref(url)
    if ref is None:
        findings.problem("a project without a URL of its own in web_url", row.at("web_url"))
        return
    at = row.at("path_with_namespace")
    findings.entity(
        ref,
        at,
        name=path.rpartition("/")[2],
        type="fork" if isinstance(row.value.get("forked_from_project"), dict) else "source",
        description=row.text("description"),
        lifecycle="archived" if row.value.get("archived") is True else None,
        tags=texts(row.value.get("topics")),
        labels={key: row.value.get(key) for key in ("visibility", "default_branch")},
        identifiers=[url],
    )
    known.projects.update({path: ref, str(row.value.get("id")): ref})
    known.paths[ref] = path
    if dig(row.value, "namespace", "kind") == "group":
        _owned(ref, known.group_ref(path.rpartition("/")[0]), "NAMESPACE", NAMESPACE_CONFIDENCE, at, findings)
    for index, share in mappings(row.value.get("shared_with_groups")):
        level, group = share.get("group_access_level"), share.get("group_full_path")
        if isinstance(level, int) and level in CONFIDENCE and isinstance(group, str) and group:
            at = row.at("shared_with_groups", index)
            _owned(ref, known.group_ref(group), ROLES[level], CONFIDENCE[level], at, findings)


def _owned(ref: Ref, owner: Ref, role: str, confidence: float, at: Place, findings: Findings) -> None:
    facts = {"role": role}
    findings.link(ref, "OWNED_BY", owner, at, confidence=confidence, properties=facts, origin=LinkOrigin.INFERRED)


def read_group_member(row: Row, known: Known, findings: Findings) -> None:
    user, group = _user(row, known, findings), known.group(row, findings)
    if user and group:
        findings.link(user, "MEMBER_OF", group, row.at("username"))


def read_project_member(row: Row, known: Known, findings: Findings) -> None:
    user, project, level = _user(row, known, findings), known.project(row, findings), row.value.get("access_level")
    if user and project and isinstance(level, int) and level in CONFIDENCE:
        _owned(project, user, ROLES[level], CONFIDENCE[level], row.at("username"), findings)


def _user(row: Row, known: Known, findings: Findings) -> Ref | None:
    """None for a member who is blocked."""
    login = row.text("username")
    if login is None or row.text("state") not in (None, "active"):
        return None
    emails = [email for key in ("email", "public_email") if (email := row.text(key))]
    return findings.entity(
        ref_of("user", known.scope, login),
        row.at("username"),
        name=login,
        title=row.text("name"),
        identifiers=[f"@{login}", *emails],
    )


def read_environment(row: Row, known: Known, findings: Findings) -> None:
    project, name = known.project(row, findings), row.text("name")
    if project is None or name is None or row.text("state") == "stopped":
        return
    url = row.text("external_url")
    environment = findings.entity(
        _environment_ref(project, known, name),
        row.at("name"),
        name=name,
        type=row.text("tier"),
        links=[{"url": url}] if url else [],
    )
    findings.link(project, "DEPLOYED_TO", environment, row.at("name"))


def read_deployments(rows: list[Row], known: Known, findings: Findings) -> None:
    """Latest first: of links said twice, the first is the link."""
    for row in sorted(rows, key=lambda row: row.text("updated_at") or row.text("created_at") or "", reverse=True):
        project, name = known.project(row, findings), dig(row.value, "environment", "name")
        if project is None or not isinstance(name, str) or row.text("status") != "success":
            continue
        findings.link(
            project,
            "DEPLOYED_TO",
            findings.entity(_environment_ref(project, known, name), row.at("environment"), name=name),
            row.at("environment"),
            properties={key: text for key in ("sha", "ref") if (text := row.text(key))},
            origin=LinkOrigin.OBSERVED,
            observed_at=row.text("updated_at") or row.text("created_at"),
        )


def _environment_ref(project: Ref, known: Known, name: Any) -> Ref:
    return ref_of("environment", f"{known.scope}-{known.paths[project]}", name)
