"""What a workload of Kubernetes needs: volume claims and secrets by name, and Services by the addresses it is given."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.addresses import INFERRED_CONFIDENCE, hosts_in
from graph_api.sources.documents import dig, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.kubernetes_objects import scoped_ref, text_of
from graph_api.sources.kubernetes_workloads import NAME, Value, Workload
from graph_api.sources.parsing import Keys

Services = dict[tuple[str, str], list[Ref]]
"""What answers, by namespace and name."""

ConfigMaps = Mapping[tuple[str, str], dict[str, Any]]

_POD = re.compile(r".+-\d+")
"""Of a StatefulSet."""
_SECRETS = (("env", ("valueFrom", "secretKeyRef", "name")), ("envFrom", ("secretRef", "name")))


def state_needs(workload: Workload, services: Services, data: ConfigMaps, findings: Findings) -> None:
    for keys, kind, name in chain(_volumes(workload), _secrets(workload)):
        at = workload.manifest.at(*keys)
        ref = scoped_ref("resource", NAME, workload.namespace, f"{kind}-{name}")
        type_ = "secret" if kind == "secret" else "storage"
        findings.link(workload.ref, "DEPENDS_ON", findings.entity(ref, at, name=name, type=type_), at)
    for keys, variable, value in chain(workload.values(), _configured(workload, data)):
        for host in hosts_in(variable, value):
            for target in answering(host, workload.namespace, services):
                if target != workload.ref:
                    _state_address(workload, keys, variable, target, findings)


def _state_address(workload: Workload, keys: Keys, variable: str, target: Ref, findings: Findings) -> None:
    findings.link(
        workload.ref,
        "DEPENDS_ON",
        target,
        workload.manifest.at(*keys),
        confidence=INFERRED_CONFIDENCE,
        origin=LinkOrigin.INFERRED,
        properties={"variable": variable},
    )


def _volumes(workload: Workload) -> Iterator[tuple[Keys, str, str]]:
    volumes = (*workload.template, "spec", "volumes")
    for index, volume in mappings(workload.manifest.get(*volumes)):
        if claim := text_of(dig(volume, "persistentVolumeClaim", "claimName")):
            yield (*volumes, index), "persistentvolumeclaim", claim
        projected = (dig(row, "secret", "name") for _, row in mappings(dig(volume, "projected", "sources")))
        for named in (dig(volume, "secret", "secretName"), *projected):
            if secret := text_of(named):
                yield (*volumes, index), "secret", secret
    for index, template in mappings(workload.manifest.get("spec", "volumeClaimTemplates")):
        if name := text_of(dig(template, "metadata", "name")):
            claim = f"{name}-{workload.manifest.name}"
            yield ("spec", "volumeClaimTemplates", index), "persistentvolumeclaim", claim


def _secrets(workload: Workload) -> Iterator[tuple[Keys, str, str]]:
    for keys, container in workload.containers():
        for list_, path in _SECRETS:
            for index, row in mappings(container.get(list_)):
                if secret := text_of(dig(row, *path)):
                    yield (*keys, list_, index), "secret", secret


def _configured(workload: Workload, data: ConfigMaps) -> Iterator[Value]:
    """Environment variables whose values stand in a ConfigMap of the source."""
    for keys, container in workload.containers():
        for index, row in mappings(container.get("env")):
            source = dig(row, "valueFrom", "configMapKeyRef")
            values = data.get((workload.namespace, str(dig(source, "name"))), {})
            if address := text_of(values.get(str(dig(source, "key")))):
                yield (*keys, "env", index), str(row.get("name")), address
        for index, row in mappings(container.get("envFrom")):
            values = data.get((workload.namespace, str(dig(row, "configMapRef", "name"))), {})
            for variable, value in values.items():
                if isinstance(value, str):
                    yield (*keys, "envFrom", index), variable, value


def answering(host: str, namespace: str, services: Services) -> Sequence[Ref]:
    """What answers at the host of a Service, or of a pod behind a headless one, whose own name comes before that."""
    found = services.get(_address_of(host, namespace), [])
    pod, _, service = host.partition(".")
    return found or (services.get(_address_of(service, namespace), []) if _POD.fullmatch(pod) else [])


def _address_of(host: str, namespace: str) -> tuple[str, str]:
    """Namespace and name of the Service at `name`, `name.namespace` or `name.namespace.svc...`."""
    name, _, rest = host.partition(".")
    return (rest.partition(".")[0] if rest else namespace), name
