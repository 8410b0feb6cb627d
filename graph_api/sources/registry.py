"""The connectors: types of sources. A new one is a module in this folder and a line here.

A document belongs to the first that claims it, so what is told by less stands further down.
"""

import inspect
import re
from importlib import import_module

from graph_api.catalog.entity import LinkOrigin
from graph_api.sources import (
    airflow,
    ansible,
    argocd,
    asyncapi,
    checkouts,
    compose,
    cyclonedx,
    dagster,
    dbt,
    dora,
    files,
    flux,
    github,
    github_alerts,
    github_issues,
    gitlab,
    grafana,
    graphql,
    grype,
    helm,
    humanitec,
    jaeger,
    jira,
    kiali,
    kubernetes,
    mkdocs,
    openapi,
    openlineage,
    openslo,
    openvex,
    osv,
    otel,
    otelcollector,
    owners,
    pagerduty,
    prometheus,
    protobuf,
    pulumi,
    qovery,
    sarif,
    score,
    servicegraph,
    spdx,
    terraform,
    trivy,
    weaver,
    zipkin,
)
from graph_api.sources.connector import Connector

FORMATS: tuple[Connector, ...] = (
    dora.CONNECTOR,
    jira.CONNECTOR,
    github_issues.CONNECTOR,
    pagerduty.CONNECTOR,
    mkdocs.CONNECTOR,
    trivy.CONNECTOR,
    github.CONNECTOR,
    gitlab.CONNECTOR,
    score.CONNECTOR,
    humanitec.CONNECTOR,
    qovery.CONNECTOR,
    owners.CONNECTOR,
    checkouts.CONNECTOR,
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
    dbt.CONNECTOR,
    openlineage.CONNECTOR,
    airflow.CONNECTOR,
    dagster.CONNECTOR,
    openapi.CONNECTOR,
    asyncapi.CONNECTOR,
    graphql.CONNECTOR,
    protobuf.CONNECTOR,
    argocd.CONNECTOR,
    flux.CONNECTOR,
    kubernetes.CONNECTOR,
    compose.CONNECTOR,
    helm.CONNECTOR,
    terraform.CONNECTOR,
    pulumi.CONNECTOR,
    ansible.CONNECTOR,
)  # fmt: skip  # one connector a line

BY_NAME = {format_.name: format_ for format_ in FORMATS}
ONLINE = {format_.name: format_ for format_ in FORMATS if format_.online}
"""Connectors that can ask a tool's API, by name."""

CONNECTORS: dict[str, tuple[str, str]] = {
    files.CONNECTOR: ("Descriptors in Backstage's format, and CODEOWNERS", "Files and folders"),
    **{format_.name: (format_.description, format_.input) for format_ in FORMATS},
}
"""Description and input of every connector by name."""

OBSERVING = frozenset(format_.name for format_ in FORMATS if format_.origin is LinkOrigin.OBSERVED)
"""Connectors that see rather than are told."""


_MODULE = re.compile(r"\b(\w+)\.py\b")


def documentation(name: str) -> str:
    """What a connector's module says of itself to its users, with what the modules say that it refers to."""
    own = _documentation(name)
    named = [row for row in dict.fromkeys(_MODULE.findall(own)) if row not in BY_NAME]
    return "\n\n".join([own, *(f"{row}.py: {_documentation(row)}" for row in named)])


def _documentation(module: str) -> str:
    return inspect.getdoc(import_module(f"graph_api.sources.{module}")) or ""
