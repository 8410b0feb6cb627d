"""Kubernetes: manifests, rendered charts, `kubectl get -o json`, Kustomize, and the API of a cluster.

Every object of any version is read; these say something:

| object                                                     | becomes                                               |
|------------------------------------------------------------|-------------------------------------------------------|
| Deployment, StatefulSet, DaemonSet, ReplicaSet, Pod,       | Component of type service; a Resource of type         |
| ReplicationController, Rollout, DeploymentConfig, Knative  | database, cache, queue, storage or transit if its     |
| Service                                                    | first container is well known (image_classes.py)      |
| Job, CronJob                                               | Component of type job                                 |
| image of a container                                       | Resource of type container-image, by RUNS_IMAGE       |
| Service that selects workloads                             | a name of them                                        |
| any other Service                                          | Resource of type transit                              |
| Ingress, Gateway, HTTPRoute and the like, VirtualService,  | Resource of type transit that depends on what it      |
| OpenShift's Route                                          | leads to                                              |
| PersistentVolumeClaim, volumeClaimTemplates                | Resource of type storage that the workload depends on |
| Secret that a workload uses, by name only                  | Resource of type secret that the workload depends on  |
| Namespace, and the namespace that an object names          | Environment, by DEPLOYED_TO                           |
| label app.kubernetes.io/part-of                            | System, by PART_OF                                    |
| backstage.io/kubernetes-id on several workloads            | Component that they are PART_OF, and that depends on  |
|                                                            | each of them, SOFT                                    |
| Argo CD's tracking-id, Flux's labels                       | PART_OF what deployed it                              |

NetworkPolicy, ServiceAccount and everything else is read and says nothing here. What another object made (Pods and
ReplicaSets of a Deployment, Jobs of a CronJob) is not repeated.

- Refs are by namespace and name, `component:kubernetes-shop/checkout`; no namespace is `default`, which is no
  environment as it is not stated. The same workload in several files, or in several clusters that are synced, is one.
  A workload of another kind with the same name has its kind behind its name.
- Identifiers: `kubernetes:NAMESPACE/NAME` of the workload and of Services that lead to it alone (a Service's name is
  before a workload's, that before a job's); `kubernetes-id:` of backstage.io/kubernetes-id (where several bear
  one, the component that they are parts of has it, and the `service.name:` that they share); `service.name:` of
  OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES of the first container, the annotation
  resource.opentelemetry.io/service.name, and of one's own services app.kubernetes.io/name; `image:` of the first
  container, if no other workload's first one runs it and it is neither middleware nor a known publisher's; `host:`
  of a public host name that one route alone has. Further containers and init containers name no workload.
- An environment variable, also one out of a ConfigMap of the files, whose value names the host of a Service of the
  source, or of a pod behind a headless one (`kafka-0.kafka`), makes a DEPENDS_ON with origin INFERRED and confidence
  0.8. Values are looked at, never kept.
- Kustomizations are applied as kustomize.py says; a manifest counts once however many overlays use it.

Online: in pages by `limit` and `continue`, what the cluster serves of the above but ConfigMaps, Secrets and Namespaces,
which are not asked for. The token needs the verb `list`; where it lacks it, nothing is changed, and the option
`resources` says what to read instead: `resources: deployments, services`. What it leaves out is unknown to the source,
and so are links that need it, as those of an Ingress need its Services. The certificate authority of a cluster goes
into the environment variable SSL_CERT_FILE.

https://kubernetes.io/docs/reference/kubernetes-api/
https://opentelemetry.io/docs/specs/semconv/non-normative/k8s-attributes/
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, dig, listed, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.json_patch import is_json_patch
from graph_api.sources.kubernetes_api import OPTIONS, TOKEN, fetch_cluster
from graph_api.sources.kubernetes_needs import ConfigMaps, Services, answering, state_needs
from graph_api.sources.kubernetes_objects import (
    Manifest,
    environment_ref,
    group_of,
    objects_of,
    refuse_template,
    scoped_ref,
    text_of,
)
from graph_api.sources.kubernetes_shared import shared_by, state_shared
from graph_api.sources.kubernetes_workloads import NAME, Workloads
from graph_api.sources.kustomize import BARE, Overlays, is_kustomization, parsed
from graph_api.sources.naming import scoped
from graph_api.sources.parsing import Keys

_GROUPS = frozenset({"", "apps", "autoscaling", "batch", "extensions", "policy"})
"""Groups without a dot, that formats of other tools may look like."""

_ROUTES = frozenset(
    {"Ingress", "Gateway", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute", "VirtualService", "Route"}
)


def claims(document: Document) -> bool:
    group = group_of(document.value)
    is_object = group is not None and (group in _GROUPS or "." in group)
    return is_object or is_kustomization(document) or is_json_patch(document.value)


def read(documents: Sequence[Document], findings: Findings) -> None:
    documents = parsed(documents, findings)
    overlays = Overlays(documents)
    manifests = list(_manifests(documents, overlays, findings))
    overlays.report(findings)
    workloads = Workloads(manifests, overlays)
    for manifest in manifests:
        if not manifest.name and manifest.kind in ("Deployment", "StatefulSet", "DaemonSet", "CronJob"):
            findings.problem(f"a {manifest.kind} without metadata.name", manifest.at("metadata"))
    services = _services(manifests, workloads, findings)
    data: ConfigMaps = {
        (overlays.namespace(row), row.name): mapping(row.get("data")) for row in manifests if _is_core(row, "ConfigMap")
    }
    workloads.name_all()
    for shared in shared_by(workloads.all):
        for workload in shared.rows:
            workload.not_its_own = shared.identifiers
        state_shared(shared, findings)
    for workload in workloads.all:
        workloads.state(workload, findings)
        state_needs(workload, services, data, findings)
    _state_routes([row for row in manifests if row.kind in _ROUTES and row.name], overlays, services, findings)
    for manifest in manifests:
        _state_place(manifest, overlays, findings)


def _manifests(documents: Sequence[Document], overlays: Overlays, findings: Findings) -> Iterator[Manifest]:
    refused = set()
    for manifest in objects_of(row for row in documents if not is_kustomization(row)):
        if manifest.document.path in overlays.patches:
            continue
        if not manifest.is_template:
            yield from overlays.variants(manifest)
        elif id(manifest.document) not in refused:
            refused.add(id(manifest.document))
            refuse_template(manifest, findings)


def _is_core(manifest: Manifest, kind: str) -> bool:
    return manifest.kind == kind and manifest.group == "" and bool(manifest.name)


def _services(manifests: Sequence[Manifest], workloads: Workloads, findings: Findings) -> Services:
    """What answers to the name of each Service."""
    found: Services = {}
    for manifest in manifests:
        if not _is_core(manifest, "Service"):
            continue
        namespace, name = workloads.overlays.namespace(manifest), manifest.name
        selected = workloads.selected(namespace, mapping(manifest.get("spec", "selector")))
        alone = len({row.ref for row in selected}) == 1
        for workload in selected:
            workload.services[name] = alone
        refs = [row.ref for row in selected] or [_state_service(manifest, workloads.overlays, findings)]
        found[namespace, name] = list(dict.fromkeys([*found.get((namespace, name), []), *refs]))
    for workload in workloads.all:
        if workload.manifest.group == "serving.knative.dev":
            found[workload.namespace, workload.manifest.name] = [workload.ref]
    return found


def _state_service(manifest: Manifest, overlays: Overlays, findings: Findings) -> Ref:
    external = manifest.text("spec", "externalName")
    hosts = [scoped("host", external)] if external and _is_public(external) else []
    return findings.entity(
        scoped_ref("resource", NAME, overlays.namespace(manifest), f"service-{manifest.name}"),
        manifest.at("metadata", "name"),
        name=manifest.name,
        type="transit",
        labels=manifest.labels,
        spec={"object": "Service"},
        identifiers=[*(scoped(NAME, name) for name in overlays.names(manifest, manifest.name)), *hosts],
    )


def _state_place(manifest: Manifest, overlays: Overlays, findings: Findings) -> None:
    at = manifest.at("metadata", "name")
    if _is_core(manifest, "Namespace"):
        findings.entity(
            environment_ref(manifest.name), at, name=manifest.name, type="namespace", labels=manifest.labels
        )
    elif _is_core(manifest, "PersistentVolumeClaim"):
        ref = scoped_ref("resource", NAME, overlays.namespace(manifest), f"persistentvolumeclaim-{manifest.name}")
        size = manifest.text("spec", "resources", "requests", "storage")
        told = {"storageClass": manifest.text("spec", "storageClassName"), "size": size}
        spec = {key: value for key, value in told.items() if value}
        findings.entity(ref, at, name=manifest.name, type="storage", labels=manifest.labels, spec=spec)


def _state_routes(routes: Sequence[Manifest], overlays: Overlays, services: Services, findings: Findings) -> None:
    users = Counter(host for route in routes for host in set(_hosts(route)))
    for route in routes:
        namespace = overlays.namespace(route)
        hosts = sorted(set(_hosts(route)))
        ref = findings.entity(
            _route_ref(route.kind, namespace, route.name),
            route.at("metadata", "name"),
            name=route.name,
            type="transit",
            labels=route.labels,
            spec={"object": route.kind, "hosts": hosts},
            identifiers=[scoped("host", host) for host in hosts if users[host] == 1 and _is_public(host)],
        )
        for keys, host in _backends(route):
            for target in answering(host, namespace, services):
                findings.link(ref, "DEPENDS_ON", target, route.at(*keys))
        for keys, parent, where in _parents(route):
            findings.link(ref, "DEPENDS_ON", _route_ref("Gateway", where or namespace, parent), route.at(*keys))


def _is_public(host: str) -> bool:
    return "." in host and not any(mark in host for mark in "*@") and not host.endswith((".svc", ".cluster.local"))


def _route_ref(kind: str, namespace: str, name: str) -> Ref:
    return scoped_ref("resource", NAME, namespace, f"{kind}-{name}")


def _hosts(route: Manifest) -> Iterator[str]:
    spec = mapping(route.get("spec"))
    yield from (host.lower() for key in ("hosts", "hostnames") for host in texts(spec.get(key)))
    for key, name in (("rules", "host"), ("listeners", "hostname")):
        yield from (host.lower() for _, row in mappings(spec.get(key)) if (host := text_of(row.get(name))))
    if host := text_of(spec.get("host")):
        yield host.lower()


def _backends(route: Manifest) -> Iterator[tuple[Keys, str]]:
    """Hosts, as in addresses, of the Services that a route leads to."""
    spec = mapping(route.get("spec"))
    for key in ("defaultBackend", "backend", "to"):
        yield from ((("spec", key), host) for host in _service_of(spec.get(key)))
    for index, rule in mappings(spec.get("rules")):
        for place, path in mappings(dig(rule, "http", "paths")):
            at = ("spec", "rules", index, "http", "paths", place)
            yield from ((at, host) for host in _service_of(path.get("backend")))
        for place, backend in mappings(rule.get("backendRefs")):
            yield from ((("spec", "rules", index, "backendRefs", place), host) for host in _service_of(backend))
    for protocol in ("http", "tcp", "tls"):
        for index, rule in mappings(spec.get(protocol)):
            for place, row in mappings(rule.get("route")):
                if host := text_of(dig(row, "destination", "host")):
                    yield ("spec", protocol, index, "route", place), host


def _service_of(backend: Any) -> Iterator[str]:
    """In the spellings of Ingress (v1 and before), of the Gateway API, and of OpenShift's Route."""
    named = dig(backend, "service", "name") or dig(backend, "serviceName") or dig(backend, "name")
    if isinstance(named, str) and dig(backend, "kind") in (None, "Service"):
        namespace = text_of(dig(backend, "namespace"))
        yield f"{named}.{namespace}" if namespace else named


def _parents(route: Manifest) -> Iterator[tuple[Keys, str, str | None]]:
    """Gateways that a route hangs on, with the namespaces that it names."""
    for index, parent in mappings(route.get("spec", "parentRefs")):
        if (name := text_of(parent.get("name"))) and parent.get("kind") in (None, "Gateway"):
            yield ("spec", "parentRefs", index), name, text_of(parent.get("namespace"))
    if route.kind == "VirtualService":
        for index, named in enumerate(listed(route.get("spec", "gateways"))):
            namespace, _, name = str(named).rpartition("/")
            if name and name != "mesh":
                yield ("spec", "gateways", index), name, namespace or None


CONNECTOR = Connector(
    name=NAME,
    description="Workloads, images, services, routes and namespaces of Kubernetes",
    input="Manifests (YAML, JSON), rendered charts, `kubectl get -o json`, kustomization.yaml; or the API of a cluster",
    claims=claims,
    read=read,
    files=(BARE,),
    online=Online(base_url=None, token_variable=TOKEN, fetch=fetch_cluster, options=OPTIONS),
)
