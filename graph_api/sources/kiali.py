"""Kiali: the traffic that Istio has seen, as the graph of `/api/namespaces/graph` (or of an export of it).

All graph types are read (workload, app, versionedApp, service). A node is a component named by its workload, else its
app, else its service, in the namespace `kiali-` and its cluster (where it is none of Kiali's defaults) and namespace,
with the identifier `kubernetes:NAMESPACE/NAME`; of an app, with its services' names. A service and a workload of one
name in one namespace are one component, as they are for everybody who runs them. Entries of services outside the mesh
are external resources by their hosts. Boxes, aggregates, unknown nodes and traffic that Istio could not route are left
out.

An edge is a link from its source to its target, with `protocol` and, for HTTP and gRPC, `calls` and `errors`: Kiali's
rates times the seconds that the graph covers. Bytes of TCP are no calls and are not counted.

Online: the graph of `namespaces` (comma-separated; all that the token sees by default) of the last `duration`.

https://kiali.io/docs/architecture/architecture/
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.answers import answer_to, list_in
from graph_api.sources.api import Api
from graph_api.sources.calls import Calls, Spot
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, dig, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, scoped
from graph_api.sources.scalars import count_in, iso_time, number_in, text_in

NAME = "kiali"

_UNROUTED = ("unknown", "PassthroughCluster", "BlackHoleCluster")
_LOCAL = ("", "unknown", "Kubernetes")
_CALLS = ("http", "grpc")


def claims(document: Document) -> bool:
    elements = document.get("elements")
    return isinstance(elements, dict) and "graphType" in document.value and isinstance(elements.get("nodes"), list)


def read(documents: Sequence[Document], findings: Findings) -> None:
    calls = Calls(findings)
    for document in documents:
        nodes = {}
        for number, node in mappings(document.get("elements", "nodes")):
            data = mapping(node.get("data"))
            ref = _read_node(data, Spot(document, ("elements", "nodes", number)), calls, findings)
            if ref and (id_ := text_in(data.get("id"))):
                nodes[id_] = ref
        for number, edge in mappings(document.get("elements", "edges")):
            _read_edge(mapping(edge.get("data")), Spot(document, ("elements", "edges", number)), nodes, calls)
    calls.state()


def _read_node(data: dict[str, Any], spot: Spot, calls: Calls, findings: Findings) -> Ref | None:
    name = next((name for key in ("workload", "app", "service") if (name := text_in(data.get(key)))), None)
    if name is None or name in _UNROUTED or data.get("nodeType") not in ("workload", "app", "service"):
        return None
    if entry := data.get("isServiceEntry"):
        hosts = texts(dig(entry, "hosts")) or [name]
        return calls.resource("external", name, spot, [scoped("host", host) for host in hosts])
    namespace, cluster = text_in(data.get("namespace")) or "", text_in(data.get("cluster")) or ""
    ref = ref_of("component", f"{NAME}-{'' if cluster in _LOCAL else cluster}-{namespace}", name)
    findings.entity(
        ref,
        spot.place(),
        name=name,
        type="service",
        labels={key: data.get(key) for key in ("app", "version", "namespace")},
        identifiers=[scoped("kubernetes", f"{namespace}/{known}") for known in _kubernetes_names(data, name)],
    )
    return ref


def _kubernetes_names(data: Mapping[str, Any], name: str) -> Iterator[str]:
    """Services of a workload are no names of it: several workloads may stand behind one."""
    if text_in(data.get("workload")) or text_in(data.get("service")) == name:
        yield name
    else:
        yield from (known for _, row in mappings(data.get("destServices")) if (known := text_in(row.get("name"))))


def _read_edge(data: Mapping[str, Any], spot: Spot, nodes: Mapping[str, Ref], calls: Calls) -> None:
    source, target = (nodes.get(text_in(data.get(end)) or "") for end in ("source", "target"))
    if source is None or target is None:
        return
    protocol = text_in(dig(data, "traffic", "protocol"))
    rates = mapping(dig(data, "traffic", "rates"))
    seconds = number_in(spot.document.get("duration")) or 0
    count = count_in((number_in(rates.get(protocol)) or 0) * seconds) if protocol in _CALLS else 0
    failed = (number_in(rates.get(f"{protocol}PercentErr")) or 0) / 100
    calls.link(
        source,
        target,
        spot,
        calls=count,
        errors=count_in(count * failed),
        observed_at=iso_time(number_in(spot.document.get("timestamp"))),
        properties={"protocol": protocol} if protocol else None,
    )


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    namespaces = options.get("namespaces")
    if not namespaces:
        found = list_in(await api.get("/api/namespaces"), api.url("/api/namespaces"), "name")
        namespaces = ",".join(name for row in found if (name := text_in(row.get("name"))))
    asked = {
        "namespaces": namespaces,
        "graphType": options.get("graphType", "workload"),
        "duration": options.get("duration", "1d"),
        "injectServiceNodes": "false",
    }
    yield await answer_to(api, "/api/namespaces/graph", asked)


CONNECTOR = Connector(
    name=NAME,
    description="Traffic in an Istio mesh as Kiali shows it",
    input="Answers of /api/namespaces/graph, of every graph type",
    claims=claims,
    read=read,
    origin=LinkOrigin.OBSERVED,
    online=Online(
        base_url=None,
        token_variable="KIALI_TOKEN",
        fetch=fetch,
        options={
            "namespaces": "The namespaces whose traffic is asked for, comma-separated; default all",
            "graphType": "workload, app, versionedApp or service; default workload",
            "duration": "How far back traffic is asked for, as Kiali writes it; default 1d",
        },
    ),
)
