"""Components that run as several workloads: those that bear one `backstage.io/kubernetes-id`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graph_api.catalog.entity import Criticality
from graph_api.sources.findings import Findings
from graph_api.sources.kubernetes_workloads import NAME, Workload
from graph_api.sources.naming import ref_of, scoped


@dataclass(frozen=True, slots=True)
class Shared:
    """`identifiers` name the component as a whole, and so none of its workloads."""

    id: str
    rows: Sequence[Workload]
    identifiers: frozenset[str]


def shared_by(workloads: Iterable[Workload]) -> list[Shared]:
    found: dict[str, list[Workload]] = defaultdict(list)
    for row in workloads:
        if row.id and not row.image_class:
            found[row.id].append(row)
    return [_shared(id_, rows) for id_, rows in found.items() if len({row.ref for row in rows}) > 1]


def _shared(id_: str, rows: Sequence[Workload]) -> Shared:
    services = {row.service_name for row in rows}
    names = [scoped("service.name", name) for name in services if name and len(services) == 1]
    return Shared(id_, rows, frozenset([scoped("kubernetes-id", id_), *names]))


def state_shared(shared: Shared, findings: Findings) -> None:
    first = shared.rows[0]
    whole = findings.entity(
        ref_of("component", NAME, shared.id),
        first.manifest.at("metadata"),
        name=shared.id,
        type=first.type,
        identifiers=sorted(shared.identifiers),
    )
    for row in shared.rows:
        at = row.manifest.at("metadata")
        findings.link(row.ref, "PART_OF", whole, at)
        # It goes on with the others where one fails.
        findings.link(whole, "DEPENDS_ON", row.ref, at, criticality=Criticality.SOFT)
