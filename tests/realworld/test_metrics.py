"""Figures of the files in prometheus/ and openslo/, and of Grafana's alert rules in otel/."""

import re
from collections import Counter

import pytest

from graph_api.catalog.snapshot import ProblemCode, Snapshot
from tests.realworld.figures import FOLDER, lines_of, read_file

PROMETHEUS = lines_of(
    "Added late",
    r"    prom (?P<file>\S+) groups \d+ alerts (?P<alerts>\d+) recording (?P<rules>\d+) scrape jobs \[(?P<jobs>.*)\]",
)
SLOS = lines_of(
    "Score / Humanitec",
    r"     \((?P<name>[\w-]+), (?P<service>[\w-]+), \[(?P<targets>[\d., ]+)\], (?P<method>\w+), "
    r"\[\{duration: (?P<window>\w+)",
)
GRAFANA = "otel/open-telemetry__opentelemetry-demo/src/grafana/provisioning/alerting"
realworld = pytest.mark.parametrize("folder", [FOLDER] if FOLDER else [])


def types(snapshot: Snapshot) -> Counter[str | None]:
    return Counter(said.type for said in snapshot.entities.values() if said.kind == "Metric")


def named(snapshot: Snapshot, type_: str) -> set[str]:
    return {said.name for said in snapshot.entities.values() if said.type == type_}


@pytest.mark.parametrize("row", PROMETHEUS, ids=lambda row: str(row["file"]))
def test_rules_and_scrape_jobs(row: re.Match[str]) -> None:
    snapshot = read_file("prometheus", row["file"])
    found = types(snapshot)
    assert (found["alert"], found["recording-rule"]) == (int(row["alerts"]), int(row["rules"]))
    assert named(snapshot, "scrape-job") == set(filter(None, row["jobs"].split(", ")))
    repeated = [problem for problem in snapshot.problems if problem.code is ProblemCode.DUPLICATE]
    assert len(repeated) == (2 if "duplicates" in row["file"] else 0)


@realworld
def test_scrape_jobs_of_jaegers_monitor(folder: object) -> None:
    assert folder
    snapshot = read_file("prometheus", "monitor/prometheus.yml")
    assert named(snapshot, "scrape-job") == {"aggregated-trace-metrics", "jaeger-collector-metrics"}


@realworld
def test_alert_rules_of_grafana(folder: object) -> None:
    assert folder
    files = ["cart-service-alerting.yml", "opentelemetry-collector-rules.yaml"]
    read = [read_file("grafana", f"{GRAFANA}/{file}") for file in files]
    alerts = [said for snapshot in read for said in snapshot.entities.values() if said.type == "alert"]
    assert len(alerts) == 11
    assert len({said.spec["group"] for said in alerts}) == 2
    assert [key.target for key in read[0].links if key.relation == "DESCRIBES"] == [
        "component:grafana-opentelemetry-demo/cart"
    ]


SLO_FILES = {
    "search-slo": "budgeting-method/occurences-slo.yaml",
    "main-page": "budgeting-method/ratio-timeslices.yaml",
    "1m": "budgeting-method/timeslices-slo.yaml",
    "1w": "treat-low-traffic-as-equally-important/timeslices-slo.yaml",
}


@pytest.mark.parametrize("row", SLOS, ids=lambda row: f"{row['name']}-{row['window']}")
def test_objectives(row: re.Match[str]) -> None:
    snapshot = read_file("openslo", SLO_FILES.get(row["name"], SLO_FILES.get(row["window"], "")))
    (slo,) = (said for said in snapshot.entities.values() if said.type == "slo")
    assert slo.name == row["name"]
    assert slo.spec == {
        "targets": [float(target) for target in row["targets"].split(", ")],
        "windows": [row["window"]],
        "budgetingMethod": row["method"],
    }
    (about,) = (key.target for key in snapshot.links if key.relation == "DESCRIBES" and key.source == slo.ref)
    assert snapshot.entities[about].name == row["service"]


@realworld
def test_an_slo_whose_alert_policy_is_nowhere(folder: object) -> None:
    assert folder
    snapshot = read_file("openslo", "slo-no-indicatorref-calendar-alerts.yaml")
    (slo,) = (said for said in snapshot.entities.values() if said.type == "slo")
    assert (slo.name, slo.spec["targets"]) == ("test-slo", [0.98])
    assert named(snapshot, "service") == {"TheServiceName"}
    assert named(snapshot, "sli") == {"foo-error"}
    (policy,) = (key.source for key in snapshot.links if key.target == slo.ref)
    assert policy == "metric:openslo-alert-policy/fooalertpolicy"
    assert policy not in snapshot.entities
