"""Figures of OpenLineage's own examples. Parents that only a facet names are pipelines too, and not counted as jobs."""

import re
from collections import Counter
from pathlib import PurePosixPath

import pytest

from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.sources.reading import read_paths
from tests.realworld.figures import FOLDER, counts, lines_of, links, read_file

ROOT = "openlineage/OpenLineage__OpenLineage"
FOLDERS = {
    "spark container all": "integration/spark/app/integrations/container",
    "proxy": "proxy",
    "spec tests": "spec/tests",
}
ROWS = lines_of(
    "OpenLineage",
    r"### (?P<folder>[a-z ]+) files \d+ events \d+ (?P<types>\{.*?\}) distinct jobs (?P<jobs>\d+) datasets "
    r"(?P<datasets>\d+) read edges (?P<read>\d+) write edges (?P<written>\d+) parent edges (?P<parents>\d+) .* "
    r"bad (?P<bad>\d+) (?P<names>\[.*\])",
)


def pipelines(snapshot: Snapshot) -> set[Ref]:
    return {ref for ref, said in snapshot.entities.items() if said.kind == "Pipeline"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["folder"]))
def test_jobs_datasets_and_edges(row: re.Match[str]) -> None:
    assert FOLDER
    [snapshot] = read_paths([FOLDER / ROOT / FOLDERS[row["folder"]]], source="real", only=["openlineage"])
    jobs = pipelines(snapshot)
    seen: Counter[str] = Counter()
    for ref in jobs:
        seen.update(snapshot.entities[ref].spec.get("events", {}))
    expected = counts(row["types"])
    expected.pop("None", None)
    assert seen == expected
    parents = list(links(snapshot, "PART_OF"))
    only_parents = {key.target for key in parents if not snapshot.entities[key.target].spec}
    assert len(jobs - only_parents) == int(row["jobs"])
    assert len(parents) == int(row["parents"])
    assert len(snapshot.entities.keys() - jobs - groups(snapshot)) == int(row["datasets"])
    assert len([key for key in links(snapshot, "READS_FROM") if key.source in jobs]) == int(row["read"])
    assert len(list(links(snapshot, "WRITTEN_BY"))) == int(row["written"])
    names = {PurePosixPath(name).name for name in re.findall(r"\((\S+),", row["names"])}
    assert len(snapshot.unreadable) == int(row["bad"])
    assert {PurePosixPath(path).name for path in snapshot.unreadable} == names


def groups(snapshot: Snapshot) -> set[Ref]:
    return {ref for ref, said in snapshot.entities.items() if said.kind in ("Group", "User")}


@pytest.mark.parametrize("name", ["event_simple.json"] if FOLDER else [])
def test_the_simple_event(name: str) -> None:
    snapshot = read_file("openlineage", f"proxy/fluentd/events/{name}")
    job = "pipeline:openlineage-my-scheduler-namespace/myjob"
    found = {(key.source, key.relation, key.target) for key in snapshot.links}
    assert found == {
        (job, "READS_FROM", "dataset:openlineage-my-datasource-namespace/instance.schema.input-1"),
        (job, "READS_FROM", "dataset:openlineage-my-datasource-namespace/instance.schema.input-2"),
        ("dataset:openlineage-my-datasource-namespace/instance.schema.output-1", "WRITTEN_BY", job),
    }
    assert {link.observed_at for link in snapshot.links.values()} == {"2020-12-28T09:52:00Z"}
