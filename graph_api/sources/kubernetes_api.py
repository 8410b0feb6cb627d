"""Objects from the API of a Kubernetes cluster: each is a document of its own, at the object's URL."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from graph_api.sources.answers import options_in, rows_in
from graph_api.sources.api import Api, ApiError, Pages
from graph_api.sources.documents import Document, dig, listed, mappings
from graph_api.sources.kubernetes_objects import text_of

TOKEN = "KUBERNETES_TOKEN"
OPTIONS = {
    "namespaces": "Namespaces to read, separated by commas; all that the token may list if not set",
    "labels": "A label selector that objects must match, such as `team=shop`",
    "resources": "Resources to read, as kubectl names them (`deployments`, `services.serving.knative.dev`), separated "
    "by commas; all that the connector knows if not set",
}
LIMIT = 500
FORBIDDEN, MISSING, EXPIRED = 403, 404, 410
LISTINGS = 3
"""How often a list is begun whose next page has expired."""

Resource = tuple[str, str, str]
"""Group, plural and kind."""

_CLUSTER: Sequence[Resource] = (
    ("apps", "deployments", "Deployment"),
    ("apps", "statefulsets", "StatefulSet"),
    ("apps", "daemonsets", "DaemonSet"),
    ("apps", "replicasets", "ReplicaSet"),
    ("", "replicationcontrollers", "ReplicationController"),
    ("apps.openshift.io", "deploymentconfigs", "DeploymentConfig"),
    ("argoproj.io", "rollouts", "Rollout"),
    ("serving.knative.dev", "services", "Service"),
    ("batch", "cronjobs", "CronJob"),
    ("batch", "jobs", "Job"),
    ("", "pods", "Pod"),
    ("", "services", "Service"),
    ("", "persistentvolumeclaims", "PersistentVolumeClaim"),
    ("networking.k8s.io", "ingresses", "Ingress"),
    ("gateway.networking.k8s.io", "gateways", "Gateway"),
    ("gateway.networking.k8s.io", "httproutes", "HTTPRoute"),
    ("gateway.networking.k8s.io", "grpcroutes", "GRPCRoute"),
    ("gateway.networking.k8s.io", "tcproutes", "TCPRoute"),
    ("gateway.networking.k8s.io", "tlsroutes", "TLSRoute"),
    ("gateway.networking.k8s.io", "udproutes", "UDPRoute"),
    ("networking.istio.io", "virtualservices", "VirtualService"),
    ("route.openshift.io", "routes", "Route"),
)


def fetch_cluster(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    return fetch_objects(api, options, _CLUSTER)


async def fetch_objects(api: Api, options: Mapping[str, str], resources: Sequence[Resource]) -> AsyncIterator[Document]:
    """Those of the resources that the cluster serves, in the version that it prefers."""
    chosen = _chosen(resources, options_in(options, "resources"))
    served = await _served(api, [(group, plural) for group, plural, _ in chosen])
    namespaces = options_in(options, "namespaces")
    for group, plural, kind in chosen:
        if (version := served.get((group, plural))) is None:
            continue
        base = _path(group, version)
        for path in [f"{base}/namespaces/{name}/{plural}" for name in namespaces] or [f"{base}/{plural}"]:
            for item in await _items(api, path, options.get("labels")):
                namespace = text_of(dig(item, "metadata", "namespace"))
                place = f"{base}/namespaces/{namespace}" if namespace else base
                url = api.url(f"{place}/{plural}/{dig(item, 'metadata', 'name')}")
                yield Document(url, {**item, "apiVersion": f"{group}/{version}".lstrip("/"), "kind": kind})


def _chosen(resources: Sequence[Resource], names: Sequence[str]) -> Sequence[Resource]:
    """A name without group is of the core group, if that has it, as `services`, else of any."""
    known = {f"{plural}.{group}".rstrip("."): (group, plural, kind) for group, plural, kind in resources}
    plurals: dict[str, list[Resource]] = {}
    for row in resources:
        plurals.setdefault(row[1], []).append(row)
    if unknown := [name for name in names if name not in known and name not in plurals]:
        raise ApiError(f"no such resources: {', '.join(unknown)}; the option `resources` takes {', '.join(known)}")
    chosen = [row for name in names for row in ([known[name]] if name in known else plurals[name])]
    return [row for row in resources if row in chosen] if names else resources


def _path(group: str, version: str) -> str:
    return f"/apis/{group}/{version}" if group else f"/api/{version}"


async def _served(api: Api, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The version of each of these resources, by group and plural, that the cluster serves: the preferred one of the
    group, if that has it.
    """
    groups = {group for group, _ in wanted}
    versions = {"": ["v1"]}
    for _, row in mappings(rows_in(await api.get("/apis"), "groups", api.url("/apis"))):
        if (name := text_of(row.get("name"))) in groups:
            told = [row.get("preferredVersion"), *listed(row.get("versions"))]
            versions[name] = list(dict.fromkeys(version for each in told if (version := text_of(dig(each, "version")))))
    found: dict[tuple[str, str], str] = {}
    for group in sorted(groups & versions.keys()):
        for place, version in enumerate(versions[group]):
            if all(row in found for row in wanted if row[0] == group):
                break
            for plural in await _resources(api, _path(group, version), needed=not place):
                found.setdefault((group, plural), version)
    return found


async def _resources(api: Api, path: str, *, needed: bool) -> list[str]:
    """Plurals of what a version of a group has; a cluster may list an old version that it serves no more."""
    try:
        answer = await api.get(path)
    except ApiError as error:
        if needed or error.status != MISSING:
            raise
        return []
    return [str(resource.get("name")) for _, resource in mappings(rows_in(answer, "resources", api.url(path)))]


async def _items(api: Api, path: str, labels: str | None) -> list[dict[str, Any]]:
    """Of all pages, anew from the first where the server no longer knows how the list went on (410)."""
    for _ in range(LISTINGS - 1):
        try:
            return [item async for item in _listed(api, path, labels)]
        except ApiError as error:
            if error.status != EXPIRED:
                raise
    return [item async for item in _listed(api, path, labels)]


async def _listed(api: Api, path: str, labels: str | None) -> AsyncIterator[dict[str, Any]]:
    params: dict[str, Any] = {"limit": LIMIT, **({"labelSelector": labels} if labels else {})}
    pages = Pages(api.url(path))
    while True:
        page = await _page(api, path, params)
        for _, item in mappings(rows_in(page, "items", api.url(path))):
            yield item
        token = text_of(dig(page, "metadata", "continue"))
        if token is None:
            return
        pages.turn_to(token)
        params["continue"] = token


async def _page(api: Api, path: str, params: Mapping[str, Any]) -> Any:
    try:
        return await api.get(path, params)
    except ApiError as error:
        if error.status != FORBIDDEN:
            raise
        mending = "let it `list` there, or name what it may list with the options `namespaces` and `resources`"
        raise ApiError(f"{error} If the token is good, {mending}.", FORBIDDEN, error.reason) from error
