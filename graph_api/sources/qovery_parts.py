"""Rows of Qovery's answers, and `.qovery.yml`, -> entities and links; see qovery.py for what becomes of what."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from graph_api.catalog.ref import Ref
from graph_api.sources.answers import Row
from graph_api.sources.documents import Document, Place, dig, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.image_classes import is_own_software
from graph_api.sources.images import state_image
from graph_api.sources.naming import image_name, ref_of, repository_ref, scoped
from graph_api.sources.platform_resources import class_of

NAME = "qovery"

_REPOSITORIES = (
    ("git_repository",),
    ("source", "docker", "git_repository"),
    ("source", "git", "git_repository"),
    ("terraform_files_source", "git", "git_repository"),
)
"""Where a service names the repository that it is built from."""


@dataclass(slots=True)
class Known:
    """What must be known of other answers to read one."""

    projects: dict[str, str] = field(default_factory=dict)
    """The project's id by the environment's."""
    addresses: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Public URLs by the service's id."""

    def note_link(self, row: Row) -> None:
        service, url = row.text("service_id"), row.text("url")
        if service and url and _host(url):
            self.addresses[service].append(url)


def _ref(kind: str, id_: Any) -> Ref:
    return ref_of(kind, NAME, str(id_))


def _stated(row: Row, kind: str, findings: Findings, **said: Any) -> tuple[Ref, Place]:
    """The entity with the row's id and name, and further fields."""
    identifiers = [scoped(NAME, str(row.value.get("id"))), *said.pop("identifiers", ())]
    ref, at = _ref(kind, row.value.get("id")), row.at("name")
    description = row.text("description")
    findings.entity(ref, at, name=row.text("name"), description=description, identifiers=identifiers, **said)
    return ref, at


def read_organization(row: Row, findings: Findings) -> None:
    _stated(row, "domain", findings, type="organization")


def read_project(row: Row, findings: Findings) -> None:
    ref, at = _stated(row, "system", findings, type="project")
    findings.link(ref, "PART_OF", _ref("domain", row.names["organization"]), at)


def read_cluster(row: Row, findings: Findings) -> None:
    labels = {key: row.value.get(key) for key in ("cloud_provider", "region", "kubernetes", "version", "production")}
    _stated(row, "resource", findings, type="compute", labels=labels)


def read_environment(row: Row, known: Known, findings: Findings) -> None:
    project = row.names["project"]
    known.projects[str(row.value.get("id"))] = project
    ref, at = _stated(row, "environment", findings, type=(row.text("mode") or "").lower() or None)
    findings.link(ref, "PART_OF", _ref("system", project), at)
    if cluster := row.text("cluster_id"):
        findings.link(ref, "RUNS_ON", _ref("resource", cluster), row.at("cluster_id"))


def read_service(row: Row, type_: str, known: Known, findings: Findings) -> None:
    addresses, image = known.addresses[str(row.value.get("id"))], _image(row)
    ports = [port for _, said in mappings(row.value.get("ports")) if (port := said.get("internal_port"))]
    names = [scoped("host", _host(url)) for url in addresses]
    if image and is_own_software(image):
        names.append(scoped("image", image_name(image)))
    ref, at = _stated(
        row,
        "component",
        findings,
        type=type_,
        labels=_labels(row),
        links=[{"url": url} for url in addresses],
        spec={"ports": ports} if ports else None,
        identifiers=names,
    )
    _in_environment(row, ref, at, known, findings)
    if image:
        state_image(ref, image, row.at("image_name"), findings)
    _built_from(row, ref, findings)


def read_database(row: Row, known: Known, findings: Findings) -> None:
    type_, host = (row.text("type") or "unknown").lower(), row.text("host")
    labels = {"type": type_, **{key: row.value.get(key) for key in ("version", "mode")}, **_labels(row)}
    names = [scoped("host", host)] if host else []
    ref, at = _stated(row, "resource", findings, type=class_of(type_), labels=labels, identifiers=names)
    _in_environment(row, ref, at, known, findings)


def _in_environment(row: Row, ref: Ref, at: Place, known: Known, findings: Findings) -> None:
    environment = row.names["environment"]
    findings.link(ref, "DEPLOYED_TO", _ref("environment", environment), at)
    if project := known.projects.get(environment):
        findings.link(ref, "PART_OF", _ref("system", project), at)


def _image(row: Row) -> str | None:
    """The image of a container, or of a job that runs one, with its registry's host."""
    said = mapping(dig(row.value, "source", "image")) or row.value
    name, registry, tag = said.get("image_name"), dig(said, "registry", "url"), said.get("tag")
    if not isinstance(name, str) or not name:
        return None
    host = _host(registry) if isinstance(registry, str) else ""
    whole = f"{host}/{name}" if host else name
    return f"{whole}:{tag}" if tag else whole


def _built_from(row: Row, ref: Ref, findings: Findings) -> None:
    for keys in _REPOSITORIES:
        said = dig(row.value, *keys)
        url = dig(said, "url")
        repository = repository_ref(url) if isinstance(url, str) else None
        if repository:
            facts = {key: value for key in ("branch", "root_path") if isinstance(value := dig(said, key), str)}
            findings.entity(repository, row.at(*keys), identifiers=[url])
            findings.link(ref, "BUILT_FROM", repository, row.at(*keys), properties=facts)


def _labels(row: Row) -> dict[str, Any]:
    groups = [group for _, group in mappings(row.value.get("labels_groups"))]
    labels = [label for group in groups for _, label in mappings(group.get("labels"))]
    return {str(label["key"]): label.get("value") for label in labels if label.get("key")}


def _host(url: str) -> str:
    try:
        return urlsplit(url if "//" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""


def read_file(document: Document, findings: Findings) -> None:
    application = mapping(document.get("application"))
    name = application.get("name")
    if not isinstance(name, str) or not name:
        findings.refuse(document, "an application without name")
        return
    scope = f"{NAME}-{application.get('project') or name}"
    ref = findings.entity(ref_of("component", scope, name), document.at("application", "name"), name=name)
    for said, type_, at in _needed(document):
        resource = ref_of("resource", scope, str(said["name"]))
        labels = {key: said.get(key) for key in ("type", "version")}
        findings.entity(resource, at, name=str(said["name"]), type=type_, labels=labels)
        findings.link(ref, "DEPENDS_ON", resource, at)
    for index, router in mappings(document.get("routers")):
        _read_router(document, index, router, scope, findings)


def _needed(document: Document) -> Iterator[tuple[dict[str, Any], str, Place]]:
    """Databases and storages, with their class and place."""
    for index, said in mappings(document.get("databases")):
        if said.get("name"):
            yield said, class_of(str(said.get("type") or "database")), document.at("databases", index)
    for index, said in mappings(document.get("application", "storage")):
        if said.get("name"):
            yield said, "storage", document.at("application", "storage", index)


def _read_router(document: Document, index: int, router: dict[str, Any], scope: str, findings: Findings) -> None:
    name = str(router.get("name") or "main")
    domains = [domain for _, said in mappings(router.get("custom_domains")) for domain in texts([said.get("domain")])]
    at = document.at("routers", index)
    ref = findings.entity(
        ref_of("resource", scope, f"router-{name}"),
        at,
        name=name,
        type="transit",
        identifiers=[scoped("host", domain) for domain in domains],
    )
    for place, route in mappings(router.get("routes")):
        for application in texts([route.get("application_name")]):
            target = ref_of("component", scope, application)
            findings.link(ref, "DEPENDS_ON", target, document.at("routers", index, "routes", place))
