"""OpenSLO (openslo/v1 and openslo/v1alpha): objectives of services.

- Service: a component of type service in the namespace `openslo`, with the identifier `service.name:NAME`. A service
  that only an SLO names is one too.
- SLO: a Metric of type slo that DESCRIBES its service. Names are unique within one file, not within a repository: two
  files that each have an SLO of one name have two, so the file is part of an SLO's ref. `spec` has targets (as a
  fraction, or in percent where the file has `targetPercent`), budgeting method and time windows.
- SLI: a Metric of type sli that the SLO DEPENDS_ON, by `indicatorRef` or written within the SLO. DataSource: a Resource
  of type data-source that the SLI DEPENDS_ON; neither its connection details nor queries are read.
- AlertPolicy: a Metric of type alert-policy that DESCRIBES the SLOs that name it, also where no document holds it.
- Labels `team` and `owner` hint at an owner (inferred, confidence 0.5). AlertCondition and AlertNotificationTarget
  name no service and are passed over.

https://github.com/OpenSLO/OpenSLO#specification
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import ProblemCode
from graph_api.sources.calls import Service, service_names
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Place, dig, listed, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of
from graph_api.sources.scalars import text_in
from graph_api.sources.series import hint_owner

NAME = "openslo"
VERSIONS = ("openslo/v1", "openslo/v1alpha")

_SOURCED = ("thresholdMetric", "ratioMetric")
_MEASURED = ("good", "bad", "total", "raw", None)
_TYPES = {"Service": "service", "SLI": "sli", "DataSource": "data-source", "AlertPolicy": "alert-policy"}
_PASSED_OVER = ("AlertCondition", "AlertNotificationTarget")


def claims(document: Document) -> bool:
    version = document.get("apiVersion")
    return isinstance(version, str) and version.startswith(("openslo/", "openslo.com/"))


def read(documents: Sequence[Document], findings: Findings) -> None:
    for document in documents:
        version, kind = document.get("apiVersion"), text_in(document.get("kind")) or ""
        name = text_in(document.get("metadata", "name"))
        if version not in VERSIONS:
            findings.refuse(document, f"apiVersion {version!r}; {' and '.join(VERSIONS)} are read")
        elif kind in _PASSED_OVER:
            continue
        elif name is None or (kind != "SLO" and kind not in _TYPES):
            findings.refuse(document, "no kind of OpenSLO with metadata.name")
        elif kind == "SLO":
            _read_slo(document, name, findings)
        else:
            _read_named(document, kind, name, findings)


def _ref(type_: str, name: str) -> Ref:
    kind = {"service": "component", "data-source": "resource"}.get(type_, "metric")
    return ref_of(kind, NAME if kind != "metric" else f"{NAME}-{type_}", name)


def _read_named(document: Document, kind: str, name: str, findings: Findings) -> None:
    type_, at = _TYPES[kind], document.at("metadata", "name")
    ref = _ref(type_, name)
    findings.entity(
        ref,
        at,
        name=name,
        type=type_,
        title=text_in(document.get("metadata", "displayName")),
        description=text_in(document.get("spec", "description")),
        labels=_labels(document),
        identifiers=service_names(Service(name)) if type_ == "service" else [],
        spec={"type": document.get("spec", "type")} if text_in(document.get("spec", "type")) else {},
    )
    hint_owner(ref, _labels(document), at, findings)
    if kind == "SLI":
        _link_sources(ref, mapping(document.get("spec")), document.at("spec"), findings)


def _labels(document: Document) -> dict[str, str]:
    """Values may be lists; the first counts."""
    labels = mapping(document.get("metadata", "labels"))
    firsts = {key: dig(value, 0) if isinstance(value, list) else value for key, value in labels.items()}
    return {key: text for key, value in firsts.items() if isinstance(key, str) and (text := text_in(value))}


def _read_slo(document: Document, name: str, findings: Findings) -> None:
    spec, at = mapping(document.get("spec")), document.at("metadata", "name")
    ref = ref_of("metric", f"{NAME}-{document.path}", name)
    if findings.knows(ref):
        findings.problem(f"a second SLO {name} in one file; the first counts", at, code=ProblemCode.DUPLICATE, ref=ref)
        return
    findings.entity(
        ref,
        at,
        name=name,
        type="slo",
        title=text_in(document.get("metadata", "displayName")),
        description=text_in(spec.get("description")),
        labels=_labels(document),
        spec=_objectives(spec),
    )
    hint_owner(ref, _labels(document), at, findings)
    service = text_in(spec.get("service"))
    if service is None:
        findings.problem("an SLO without spec.service describes nothing", document.at("spec"), ref=ref)
    else:
        place = document.at("spec", "service")
        target = _ref("service", service)
        findings.mention(target, place, name=service, type="service", identifiers=service_names(Service(service)))
        findings.link(ref, "DESCRIBES", target, place)
    _read_indicator(document, ref, name, findings)
    for number, policy in enumerate(listed(spec.get("alertPolicies"))):
        policy_name = text_in(policy) or text_in(dig(policy, "metadata", "name"))
        policy_name = policy_name or text_in(dig(policy, "alertPolicyRef"))
        if policy_name:
            place = document.at("spec", "alertPolicies", number)
            findings.link(_ref("alert-policy", policy_name), "DESCRIBES", ref, place)


def _objectives(spec: Mapping[str, Any]) -> dict[str, Any]:
    windows = [row.get("duration") or _old_window(row) for key in ("timeWindow", "timeWindows")
               for _, row in mappings(spec.get(key))]  # fmt: skip
    targets = [row.get("target", row.get("targetPercent")) for _, row in mappings(spec.get("objectives"))]
    found = {
        "targets": [target for target in targets if isinstance(target, int | float)],
        "windows": [window for window in windows if isinstance(window, str)],
        "budgetingMethod": text_in(spec.get("budgetingMethod")),
    }
    return {key: value for key, value in found.items() if value}


def _old_window(row: Mapping[str, Any]) -> str | None:
    count, unit = row.get("count"), text_in(row.get("unit"))
    return f"{count} {unit}" if isinstance(count, int) and unit else None


def _read_indicator(document: Document, slo: Ref, name: str, findings: Findings) -> None:
    reference, indicator = text_in(document.get("spec", "indicatorRef")), mapping(document.get("spec", "indicator"))
    if reference:
        findings.link(slo, "DEPENDS_ON", _ref("sli", reference), document.at("spec", "indicatorRef"))
    elif indicator:
        at = document.at("spec", "indicator")
        own = text_in(dig(indicator, "metadata", "name")) or name
        title = text_in(dig(indicator, "metadata", "displayName"))
        sli = ref_of("metric", f"{NAME}-{document.path}", f"sli-{own}")
        findings.entity(sli, at, name=own, type="sli", title=title)
        findings.link(slo, "DEPENDS_ON", sli, at)
        _link_sources(sli, mapping(indicator.get("spec")), at, findings)


def _link_sources(sli: Ref, spec: Mapping[str, Any], at: Place, findings: Findings) -> None:
    for name in _sources(spec):
        findings.link(sli, "DEPENDS_ON", _ref("data-source", name), at)


def _sources(spec: Mapping[str, Any]) -> Iterator[str]:
    for metric in _SOURCED:
        for part in _MEASURED:
            source = dig(spec, metric, part, "metricSource") if part else dig(spec, metric, "metricSource")
            if name := text_in(dig(source, "metricSourceRef")):
                yield name


CONNECTOR = Connector(
    name=NAME,
    description="Service level objectives in OpenSLO's format",
    input="Documents of apiVersion openslo/v1 and openslo/v1alpha",
    claims=claims,
    read=read,
)
