"""Flux: what its Kustomizations and HelmReleases deploy, and from where.

| object                                                | becomes                                                     |
|-------------------------------------------------------|-------------------------------------------------------------|
| Kustomization of kustomize.toolkit.fluxcd.io (v1 and  | Component of type deployment, identifier                    |
| its betas), HelmRelease (v2 and its betas)            | `flux:NAMESPACE/KIND/NAME`                                  |
| their dependsOn                                       | DEPENDS_ON                                                  |
| their source, if it is a GitRepository                | BUILT_FROM its Repository                                   |
| any other source of theirs                            | SOFT DEPENDS_ON a Resource of type source                   |
| the chart of a HelmRelease                            | CONTAINS the package `pkg:helm/...`                         |
| targetNamespace, of a HelmRelease also its own        | DEPLOYED_TO the Environment that the connector kubernetes   |
|                                                       | knows by this namespace                                     |
| GitRepository                                         | Repository                                                  |
| HelmRepository, OCIRepository, HelmChart, Bucket      | Resource of type source                                     |
| ArtifactGenerator (source.extensions.fluxcd.io)       | a source of each artifact's name, which needs its sources   |

- A release that stands in a base and, in part, in the patches of overlays is one: what the base does not say is added.
- What a source that is gone would stop is the next deployment, not what runs: hence SOFT.
- With `kubeConfig` the target is another cluster, and its namespace none of this one's.
- Values and post-build substitutions are not kept: they may hold secrets.

A List of `kubectl get` belongs to the connector of its first object. The API is that of the cluster that Flux runs in.

https://fluxcd.io/flux/components/
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from graph_api.catalog.entity import Criticality
from graph_api.catalog.ref import Ref
from graph_api.sources.api import Api
from graph_api.sources.charts import state_chart
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.kubernetes_api import OPTIONS, TOKEN, fetch_objects
from graph_api.sources.kubernetes_objects import (
    DEFAULT,
    Manifest,
    environment_ref,
    flux_ref,
    group_of,
    objects_of,
    refuse_template,
    scoped_ref,
    text_of,
)
from graph_api.sources.naming import repository_ref, scoped
from graph_api.sources.parsing import Keys

NAME = "flux"

_VERSIONS = {
    "kustomize.toolkit.fluxcd.io": ("v1", "v1beta2", "v1beta1"),
    "helm.toolkit.fluxcd.io": ("v2", "v2beta2", "v2beta1"),
    "source.toolkit.fluxcd.io": ("v1", "v1beta2", "v1beta1"),
    "source.extensions.fluxcd.io": ("v1beta1",),
}
_SOURCES = ("HelmRepository", "OCIRepository", "HelmChart", "Bucket", "ExternalArtifact")
_DEPLOYING = ("Kustomization", "HelmRelease")
_RESOURCES = (
    ("source.toolkit.fluxcd.io", "gitrepositories", "GitRepository"),
    ("source.toolkit.fluxcd.io", "helmrepositories", "HelmRepository"),
    ("source.toolkit.fluxcd.io", "ocirepositories", "OCIRepository"),
    ("source.extensions.fluxcd.io", "artifactgenerators", "ArtifactGenerator"),
    ("kustomize.toolkit.fluxcd.io", "kustomizations", "Kustomization"),
    ("helm.toolkit.fluxcd.io", "helmreleases", "HelmRelease"),
)

Named = tuple[str, str, str]
"""Kind, namespace and name."""


def claims(document: Document) -> bool:
    return (group_of(document.value) or "").endswith(".fluxcd.io")


def read(documents: Sequence[Document], findings: Findings) -> None:
    manifests = list(_manifests(documents, findings))
    known = {(row.kind, row.namespace or DEFAULT, row.name): row for row in manifests}
    for manifest in manifests:
        if manifest.kind == "GitRepository":
            _read_repository(manifest, findings)
        elif manifest.kind in _SOURCES:
            _state_source(manifest, findings)
        elif manifest.kind == "ArtifactGenerator":
            _read_generator(manifest, known, findings)
        elif manifest.kind in _DEPLOYING:
            _read_deployment(manifest, known, findings)


def _manifests(documents: Sequence[Document], findings: Findings) -> Iterator[Manifest]:
    for document in documents:
        for manifest in objects_of([document]):
            if manifest.version not in _VERSIONS.get(manifest.group, (manifest.version,)):
                findings.refuse(document, f"{manifest.group}/{manifest.version} is not read by this version")
            elif manifest.is_template:
                refuse_template(manifest, findings)
            elif manifest.name:
                yield manifest
            else:
                findings.problem(f"a {manifest.kind} without metadata.name", manifest.at("metadata"))


def _read_repository(manifest: Manifest, findings: Findings) -> None:
    url = manifest.text("spec", "url") or ""
    if ref := repository_ref(url):
        findings.mention(ref, manifest.at("spec", "url"), identifiers=[url])
    elif url:
        findings.problem("spec.url is no URL of a repository", manifest.at("spec", "url"))


def _source_ref(kind: str, namespace: str, name: str) -> Ref:
    return scoped_ref("resource", NAME, namespace, f"{kind}-{name}")


def _state_source(manifest: Manifest, findings: Findings) -> None:
    findings.entity(
        _source_ref(manifest.kind, manifest.namespace or DEFAULT, manifest.name),
        manifest.at("metadata", "name"),
        name=manifest.name,
        type="source",
        labels=manifest.labels,
        spec={"object": manifest.kind},
    )


def _read_generator(manifest: Manifest, known: Mapping[Named, Manifest], findings: Findings) -> None:
    """Each artifact is a source of its own name, in the generator's namespace."""
    namespace = manifest.namespace or DEFAULT
    for index, artifact in mappings(manifest.get("spec", "artifacts")):
        keys: Keys = ("spec", "artifacts", index)
        if name := text_of(artifact.get("name")):
            ref = _source_ref("ExternalArtifact", namespace, name)
            findings.mention(ref, manifest.at(*keys), name=name, type="source", spec={"object": "ExternalArtifact"})
            for place, source in mappings(manifest.get("spec", "sources")):
                _state_origin(ref, manifest, ("spec", "sources", place), source, known, findings)


