"""Figures of the files in otel/ and jaeger/, and of Jaeger's questions to Prometheus."""

import re

import pytest

from graph_api.catalog.snapshot import Snapshot
from graph_api.cli.report import needs_mending
from tests.realworld.figures import FOLDER, counts, lines_of, links, read_file

SECTION, LATE = "Jaeger / OTLP / Prometheus", "Added late"
OTLP = [
    row
    for section in (SECTION, LATE)
    for row in lines_of(section, r"    (?P<file>\S+) OTLP services (?P<services>\{.*\}) spans \d+")
]
TRACES = [
    row
    for section in (SECTION, LATE)
    for row in lines_of(section, r"    (?P<file>\S+) UI trace spans (?P<spans>\d+) processes \{p1: (?P<service>\S+)\}")
]
ANSWERS = lines_of(SECTION, r"    (?P<file>\S+) (?P<status>success|warning) matrix (?P<series>\[.*\])")
TWICE = "telemetrygen"
"""Its two files hold one span twice; the connectors count distinct spans."""
realworld = pytest.mark.parametrize("file", ["it"] if FOLDER else [])


def spans(snapshot: Snapshot) -> dict[str, int]:
    return {said.name: said.spec["spans"] for said in snapshot.entities.values()}


@pytest.mark.parametrize("row", OTLP, ids=lambda row: str(row["file"]))
def test_spans_by_service(row: re.Match[str]) -> None:
    snapshot = read_file("otel", row["file"])
    expected = counts(row["services"])
    nobodys = expected.pop("None", 0)
    assert spans(snapshot) == {name: 1 if name == TWICE else count for name, count in expected.items()}
    assert len(snapshot.problems) == nobodys
    assert not snapshot.links


@pytest.mark.parametrize("row", TRACES, ids=lambda row: str(row["file"]))
def test_spans_of_traces_in_the_ui(row: re.Match[str]) -> None:
    assert spans(read_file("jaeger", row["file"])) == {
        row["service"]: 1 if row["service"] == TWICE else int(row["spans"])
    }


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: str(row["file"]))
def test_series_of_services(row: re.Match[str]) -> None:
    snapshot = read_file("servicegraph", row["file"])
    assert {said.name for said in snapshot.entities.values()} == set(re.findall(r"service_name: (\w+)", row["series"]))
    assert needs_mending(snapshot.problems) == (row["status"] == "warning")


@realworld
def test_calls_of_jaeger(file: str) -> None:
    assert file
    ((key, link),) = read_file("jaeger", "uiconv/fixtures/trace_success.json").links.items()
    assert key[:3] == ("component:jaeger/16af988c443cff37", "DEPENDS_ON", "component:jaeger/3c220036602f839e")
    assert link.properties == {"calls": 1, "errors": 1}
    ((key, link),) = read_file("jaeger", "depstore/testdata/write_dependencies.json").links.items()
    assert key[:3] == ("component:jaeger/svca", "DEPENDS_ON", "component:jaeger/svcb")
    assert link.properties["calls"] == 1
    assert link.observed_at == "2020-01-02T03:04:05Z"


@realworld
@pytest.mark.parametrize("name", ["trace_invalid_json.json", "trace_wrong_format.json"])
def test_spans_without_service_are_named(file: str, name: str) -> None:
    assert file
    snapshot = read_file("jaeger", f"uiconv/fixtures/{name}")
    assert not snapshot.entities
    assert len(snapshot.problems) == 1


@realworld
@pytest.mark.parametrize("name", ["trace_empty.json", "trace_scan_error.json"])
def test_files_that_are_no_json_stay_as_they_were(file: str, name: str) -> None:
    assert file
    assert len(read_file("jaeger", f"uiconv/fixtures/{name}").unreadable) == 1


@realworld
def test_the_example_of_otlp(file: str) -> None:
    assert file
    snapshot = read_file("otel", "examples/trace.json")
    assert spans(snapshot) == {"my.service": 1}
    assert not list(links(snapshot, "DEPENDS_ON"))
