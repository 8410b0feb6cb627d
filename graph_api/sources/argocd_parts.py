"""What is stated of an Application of Argo CD, whether it is written down or an ApplicationSet makes it."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.charts import state_chart
from graph_api.sources.documents import Place, dig, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.images import state_image
from graph_api.sources.kubernetes_objects import Manifest, application_ref, environment_ref, text_of
from graph_api.sources.naming import ref_of, repository_ref, scoped

NAME = "argocd"

_OWN_CLUSTER = ("https://kubernetes.default.svc", "in-cluster")


class Application(NamedTuple):
    ref: Ref
    name: str
    spec: Mapping[str, Any]
    at: Place


def state_application(
    application: Application,
    findings: Findings,
    labels: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
) -> None:
    spec, at = application.spec, application.at
    parts = {key: text_of(dig(status or {}, key, "status")) for key in ("sync", "health")}
    state = {key: text for key, text in parts.items() if text}
    findings.entity(
        application.ref,
        at,
        name=application.name,
        type="deployment",
        labels={**(labels or {}), **{f"{NAME}/{key}": text for key, text in state.items()}},
        spec=_spec(spec) | state,
        identifiers=[scoped(NAME, application.name)],
    )
    for source in sources_of(spec):
        state_source(application.ref, source, at, findings)
    if place := _state_environment(mapping(spec.get("destination")), at, findings):
        findings.link(application.ref, "DEPLOYED_TO", place, at)
    if (project := text_of(spec.get("project"))) and project != "default":
        findings.link(application.ref, "PART_OF", system_ref("appproject", project), at)


def _spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    sources = sources_of(spec)
    told = {
        "project": text_of(spec.get("project")),
        "paths": [path for source in sources if (path := text_of(source.get("path")))],
        "targetRevision": text_of(dig(sources, 0, "targetRevision")),
        "automated": isinstance(dig(spec, "syncPolicy", "automated"), dict),
    }
    return {key: value for key, value in told.items() if value not in (None, [])}


def sources_of(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of one that is hydrated, what it is made of."""
    one = spec.get("source") or dig(spec, "sourceHydrator", "drySource")
    return [source for _, source in mappings(spec.get("sources"))] or [mapping(one)]


def state_source(user: Ref, source: Mapping[str, Any], at: Place, findings: Findings) -> None:
    """A source with a chart is a chart repository; any other is a git repository."""
    url, chart = text_of(source.get("repoURL")), text_of(source.get("chart"))
    if chart:
        if "{{" not in chart:
            state_chart(user, chart, text_of(source.get("targetRevision")), at, findings)
    elif url and "{{" not in url and (repository := repository_ref(url)):
        findings.mention(repository, at, identifiers=[url])
        findings.link(user, "BUILT_FROM", repository, at)


def _state_environment(destination: Mapping[str, Any], at: Place, findings: Findings) -> Ref | None:
    namespace = text_of(destination.get("namespace")) or ""
    cluster = text_of(destination.get("name")) or text_of(destination.get("server")) or ""
    if "{{" in namespace + cluster:
        return None
    if not cluster or cluster.rstrip("/") in _OWN_CLUSTER:
        return findings.mention(environment_ref(namespace), at, name=namespace, type="namespace") if namespace else None
    host = _host(cluster)
    if not namespace:
        return findings.mention(ref_of("environment", NAME, host), at, name=host, type="cluster")
    title = f"{namespace} on {host}"
    ref = ref_of("environment", f"{NAME}-{host}", namespace)
    return findings.mention(ref, at, name=namespace, type="namespace", title=title)


def _host(cluster: str) -> str:
    """Of a cluster's URL; a name stays as it is."""
    try:
        return (urlsplit(cluster).hostname if "://" in cluster else None) or cluster
    except ValueError:
        return cluster


def state_status(manifest: Manifest, ref: Ref, findings: Findings) -> None:
    at = manifest.at("status")
    for image in texts(manifest.get("status", "summary", "images")):
        state_image(ref, image, at, findings, origin=LinkOrigin.OBSERVED)
    for _, resource in mappings(manifest.get("status", "resources")):
        name = text_of(resource.get("name"))
        if resource.get("kind") == "Application" and name:
            findings.link(application_ref(text_of(resource.get("namespace")), name), "PART_OF", ref, at)


def system_ref(type_: str, name: str) -> Ref:
    return ref_of("system", f"{NAME}-{type_}", name)
