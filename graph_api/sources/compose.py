"""Compose files of the Compose Specification, and of the versions 2 and 3 before it.

| written                                           | becomes                                                         |
|---------------------------------------------------|-----------------------------------------------------------------|
| service                                           | Component of type service (job with `deploy.mode: ...-job`);    |
|                                                   | Resource of a class if its image is well known (image_classes)  |
| depends_on, links, volumes_from, and `service:X`  | DEPENDS_ON, SOFT with `required: false`                         |
| as network_mode, ipc or pid                       |                                                                 |
| image                                             | RUNS_IMAGE a Resource of type container-image                   |
| build from a URL                                  | BUILT_FROM its Repository; a folder is in the file's repository |
| named volume, secret                              | Resource of type storage or secret that the service depends on  |
| address of another service in a variable          | DEPENDS_ON with origin INFERRED and confidence 0.8              |

- The files of one folder named `compose*.yaml` or `docker-compose*.yaml` (or .yml) are one project, with all that they
  `include`: a service that stands in several of them is one, and it has the dependencies, volumes and variables of all.
  Where they differ in a single value, an override file is right, then the main file, then the others by name; so
  variants that are meant to be alternatives add to each other. A file of any other name is a project of its own.
- The project's name is `name`, else the path of the folder below the synced one, else `default`. Refs are
  `component:compose-PROJECT/SERVICE`, identifiers `compose:PROJECT/SERVICE`, `service.name:` of OTEL_SERVICE_NAME or
  OTEL_RESOURCE_ATTRIBUTES, and `image:` of an image that no other service of the project runs and that is neither
  middleware nor a well-known publisher's: what everybody runs, such as Grafana, is a thing of each project.
- Variables are filled in from the `.env` beside the files and from their defaults. An image with a variable that nobody
  sets is left out. Values of variables are looked at for addresses, never kept; neither are labels. Files that
  `env_file` names are not read.
- `extends` is followed within the project and to other Compose files of the source.
- A service that only another file states, which is not there, stays an unresolved ref, with a warning.

https://github.com/compose-spec/compose-spec/blob/main/spec.md
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graph_api.catalog.entity import Criticality, LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.addresses import INFERRED_CONFIDENCE, hosts_in, service_name_of
from graph_api.sources.compose_parts import FILE, NAME, Project, Service, filled, projects_of, variables_of
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Place, dig, mapping
from graph_api.sources.findings import Findings
from graph_api.sources.image_classes import class_of_image, is_own_software
from graph_api.sources.images import is_named, state_image
from graph_api.sources.kubernetes_objects import text_of
from graph_api.sources.naming import image_name, repository_ref, scoped

ENV = ".env"

_ADDRESS = re.compile(r"(?:https?|ssh|git)://|git@|github\.com/")


def claims(document: Document) -> bool:
    if document.value is None:
        return document.name == ENV
    if document.name.endswith(".json") or not isinstance(document.value, dict):
        return False
    if FILE.fullmatch(document.name):
        return True
    rows = list(mapping(document.value.get("services")).values())
    running = [row for row in rows if isinstance(row, dict) and ("image" in row or "build" in row)]
    return bool(rows) and len(running) == len(rows) and "apiVersion" not in document.value


def read(documents: Sequence[Document], findings: Findings) -> None:
    files = {row.path: row for row in documents if row.value is not None}
    variables = {row.folder: variables_of(row.text) for row in documents if row.value is None}
    described = [row for row in files.values() if _is_read(row, findings)]
    for document in described:
        _check_shapes(document, findings)
    for group in projects_of(described, files):
        project = Project(group, variables.get(group[0].folder, {}), files)
        for service in project.services.values():
            _state(service, project, findings)


def _is_read(document: Document, findings: Findings) -> bool:
    """Version 1 of the format has services in the place of `services`."""
    value = mapping(document.value)
    if "services" in value or "include" in value or not any("image" in mapping(row) for row in value.values()):
        return True
    findings.refuse(document, "Compose file format 1; put the services below `services:`")
    return False


def _check_shapes(document: Document, findings: Findings) -> None:
    """What has another shape than the format says is left out."""
    for name, part in mapping(document.get("services")).items():
        at = ("services", name)
        if part is not None and not isinstance(part, dict):
            findings.problem(f"the service {str(name)[:80]!r} is no mapping; it is left out", document.at(*at))
        if isinstance(dig(part, "image"), dict | list):
            findings.problem("`image` is no text; it is left out", document.at(*at, "image"))
        if not isinstance(dig(part, "depends_on"), dict | list | None):
            message = "`depends_on` is neither a list nor a mapping; it is left out"
            findings.problem(message, document.at(*at, "depends_on"))


@dataclass(frozen=True, slots=True)
class _Need:
    name: str
    at: Place
    criticality: Criticality | None = None


def _state(service: Service, project: Project, findings: Findings) -> None:
    image, context = service.text("image") or "", _build_context(service)
    mode = text_of(dig(service.first("deploy"), "mode")) or ""
    ref = findings.entity(
        project.ref(service.name),
        service.at,
        name=service.name,
        type=class_of_image(image) or ("job" if mode.endswith("-job") else "service"),
        spec=_spec(service, context),
        identifiers=_identifiers(service, image, project),
    )
    if image:
        state_image(ref, image, service.at, findings)
    if _ADDRESS.match(context) and (repository := repository_ref(context)):
        findings.entity(repository, service.at, identifiers=[context])
        findings.link(ref, "BUILT_FROM", repository, service.at)
    _state_needs(ref, service, project, findings)
    _state_storage(ref, service, project, findings)


def _build_context(service: Service) -> str:
    """A folder, or a URL without branch and folder."""
    build = service.first("build")
    context = text_of(build) or text_of(dig(build, "context")) or ""
    return filled(context, service.variables).partition("#")[0]


def _identifiers(service: Service, image: str, project: Project) -> Iterator[str]:
    yield scoped(NAME, f"{project.name}/{service.name}")
    values = {name: value for _, name, value in service.environment()}
    telemetry = values.get("OTEL_SERVICE_NAME") or service_name_of(values.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    if telemetry and is_named(telemetry):
        yield scoped("service.name", telemetry)
    if image and is_named(image) and is_own_software(image) and project.images[image_name(image)] == 1:
        yield scoped("image", image_name(image))


def _spec(service: Service, context: str) -> dict[str, Any]:
    told = {
        "build": None if _ADDRESS.match(context) or "$" in context else context,
        "networks": sorted({name for _, name, _ in service.rows("networks")}),
        "profiles": sorted({name for _, name, _ in service.rows("profiles")}),
    }
    return {key: value for key, value in told.items() if value}


def _state_needs(ref: Ref, service: Service, project: Project, findings: Findings) -> None:
    declared = set()
    for need in _declared(service):
        if need.name not in project.services:
            message = f"the service {need.name[:80]!r} is in none of the files here; is one of them missing?"
            findings.problem(message, need.at, ref=ref)
        target = project.ref(need.name)
        declared.add(target)
        findings.link(ref, "DEPENDS_ON", target, need.at, criticality=need.criticality)
    _state_addresses(ref, service, project, declared, findings)


def _state_addresses(
    ref: Ref, service: Service, project: Project, declared: Collection[Ref], findings: Findings
) -> None:
    for at, variable, value in service.environment():
        for host in hosts_in(variable, value):
            named = project.hosts.get(host)
            if named and (target := project.ref(named.name)) not in (ref, *declared):
                findings.link(
                    ref,
                    "DEPENDS_ON",
                    target,
                    at,
                    confidence=INFERRED_CONFIDENCE,
                    origin=LinkOrigin.INFERRED,
                    properties={"variable": variable},
                )


def _declared(service: Service) -> Iterator[_Need]:
    for at, name, row in service.rows("depends_on"):
        yield _Need(name, at, Criticality.SOFT if dig(row, "required") is False else None)
    for key in ("links", "volumes_from"):
        for at, text, _ in service.rows(key):
            if not text.startswith("container:"):
                yield _Need(text.partition(":")[0], at)
    for key in ("network_mode", "ipc", "pid"):
        kind, _, name = (service.text(key) or "").partition(":")
        if kind == "service" and name:
            yield _Need(name, service.at)


def _state_storage(ref: Ref, service: Service, project: Project, findings: Findings) -> None:
    for key, kind, type_ in (("volumes", "volume", "storage"), ("secrets", "secret", "secret")):
        for at, text, _ in service.rows(key):
            name = text.partition(":")[0]
            if kind == "secret" or name in project.volumes:
                target = findings.entity(project.own_ref(kind, name), at, name=name, type=type_)
                findings.link(ref, "DEPENDS_ON", target, at)


CONNECTOR = Connector(
    name=NAME,
    description="Services of Compose projects, their images, volumes and dependencies",
    input="compose.yaml, docker-compose.yml and their variants (Compose Specification, versions 2 and 3), with .env",
    claims=claims,
    read=read,
    files=(ENV,),
)
