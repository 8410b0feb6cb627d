"""Objects from the API of a Kubernetes cluster: each is a document of its own, at the object's URL."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from graph_api.sources.answers import rows_in
from graph_api.sources.api import Api, ApiError, Pages
from graph_api.sources.documents import Document, dig, mappings
from graph_api.sources.kubernetes_objects import text_of

TOKEN = "KUBERNETES_TOKEN"  # noqa: S105 - the variable's name
OPTIONS = {
    "namespaces": "Namespaces to read, separated by commas; all that the token may list if not set",
    "labels": "A label selector that objects must match, such as `team=shop`",
}
LIMIT = 500
EXPIRED = 410
LISTINGS = 3
"""How often a list is begun whose next page has expired."""

Resource = tuple[str, str, str]
"""Group, plural and kind."""

_CLUSTER: Sequence[Resource] = (
    ("apps", "deployments", "Deployment"),
    ("apps", "statefulsets", "StatefulSet"),
    ("apps", "daemonsets", "DaemonSet"),
    ("apps", "replicasets", "ReplicaSet"),
    ("batch", "cronjobs", "CronJob"),
    ("batch", "jobs", "Job"),
    ("", "pods", "Pod"),
    ("", "services", "Service"),
    ("", "persistentvolumeclaims", "PersistentVolumeClaim"),
    ("networking.k8s.io", "ingresses", "Ingress"),
    ("gateway.networking.k8s.io", "gateways", "Gateway"),
    ("gateway.networking.k8s.io", "httproutes", "HTTPRoute"),
    ("argoproj.io", "rollouts", "Rollout"),
)


def fetch_cluster(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    return fetch_objects(api, options, _CLUSTER)


async def fetch_objects(api: Api, options: Mapping[str, str], resources: Sequence[Resource]) -> AsyncIterator[Document]:
    """Those of the resources that the cluster serves, in the version that it prefers."""
    served = await _served(api, {group for group, _, _ in resources})
    namespaces = [name.strip() for name in options.get("namespaces", "").split(",") if name.strip()]
    for group, plural, kind in resources:
        if (version := served.get((group, plural))) is None:
            continue
        base = f"/apis/{group}/{version}" if group else f"/api/{version}"
        for path in [f"{base}/namespaces/{name}/{plural}" for name in namespaces] or [f"{base}/{plural}"]:
            for item in await _items(api, path, options.get("labels")):
                namespace = text_of(dig(item, "metadata", "namespace"))
                place = f"{base}/namespaces/{namespace}" if namespace else base
                url = api.url(f"{place}/{plural}/{dig(item, 'metadata', 'name')}")
                yield Document(url, {**item, "apiVersion": f"{group}/{version}".lstrip("/"), "kind": kind})


async def _served(api: Api, groups: set[str]) -> dict[tuple[str, str], str]:
    """The preferred version of every resource of these groups, by group and plural."""
    versions = {"": "v1"}
    for _, row in mappings(rows_in(await api.get("/apis"), "groups", api.url("/apis"))):
        name, version = text_of(row.get("name")), text_of(dig(row, "preferredVersion", "version"))
        if name in groups and name and version:
            versions[name] = version
    found = {}
    for group, version in versions.items():
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        for _, resource in mappings(rows_in(await api.get(path), "resources", api.url(path))):
            found[group, str(resource.get("name"))] = version
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
        page = await api.get(path, params)
        for _, item in mappings(rows_in(page, "items", api.url(path))):
            yield item
        token = text_of(dig(page, "metadata", "continue"))
        if token is None:
            return
        pages.turn_to(token)
        params["continue"] = token
