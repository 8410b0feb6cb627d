"""Figures of OpenTelemetry's demo: its collector and its telemetry schema."""

from collections import Counter
from pathlib import Path

import pytest

from graph_api.sources.reading import read_paths
from tests.realworld.figures import FOLDER, read_file

DEMO = [FOLDER / "otel" / "open-telemetry__opentelemetry-demo"] if FOLDER else []


@pytest.mark.parametrize("demo", DEMO, ids=lambda path: path.name)
def test_parts_of_the_collector(demo: Path) -> None:
    assert demo
    snapshot = read_file("otelcollector", "otel-collector/otelcol-config.yml")
    (collector,) = (said for said in snapshot.entities.values() if said.type == "collector")
    assert collector.spec == {
        "receivers": 8,
        "processors": 7,
        "exporters": 1,
        "connectors": 1,
        "pipelines": ["logs", "metrics", "profiles", "traces"],
    }
    # Of eight receivers, one has an address that is no variable.
    assert [key.target for key in snapshot.links] == ["resource:otelcollector/valkey-cart"]


@pytest.mark.parametrize("demo", DEMO, ids=lambda path: path.name)
def test_every_configuration_of_the_collector_and_jaeger_is_read(demo: Path) -> None:
    snapshot = read_paths([demo], only=["otelcollector"])[0]
    collectors = {said.name for said in snapshot.entities.values() if said.type == "collector"}
    assert collectors == {
        "config.yml",
        "otelcol-config.yml",
        "otelcol-config-full.yml",
        "otelcol-config-observability.yml",
        "otelcol-ebpf-profiling.yml",
    }


@pytest.mark.parametrize("demo", DEMO, ids=lambda path: path.name)
def test_every_document_of_the_telemetry_schema_is_read(demo: Path) -> None:
    """11 of attributes, 7 of metrics, 13 of services and the manifest; only those of metrics name services."""
    others, snapshot = read_paths([demo / "telemetry-schema"], only=["files", "weaver"])
    assert not [problem for problem in others.problems if problem.path.endswith(".yaml")]
    files = Counter(Path(said.document).parent.name for said in snapshot.entities.values() if said.type == "metric")
    assert set(files) == {"metrics"}
    assert len({said.document for said in snapshot.entities.values() if said.type == "metric"}) == 7
    (schema,) = (said for said in snapshot.entities.values() if said.type == "telemetry-schema")
    assert schema.spec["attribute_groups"] == 13
    assert schema.spec["metrics"] == files["metrics"]
    services = {said.name for said in snapshot.entities.values() if said.type == "service"}
    assert services == {"ad", "cart", "currency", "email", "payment", "recommendation", "shipping"}
