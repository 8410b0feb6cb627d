"""Figures of dbt's artifacts: nodes, sources and what models read; tests are counted and are no entities."""

import re
from collections import defaultdict

import pytest

from graph_api.catalog.correlation import Rules, Stated, correlate
from graph_api.catalog.snapshot import Snapshot
from graph_api.sources.reading import read_paths
from tests.realworld.figures import FOLDER, counts, lines_of, links, read_file

MANIFEST = (
    r"    (?P<file>\S+): schema manifest/v\d+\.json dbt \S+ adapter (?P<adapter>\w+) nodes \d+ (?P<nodes>\{[^}]*\}) "
    r"sources (?P<sources>\d+) edges\(depends_on\.nodes\) \d+ of which model->\* (?P<edges>\d+) dangling (?P<lost>\d+)"
    r"(?: owners \{(?P<owner>[\w-]+): 1\})?"
)
MANIFESTS = [row for section in ("dbt", "Added late") for row in lines_of(section, MANIFEST)]
RUNS = lines_of("dbt", r"    (?P<file>\S+/run_results\.json): results \d+ (?P<results>\{.*\})")
realworld = pytest.mark.parametrize("project", ["postgres"] if FOLDER else [])


def of_type(snapshot: Snapshot, resource: str) -> set[str]:
    return {ref for ref, said in snapshot.entities.items() if said.spec.get("resourceType") == resource}


@pytest.mark.parametrize("row", MANIFESTS, ids=lambda row: str(row["file"]))
def test_nodes_and_what_models_read(row: re.Match[str]) -> None:
    snapshot = read_file("dbt", row["file"])
    (pipeline,) = (said for said in snapshot.entities.values() if said.kind == "Pipeline")
    nodes = counts(row["nodes"])
    assert pipeline.spec["nodes"] == nodes
    assert pipeline.spec["adapter"] == row["adapter"]
    for resource in ("model", "seed", "snapshot"):
        assert len(of_type(snapshot, resource)) == nodes.get(resource, 0)
    assert len(of_type(snapshot, "source")) == int(row["sources"])
    models = of_type(snapshot, "model")
    read = [key for key in links(snapshot, "READS_FROM") if key.source in models]
    assert len(read) == int(row["edges"])
    assert len([key for key in read if key.target not in snapshot.entities]) == int(row["lost"])
    groups = [said.name for said in snapshot.entities.values() if said.kind == "Group"]
    assert groups == ([row["owner"]] if row["owner"] else [])


@pytest.mark.parametrize("row", RUNS, ids=lambda row: str(row["file"]))
def test_results_of_runs(row: re.Match[str]) -> None:
    assert FOLDER
    [path] = (path for path in FOLDER.rglob("run_results.json") if str(path).endswith(f"/{row['file']}"))
    [snapshot] = read_paths([path.parent], source="real", only=["dbt"])
    (pipeline,) = (said for said in snapshot.entities.values() if said.kind == "Pipeline")
    assert pipeline.spec["lastRun"]["results"] == counts(row["results"])


@realworld
def test_what_seeds_of_the_jaffle_shop_affect(project: str) -> None:
    snapshot = read_file("dbt", f"{project}/target/manifest.json")
    readers = defaultdict(set)
    for key in links(snapshot, "READS_FROM"):
        readers[snapshot.entities[key.target].title].add(snapshot.entities[key.source].title)

    def affected(name: str) -> set[str | None]:
        return readers[name].union(*(affected(reader) for reader in readers[name] if reader))

    assert affected("raw_customers") == {"stg_customers", "customers"}
    assert affected("raw_orders") == {"stg_orders", "customers", "orders"}
    assert affected("raw_payments") == {"stg_payments", "customers", "orders"}
    assert affected("stg_orders") == {"customers", "orders"}


@pytest.mark.parametrize(("project", "joined"), [("postgres", 5), ("large", 5), ("test", 5)] if FOLDER else [])
def test_what_openlineage_tells_of_the_same_run_is_joined(project: str, joined: int) -> None:
    assert FOLDER
    [folder] = (path for path in FOLDER.rglob(project) if path.parent.name == "dbt")
    things = {
        Stated(snapshot.connector, ref): said.identifiers
        for snapshot in read_paths([folder], source="real", only=["dbt", "openlineage"])
        for ref, said in snapshot.entities.items()
    }
    groups = [group for group in correlate(things, Rules()) if len(group) > 1]
    assert len(groups) == joined
    assert all(len({ref.rpartition("/")[2] for ref in group}) == 1 for group in groups)