def _read_deployment(manifest: Manifest, known: Mapping[Named, Manifest], findings: Findings) -> None:
    namespace, at = manifest.namespace or DEFAULT, manifest.at("metadata", "name")
    ref = findings.entity(
        flux_ref(manifest.kind, namespace, manifest.name),
        at,
        name=manifest.name,
        type="deployment",
        labels=manifest.labels,
        spec=_spec(manifest),
        identifiers=[scoped(NAME, f"{namespace}/{manifest.kind}/{manifest.name}")],
    )
    for index, needed in mappings(manifest.get("spec", "dependsOn")):
        if name := text_of(needed.get("name")):
            target = flux_ref(manifest.kind, text_of(needed.get("namespace")) or namespace, name)
            findings.link(ref, "DEPENDS_ON", target, manifest.at("spec", "dependsOn", index))
    for keys in (("spec", "sourceRef"), ("spec", "chartRef"), ("spec", "chart", "spec", "sourceRef")):
        _state_origin(ref, manifest, keys, mapping(manifest.get(*keys)), known, findings)
    if manifest.kind == "HelmRelease":
        _state_chart(ref, manifest, known, findings)
    if installed := _target_namespace(manifest):
        place = findings.mention(environment_ref(installed), at, name=installed, type="namespace")
        findings.link(ref, "DEPLOYED_TO", place, at)


def _spec(manifest: Manifest) -> dict[str, Any]:
    told = {"object": manifest.kind, "path": manifest.text("spec", "path"), "suspend": manifest.get("spec", "suspend")}
    return {key: value for key, value in told.items() if isinstance(value, str) or value is True}


def _target_namespace(manifest: Manifest) -> str | None:
    """None where nothing tells it, and in other clusters."""
    if manifest.get("spec", "kubeConfig") is not None:
        return None
    own = manifest.namespace if manifest.kind == "HelmRelease" else None
    return manifest.text("spec", "targetNamespace") or own


def _state_origin(
    user: Ref,
    manifest: Manifest,
    keys: Keys,
    source: Mapping[str, object],
    known: Mapping[Named, Manifest],
    findings: Findings,
) -> None:
    kind, name = text_of(source.get("kind")), text_of(source.get("name"))
    if not kind or not name:
        return
    namespace, at = text_of(source.get("namespace")) or manifest.namespace or DEFAULT, manifest.at(*keys)
    if kind != "GitRepository":
        findings.link(user, "DEPENDS_ON", _source_ref(kind, namespace, name), at, criticality=Criticality.SOFT)
        return
    origin = known.get((kind, namespace, name))
    if origin and (repository := repository_ref(origin.text("spec", "url") or "")):
        findings.link(user, "BUILT_FROM", repository, at)


def _state_chart(user: Ref, manifest: Manifest, known: Mapping[Named, Manifest], findings: Findings) -> None:
    """The chart of a chart repository, or the one that an OCIRepository is; a chart in git is no package."""
    keys: Keys = ("spec", "chart", "spec")
    name, version = manifest.text(*keys, "chart"), manifest.text(*keys, "version")
    if manifest.text(*keys, "sourceRef", "kind") in ("GitRepository", "Bucket"):
        return
    if manifest.text("spec", "chartRef", "kind") == "OCIRepository":
        keys = ("spec", "chartRef")
        namespace = manifest.text(*keys, "namespace") or manifest.namespace or DEFAULT
        origin = known.get(("OCIRepository", namespace, manifest.text(*keys, "name") or ""))
        name = ((origin and origin.text("spec", "url")) or "").rstrip("/").rpartition("/")[2]
        tags = mapping(origin.get("spec", "ref")) if origin else {}
        version = text_of(tags.get("tag")) or text_of(tags.get("semver"))
    if name:
        state_chart(user, name, version, manifest.at(*keys), findings)


def _fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    return fetch_objects(api, options, _RESOURCES)


CONNECTOR = Connector(
    name=NAME,
    description="What Flux deploys: Kustomizations, HelmReleases, their order and their sources",
    input="Objects of kustomize, helm and source.toolkit.fluxcd.io; or the API of the cluster",
    claims=claims,
    read=read,
    online=Online(base_url=None, token_variable=TOKEN, fetch=_fetch, options=OPTIONS),
)
