"""The connectors: types of sources. A new one is a module in this folder and a line here.

A document belongs to the first that claims it, so what is told by less stands further down.
"""

from graph_api.sources import (
    airflow,
    asyncapi,
    dagster,
    dbt,
    files,
    grafana,
    graphql,
    jaeger,
    kiali,
    openapi,
    openlineage,
    openslo,
    otel,
    otelcollector,
    prometheus,
    protobuf,
    servicegraph,
    trivy,
    weaver,
    zipkin,
)
from graph_api.sources.connector import Connector

FORMATS: tuple[Connector, ...] = (
    trivy.CONNECTOR,
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
)  # fmt: skip  # one connector a line

CONNECTORS: dict[str, tuple[str, str]] = {
    files.CONNECTOR: ("Descriptors in Backstage's format, and CODEOWNERS", "Files and folders"),
    **{format_.name: (format_.description, format_.input) for format_ in FORMATS},
}
"""Description and input of every connector by name."""
