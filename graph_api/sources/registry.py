"""The connectors: types of sources. A new one is a module in this folder and a line here.

A document belongs to the first that claims it, so what is told by less stands further down.
"""

from graph_api.catalog.entity import LinkOrigin
from graph_api.sources import (
    ansible,
    argocd,
    compose,
    cyclonedx,
    files,
    flux,
    github_alerts,
    grafana,
    grype,
    helm,
    jaeger,
    kiali,
    kubernetes,
    openslo,
    openvex,
    osv,
    otel,
    otelcollector,
    prometheus,
    pulumi,
    sarif,
    servicegraph,
    spdx,
    terraform,
    trivy,
    weaver,
    zipkin,
)
from graph_api.sources.connector import Connector

FORMATS: tuple[Connector, ...] = (
    trivy.CONNECTOR,
    grype.CONNECTOR,
    github_alerts.CONNECTOR,
    osv.CONNECTOR,
    cyclonedx.CONNECTOR,
    spdx.CONNECTOR,
    sarif.CONNECTOR,
    openvex.CONNECTOR,
    otel.CONNECTOR,
    otelcollector.CONNECTOR,
    weaver.CONNECTOR,
    servicegraph.CONNECTOR,
    jaeger.CONNECTOR,
    zipkin.CONNECTOR,
    kiali.CONNECTOR,
    prometheus.CONNECTOR,
    grafana.CONNECTOR,
    openslo.CONNECTOR,
    argocd.CONNECTOR,
    flux.CONNECTOR,
    kubernetes.CONNECTOR,
    compose.CONNECTOR,
    helm.CONNECTOR,
    terraform.CONNECTOR,
    pulumi.CONNECTOR,
    ansible.CONNECTOR,
)  # fmt: skip  # one connector a line

ONLINE = {format_.name: format_ for format_ in FORMATS if format_.online}
"""Connectors that can ask a tool's API, by name."""

CONNECTORS: dict[str, tuple[str, str]] = {
    files.CONNECTOR: ("Descriptors in Backstage's format, and CODEOWNERS", "Files and folders"),
    **{format_.name: (format_.description, format_.input) for format_ in FORMATS},
}
"""Description and input of every connector by name."""

OBSERVING = frozenset(format_.name for format_ in FORMATS if format_.origin is LinkOrigin.OBSERVED)
"""Connectors that see rather than are told."""
