"""Workloads of Kubernetes: what runs, by what names it is known, and what it needs."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.sources.addresses import service_name_of
from graph_api.sources.documents import Place, dig, mapping, mappings
from graph_api.sources.fields import text_of as written
from graph_api.sources.findings import Findings
from graph_api.sources.image_classes import class_of_image, is_own_software
from graph_api.sources.images import state_image
from graph_api.sources.kubernetes_objects import (
    Manifest,
    application_ref,
    environment_ref,
    flux_ref,
    scoped_ref,
    text_of,
)
from graph_api.sources.kustomize import Overlays
from graph_api.sources.naming import image_name, scoped
from graph_api.sources.parsing import Keys

NAME = "kubernetes"

_GROUPS = frozenset({"", "apps", "batch", "extensions", "argoproj.io", "apps.openshift.io"})
_TEMPLATE = ("spec", "template")
_WORKLOADS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "Deployment": ("service", _TEMPLATE),
    "StatefulSet": ("service", _TEMPLATE),
    "DaemonSet": ("service", _TEMPLATE),
    "ReplicaSet": ("service", _TEMPLATE),
    "ReplicationController": ("service", _TEMPLATE),
    "DeploymentConfig": ("service", _TEMPLATE),
    "Rollout": ("service", _TEMPLATE),
    "Pod": ("service", ()),
    "Job": ("job", _TEMPLATE),
    "CronJob": ("job", ("spec", "jobTemplate", "spec", "template")),
}
_TOOLS = (
    ("kustomize.toolkit.fluxcd.io", "Kustomization"),
    ("helm.toolkit.fluxcd.io", "HelmRelease"),
)

Container = tuple[Keys, dict[str, Any]]
"""Where a container stands, and what is said of it."""

Value = tuple[Keys, str, str]
"""Where an environment variable stands, its name and its value."""


@dataclass(slots=True, eq=False)
class Workload:
    manifest: Manifest
    type: str
    template: Keys
    namespace: str
    ref: Ref = field(init=False)
    labels: dict[str, Any] = field(init=False)
    """Of its pods."""
    services: dict[str, bool] = field(default_factory=dict)
    """Names of the Services in its namespace that lead to it, and whether to it alone."""
    names: list[str] = field(default_factory=list)
    """Its own name and those of Services, by which it is known in its namespace."""
    not_its_own: Collection[str] = ()
    """Identifiers that name more than this workload."""

    def __post_init__(self) -> None:
        kind = "resource" if self.image_class else "component"
        self.ref = scoped_ref(kind, NAME, self.namespace, self.manifest.name)
        self.labels = mapping(self.manifest.get(*self.template, "metadata", "labels"))

    @property
    def image_class(self) -> str | None:
        """Of its first container. A job that runs a database's image is a client of one."""
        if self.type == "job":
            return None
        first = text_of(self.manifest.get(*self.template, "spec", "containers", 0, "image"))
        return class_of_image(first) if first else None

    @property
    def id(self) -> str | None:
        """Of the component in Backstage that it is, or is a part of."""
        id_ = self._marked("backstage.io/kubernetes-id")
        return id_.lower() if id_ else None

    @property
    def service_name(self) -> str | None:
        """Of its telemetry, where it is stated; well-known labels are one only for one's own software."""
        values = {variable: value for _, variable, value in _values(self._main())}
        stated = values.get("OTEL_SERVICE_NAME") or service_name_of(values.get("OTEL_RESOURCE_ATTRIBUTES", ""))
        stated = stated or self._marked("resource.opentelemetry.io/service.name")
        own = self.type == "service" and not self.image_class
        return stated or (self._marked("app.kubernetes.io/name") if own else None)

    @property
    def system(self) -> str | None:
        return self._marked("app.kubernetes.io/part-of")

    def _marked(self, key: str) -> str | None:
        """An annotation or label of the workload or of its pods."""
        manifest, pods = self.manifest, self.manifest.get(*self.template, "metadata")
        places = (manifest.annotations, manifest.labels, dig(pods, "annotations"), dig(pods, "labels"))
        return next((text for place in places if (text := text_of(dig(place, key)))), None)

    def containers(self, *lists: str) -> Iterator[Container]:
        for key in lists or ("containers", "initContainers"):
            path = (*self.template, "spec", key)
            yield from (((*path, index), row) for index, row in mappings(self.manifest.get(*path)))

    def _main(self) -> Iterator[Container]:
        """Its first container, by which it is known: others, such as sidecars, come with many workloads."""
        return islice(self.containers("containers"), 1)

    def values(self) -> Iterator[Value]:
        """Environment variables that have a value of their own."""
        return _values(self.containers())

    def images(self, overlays: Overlays) -> Iterator[tuple[str, Place]]:
        """Images that kustomizations have replaced, of containers and init containers."""
        return self._images(self.containers(), overlays)

    def own_images(self, overlays: Overlays) -> set[str]:
        """Names of images that may say which software it is."""
        images = {image for image, _ in self._images(self._main(), overlays)}
        return {image_name(image) for image in images if is_own_software(image)}

    def _images(self, containers: Iterable[Container], overlays: Overlays) -> Iterator[tuple[str, Place]]:
        for keys, container in containers:
            if image := text_of(container.get("image")):
                yield from overlays.images(self.manifest, image, self.manifest.at(*keys, "image"))


def _values(containers: Iterable[Container]) -> Iterator[Value]:
    for keys, container in containers:
        for index, row in mappings(container.get("env")):
            variable, value = text_of(row.get("name")), text_of(row.get("value"))
            if variable and value:
                yield (*keys, "env", index), variable, value


