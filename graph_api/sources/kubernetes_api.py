"""Objects from the API of a Kubernetes cluster: each is a document of its own, at the object's URL."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from graph_api.sources.answers import rows_in
from graph_api.sources.api import Api, ApiError, Pages
from graph_api.sources.documents import Document, dig, listed, mappings
from graph_api.sources.kubernetes_objects import text_of

TOKEN = "KUBERNETES_TOKEN"  # noqa: S105 - the variable's name
OPTIONS = {
    "namespaces": "Namespaces to read, separated by commas; all that the token may list if not set",
    "labels": "A label selector that objects must match, such as `team=shop`",
    "kinds": "Kinds to read, separated by commas, such as `Deployment, Service`; all that it knows if not set",
}
LIMIT = 500
FORBIDDEN, EXPIRED = 403, 410
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
    chosen = _chosen(resources, _names(options, "kinds"))
    served = await _served(api, {group for group, _, _ in chosen})
    namespaces = _names(options, "namespaces")
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


def _names(options: Mapping[str, str], option: str) -> list[str]:
    return [name.strip() for name in options.get(option, "").split(",") if name.strip()]


def _chosen(resources: Sequence[Resource], kinds: Sequence[str]) -> Sequence[Resource]:
    known = dict.fromkeys(kind for _, _, kind in resources)
    if unknown := [kind for kind in kinds if kind not in known]:
        raise ApiError(f"no such kinds: {', '.join(unknown)}; the option `kinds` takes {', '.join(known)}")
    return [row for row in resources if row[2] in kinds] if kinds else resources


def _path(group: str, version: str) -> str:
    return f"/apis/{group}/{version}" if group else f"/api/{version}"


async def _served(api: Api, groups: set[str]) -> dict[tuple[str, str], str]:
    """The version of every resource of these groups, by group and plural: the preferred one, if that has it."""
    versions = {("", "v1"): None}
    for _, row in mappings(rows_in(await api.get("/apis"), "groups", api.url("/apis"))):
        if (name := text_of(row.get("name"))) in groups:
            told = [row.get("preferredVersion"), *listed(row.get("versions"))]
            versions |= {(name, version): None for each in told if (version := text_of(dig(each, "version")))}
    found: dict[tuple[str, str], str] = {}
    for group, version in versions:
        path = _path(group, version)
        for _, resource in mappings(rows_in(await api.get(path), "resources", api.url(path))):
            found.setdefault((group, str(resource.get("name"))), version)
    return found


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
        mending = "let it `list` there, or name what it may list with the options `namespaces` and `kinds`"
        raise ApiError(f"{error} If the token is good, {mending}.", FORBIDDEN, error.reason) from error
