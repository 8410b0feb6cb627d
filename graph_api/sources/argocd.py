"""Argo CD (argoproj.io/v1alpha1): Application, ApplicationSet, AppProject, as manifests or answers of its API.

| object                                        | becomes                                                              |
|-----------------------------------------------|----------------------------------------------------------------------|
| Application                                   | Component of type deployment, identifier `argocd:NAME`               |
| its sources, or the dry one it is rendered of | BUILT_FROM the repository; CONTAINS a chart as package `pkg:helm/...`|
| its destination                               | DEPLOYED_TO an Environment: namespace and cluster                    |
| its project, if not `default`; its set        | PART_OF a System                                                     |
| images in its status                          | RUNS_IMAGE, observed                                                 |
| Applications among its resources              | PART_OF it                                                           |
| AppProject, ApplicationSet                    | System of type appproject or applicationset                          |

- What is deployed to Argo CD's own cluster is in the environment that the connector kubernetes knows by the namespace;
  other clusters have environments of their own, by their name or host.
- An Application outside Argo CD's namespace has its namespace in its ref, as two may have one name. Applications of one
  name in several Argo CDs that are synced are one, as are the namespaces of their own clusters: the tracking-id of a
  workload names the application, not the Argo CD.
- Applications of an ApplicationSet are stated for list generators, and matrices of them, with every `{{name}}` or
  `{{.name}}` filled in. What git, cluster and other generators make is known to Argo CD alone: ask its API.
- Status of sync and health are in the spec, and the labels `argocd/sync` and `argocd/health`. Parameters and values of
  charts are not kept: they may hold secrets.

Shapes of answers checked against Argo CD's assets/swagger.json of 2026-08-22.

https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Severity
from graph_api.sources.answers import options_in, rows_in
from graph_api.sources.api import Api
from graph_api.sources.argocd_parts import (
    NAME,
    Application,
    sources_of,
    state_application,
    state_source,
    state_status,
    system_ref,
)
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, Place, dig, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.kubernetes_objects import (
    Manifest,
    application_ref,
    group_of,
    objects_of,
    refuse_template,
    text_of,
)
from graph_api.sources.parsing import Keys

VERSION = "v1alpha1"
MAX_GENERATED = 10_000
"""Applications of one ApplicationSet that are stated."""

_KINDS = {"Application": "destination", "ApplicationSet": "generators", "AppProject": "sourceRepos"}
"""Kinds, and a field of the spec by which an API answer, which names no kind, is told."""

_PATHS = {"Application": "applications", "ApplicationSet": "applicationsets", "AppProject": "projects"}
_PARAMETER = re.compile(r"\{\{-?\s*\.?([\w.-]+?)\s*-?\}\}")

Parameters = Mapping[str, Any]


def claims(document: Document) -> bool:
    value = document.value
    if group_of(value) == "argoproj.io":
        kind = str(dig(value, "items", 0, "kind") if dig(value, "kind") == "List" else dig(value, "kind"))
        return kind.removesuffix("List") in _KINDS
    return _answered_kind(document) is not None


def _answered_kind(document: Document) -> str | None:
    if not isinstance(document.value, dict) or "kind" in document.value:
        return None
    spec = mapping(document.get("items", 0, "spec"))
    return next((kind for kind, key in _KINDS.items() if key in spec), None)


def read(documents: Sequence[Document], findings: Findings) -> None:
    for document in documents:
        for manifest in _objects(document):
            if manifest.version not in (VERSION, ""):
                findings.refuse(document, f"argoproj.io/{manifest.version}; argoproj.io/{VERSION} is read")
            elif manifest.is_template:
                refuse_template(manifest, findings)
            elif not manifest.name:
                findings.problem(f"an {manifest.kind} without metadata.name", manifest.at("metadata"))
            elif manifest.kind == "Application":
                _read_application(manifest, findings)
            elif manifest.kind == "ApplicationSet":
                _read_set(manifest, findings)
            elif manifest.kind == "AppProject":
                _read_project(manifest, findings)


def _objects(document: Document) -> Iterator[Manifest]:
    kind = _answered_kind(document)
    if kind is None:
        yield from objects_of([document])
    for index, item in mappings(document.get("items")) if kind else ():
        yield Manifest(document, ("items", index), item, kind or "", "argoproj.io", VERSION)


def _read_application(manifest: Manifest, findings: Findings) -> None:
    ref = application_ref(manifest.namespace, manifest.name)
    application = Application(ref, manifest.name, mapping(manifest.get("spec")), manifest.at("metadata", "name"))
    state_application(application, findings, labels=manifest.labels, status=mapping(manifest.get("status")))
    state_status(manifest, ref, findings)
    for _, owner in mappings(manifest.get("metadata", "ownerReferences")):
        if owner.get("kind") == "ApplicationSet" and (name := text_of(owner.get("name"))):
            findings.link(ref, "PART_OF", system_ref("applicationset", name), manifest.at("metadata"))
    if tracked := text_of(manifest.annotations.get("argocd.argoproj.io/tracking-id")):
        namespace, _, name = tracked.partition(":")[0].rpartition("_")
        findings.link(ref, "PART_OF", application_ref(namespace or None, name), manifest.at("metadata"))


def _read_project(manifest: Manifest, findings: Findings) -> None:
    findings.entity(
        system_ref("appproject", manifest.name),
        manifest.at("metadata", "name"),
        name=manifest.name,
        type="appproject",
        description=manifest.text("spec", "description"),
        labels=manifest.labels,
    )


def _read_set(manifest: Manifest, findings: Findings) -> None:
    at, template = manifest.at("metadata", "name"), mapping(manifest.get("spec", "template"))
    generators = mappings(manifest.get("spec", "generators"))
    kinds = sorted({str(key) for _, generator in generators for key in generator if key != "selector"})
    whole = findings.entity(
        system_ref("applicationset", manifest.name),
        at,
        name=manifest.name,
        type="applicationset",
        labels=manifest.labels,
        spec={"generators": kinds},
    )
    for source in sources_of(mapping(template.get("spec"))):
        state_source(whole, source, at, findings)
    for index, generator in generators:
        keys: Keys = ("spec", "generators", index)
        made = _generated(generator)
        if made is None:
            message = "what this generator makes is known to Argo CD alone; ask its API for the applications"
            findings.problem(message, manifest.at(*keys), severity=Severity.INFO, ref=whole)
        for place, parameters in enumerate(islice(made or (), MAX_GENERATED)):
            element = manifest.at(*keys, "list", "elements", place)
            _state_generated(_filled(template, parameters), manifest, whole, element, findings)


def _generated(generator: Mapping[str, Any]) -> Iterator[Parameters] | None:
    """The parameters of each application that a static generator makes; None if it is not static."""
    if isinstance(dig(generator, "list", "elements"), list):
        return (element for _, element in mappings(dig(generator, "list", "elements")))
    inner = [_generated(row) for _, row in mappings(dig(generator, "matrix", "generators"))]
    if len(inner) != 2 or inner[0] is None or inner[1] is None:
        return None
    first, second = (list(islice(rows, MAX_GENERATED)) for rows in inner if rows is not None)
    return ({**one, **other} for one, other in product(first, second))


def _state_generated(template: Any, manifest: Manifest, whole: Ref, at: Place, findings: Findings) -> None:
    name = text_of(dig(template, "metadata", "name"))
    if not name or "{{" in name:
        findings.problem("the name of an application is made by more than parameters; it is left out", at, ref=whole)
        return
    namespace = text_of(dig(template, "metadata", "namespace")) or manifest.namespace
    application = Application(application_ref(namespace, name), name, mapping(dig(template, "spec")), at)
    state_application(application, findings, labels=mapping(dig(template, "metadata", "labels")))
    findings.link(application.ref, "PART_OF", whole, at)


def _filled(template: Any, parameters: Parameters) -> Any:
    """A template with its parameters; documents are at most 50 deep, so this may be recursive."""
    if isinstance(template, dict):
        return {key: _filled(value, parameters) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, parameters) for value in template]
    if not isinstance(template, str) or "{{" not in template:
        return template
    return _PARAMETER.sub(lambda match: _parameter(match, parameters), template)


def _parameter(match: re.Match[str], parameters: Parameters) -> str:
    value = text_of(parameters.get(match[1])) or text_of(dig(parameters, *match[1].split(".")))
    return match[0] if value is None else value


async def _fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    projects = options_in(options, "projects")
    for kind, path in _PATHS.items():
        asked = {"projects": projects} if projects and kind != "AppProject" else None
        answer = await api.get(f"/api/v1/{path}", asked)
        for _, item in mappings(rows_in(answer, "items", api.url(f"/api/v1/{path}"))):
            value = {**item, "apiVersion": f"argoproj.io/{VERSION}", "kind": kind}
            yield Document(api.url(f"/api/v1/{path}/{dig(item, 'metadata', 'name')}"), value)


CONNECTOR = Connector(
    name=NAME,
    description="Applications that Argo CD deploys, their repositories, charts and environments",
    input="Application, ApplicationSet and AppProject of argoproj.io/v1alpha1; or Argo CD's API",
    claims=claims,
    read=read,
    online=Online(
        base_url=None,
        token_variable="ARGOCD_TOKEN",
        fetch=_fetch,
        options={"projects": "Projects whose applications are read, separated by commas; all if not set"},
    ),
)