def workload_of(manifest: Manifest, overlays: Overlays) -> Workload | None:
    """None of what is no workload, and of what another object made."""
    known = _WORKLOADS.get(manifest.kind) if manifest.group in _GROUPS else None
    if manifest.group == "serving.knative.dev" and manifest.kind == "Service":
        known = ("service", _TEMPLATE)
    if known is None or manifest.has_controller or not manifest.name:
        return None
    return Workload(manifest, known[0], known[1], overlays.namespace(manifest))


class Workloads:
    """All workloads of a source, and how they are found. Two of one kind and name are the same one."""

    def __init__(self, manifests: Iterable[Manifest], overlays: Overlays) -> None:
        self.overlays = overlays
        self.all = [found for manifest in manifests if (found := workload_of(manifest, overlays))]
        self._tell_apart()
        self._by_label: dict[tuple[str, str, str | None], list[Workload]] = defaultdict(list)
        for workload in self.all:
            for key, value in workload.labels.items():
                if (text := written(value)) is not None:
                    self._by_label[workload.namespace, key, text].append(workload)
        self._users = Counter(
            image for image, _ in {(image, row.ref) for row in self.all for image in row.own_images(overlays)}
        )

    def _tell_apart(self) -> None:
        """A CronJob with the name of a Deployment is another thing."""
        kinds: dict[Ref, str] = {}
        for row in self.all:
            if kinds.setdefault(row.ref, row.manifest.kind) != row.manifest.kind:
                name = f"{row.manifest.name}-{row.manifest.kind}"
                row.ref = scoped_ref(row.ref.partition(":")[0], NAME, row.namespace, name)

    def name_all(self) -> None:
        """Say who is known by which name, once the Services are known: a name has one bearer."""
        bearers: dict[tuple[str, str], Ref] = {}
        for row in self.all:
            for name in (name for name, alone in row.services.items() if alone):
                bearers.setdefault((row.namespace, name), row.ref)
        for row in sorted(self.all, key=lambda row: row.type == "job"):
            bearers.setdefault((row.namespace, row.manifest.name), row.ref)
        for row in self.all:
            names = dict.fromkeys((row.manifest.name, *row.services))
            row.names = [name for name in names if bearers.get((row.namespace, name)) == row.ref]

    def selected(self, namespace: str, selector: Mapping[str, Any]) -> list[Workload]:
        """Those whose pods have all these labels; none for an empty selector."""
        wanted = {key: written(value) for key, value in selector.items()}
        candidates = [self._by_label.get((namespace, key, text), []) for key, text in wanted.items()]
        fewest = min(candidates, key=len, default=[])
        return [row for row in fewest if all(written(row.labels.get(key)) == text for key, text in wanted.items())]

    def state(self, workload: Workload, findings: Findings) -> None:
        manifest, at = workload.manifest, workload.manifest.at("metadata", "name")
        findings.entity(
            workload.ref,
            at,
            name=manifest.name,
            type=workload.image_class or workload.type,
            labels=manifest.labels,
            spec=_spec(workload),
            identifiers=self._identifiers(workload),
        )
        for image, place in workload.images(self.overlays):
            state_image(workload.ref, image, place, findings)
        for namespace, place in self.overlays.namespaces(manifest).items():
            environment = findings.mention(environment_ref(namespace), place, name=namespace, type="namespace")
            findings.link(workload.ref, "DEPLOYED_TO", environment, place)
        _state_whole(workload, findings)

    def _identifiers(self, workload: Workload) -> Iterator[str]:
        manifest = workload.manifest
        for name in workload.names:
            yield from (scoped(NAME, full) for full in self.overlays.names(manifest, name))
        for scheme, called in (("kubernetes-id", workload.id), ("service.name", workload.service_name)):
            if called and (identifier := scoped(scheme, called)) not in workload.not_its_own:
                yield identifier
        for image in workload.own_images(self.overlays):
            if self._users[image] == 1:
                yield scoped("image", image)


def _spec(workload: Workload) -> dict[str, Any]:
    replicas = workload.manifest.get("spec", "replicas")
    containers = [text_of(row.get("name")) for _, row in workload.containers("containers")]
    spec = {
        "workload": workload.manifest.kind,
        "containers": [name for name in containers if name],
        "services": list(workload.services),
        "replicas": replicas if isinstance(replicas, int) else None,
        "schedule": workload.manifest.text("spec", "schedule"),
    }
    return {key: value for key, value in spec.items() if value not in (None, [])}


def _state_whole(workload: Workload, findings: Findings) -> None:
    """What it is a part of: a system by its label, and what deployed it."""
    at = workload.manifest.at("metadata")
    if system := workload.system:
        whole = scoped_ref("system", NAME, workload.namespace, system)
        findings.link(workload.ref, "PART_OF", findings.entity(whole, at, name=system), at)
    if tracked := text_of(workload.manifest.annotations.get("argocd.argoproj.io/tracking-id")):
        namespace, _, name = tracked.partition(":")[0].rpartition("_")
        findings.link(workload.ref, "PART_OF", application_ref(namespace or None, name), at)
    for label, kind in _TOOLS:
        if unit := text_of(workload.manifest.labels.get(f"{label}/name")):
            where = text_of(workload.manifest.labels.get(f"{label}/namespace")) or workload.namespace
            findings.link(workload.ref, "PART_OF", flux_ref(kind, where, unit), at)
