"""What OpenLineage's producers call one dataset, and what of their addresses nobody may read."""

import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from graph_api.catalog.snapshot import ProblemCode, Severity, Snapshot
from graph_api.sources.reading import read_paths
from tests.sources.connectors import recorded

SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
PATH, TABLE, VIEW = (
    ("s3://raw", "warehouse/orders"),
    ("hive://meta:9083", "shop.orders"),
    ("trino://sql:8080", "orders"),
)
PATH_REF, MOVED_REF, TABLE_REF = (
    "dataset:openlineage-s3-raw/warehouse-orders",
    "dataset:openlineage-s3-raw/warehouse-moved",
    "dataset:openlineage-hive-meta-9083/shop.orders",
)
MOVED = ("s3://raw", "warehouse/moved")


def dataset(name: tuple[str, str], *symlinks: tuple[str, str]) -> dict[str, Any]:
    identifiers = [{"namespace": link[0], "name": link[1], "type": "TABLE"} for link in symlinks]
    return {"namespace": name[0], "name": name[1], "facets": {"symlinks": {"identifiers": identifiers}}}


def event(job: str, **sides: list[dict[str, Any]]) -> dict[str, Any]:
    times = {"eventType": "COMPLETE", "eventTime": "2026-03-02T04:00:00Z"}
    return {**times, "schemaURL": SCHEMA, "job": {"namespace": "spark", "name": job}, **sides}


def read(folder: Path, *events: dict[str, Any]) -> Snapshot:
    (folder / "events.json").write_bytes(orjson.dumps(list(events)))
    return read_paths([folder], source="lake", only=["openlineage"])[0]


def datasets(snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Identifiers by ref."""
    return {ref: said.identifiers for ref, said in snapshot.entities.items() if ref.startswith("dataset:")}


NAMES = tuple(sorted(f"dataset:{namespace}/{name}" for namespace, name in (PATH, TABLE)))


@pytest.mark.parametrize("turn", [1, -1])
def test_names_that_a_symlink_ties_together_are_one_dataset(turn: int, tmp_path: Path) -> None:
    written, read_ = event("writer", outputs=[dataset(PATH, TABLE)]), event("reader", inputs=[dataset(TABLE)])
    snapshot = read(tmp_path, *[written, read_][::turn])
    assert datasets(snapshot) == {PATH_REF: NAMES}
    assert {(key.source, key.relation, key.target) for key in snapshot.links} == {
        (PATH_REF, "WRITTEN_BY", "pipeline:openlineage-spark/writer"),
        ("pipeline:openlineage-spark/reader", "READS_FROM", PATH_REF),
    }


def test_they_are_tied_through_others_too(tmp_path: Path) -> None:
    found = datasets(read(tmp_path, event("a", inputs=[dataset(TABLE, VIEW), dataset(PATH, TABLE), dataset(VIEW)])))
    assert found.keys() == {TABLE_REF}


def test_names_that_each_tell_all_the_others_are_one_dataset(tmp_path: Path) -> None:
    rows = [dataset(PATH, TABLE, VIEW), dataset(TABLE, VIEW, PATH), dataset(VIEW, PATH, TABLE)]
    assert datasets(read(tmp_path, event("a", inputs=rows))).keys() == {TABLE_REF}


def test_a_symlink_of_two_datasets_is_neither_of_them(tmp_path: Path) -> None:
    rows = [dataset(PATH, TABLE), dataset(MOVED, TABLE), dataset(TABLE)]
    assert datasets(read(tmp_path, event("a", inputs=rows))).keys() == {PATH_REF, MOVED_REF, TABLE_REF}


def test_names_of_one_ref_are_told_once(tmp_path: Path) -> None:
    rows = [dataset(("s3://raw", name)) for name in ("warehouse/orders", "warehouse-orders", "Warehouse/Orders")]
    snapshot = read(tmp_path, event("a", inputs=rows), event("b", inputs=rows))
    assert [(row.code, row.severity, row.ref, row.message) for row in snapshot.problems] == [
        (
            ProblemCode.DUPLICATE,
            Severity.WARNING,
            PATH_REF,
            "warehouse-orders and warehouse/orders are one entity here: both names make one ref; rename one of them",
        )
    ]


def test_a_symlink_without_namespace_ties_nothing(tmp_path: Path) -> None:
    rows = [dataset(PATH, ("", "orders")), dataset(("", "orders"))]
    assert len(datasets(read(tmp_path, event("a", inputs=rows)))) == 2


@pytest.mark.parametrize(
    ("namespace", "kept"),
    [
        ("postgres://u:canary@secret@db:5432", "postgres://db:5432"),
        ("https://secret@host", "https://host"),
        ("jdbc:mysql://u:secret@db", "jdbc:mysql://db"),
        ("sqlserver://h:1433;database=d;user=u;password={se;cret}", "sqlserver://h:1433;database=d"),
        ("sqlserver://h;password={a}};secret};database=d", "sqlserver://h;database=d"),
        ("sqlserver://h;password={a;secret;x=y", "sqlserver://h"),
        ("jdbc:sqlserver://h;password=secret;databaseName=d", "jdbc:sqlserver://h;databasename=d"),
        ("sqlserver://h;user=u@h2;password=p@secret", "sqlserver://h"),
        ("sqlserver://h;databasePassword=secret", "sqlserver://h"),
        ("jdbc:mysql://address=(host=h)(user=u)(password=p@secret)/db", "jdbc:mysql://address=(host=h)/db"),
        ("mysql://(user=u, password=secret, host=h,port=1)/db", "mysql://(host=h,port=1)/db"),
        ("oracle:thin:scott/secret@host:1521", "oracle:thin:@host:1521"),
        ("jdbc:oracle:thin:scott/secret@host:1521", "jdbc:oracle:thin:@host:1521"),
        ("jdbc:oracle:thin:@host:1521", "jdbc:oracle:thin:@host:1521"),
    ],
)
def test_credentials_in_addresses_are_not_kept(namespace: str, kept: str, tmp_path: Path) -> None:
    snapshot = read(tmp_path, event("a", inputs=[dataset((namespace, "shop.orders"))]))
    assert [*datasets(snapshot).values()] == [(f"dataset:{kept}/shop.orders",)]
    assert "secret" not in repr(recorded.told(snapshot))


def test_jobs_whose_names_differ_after_a_question_mark_are_two(tmp_path: Path) -> None:
    snapshot = read(tmp_path, event("load?full", inputs=[dataset(PATH)]), event("load?inc", inputs=[dataset(PATH)]))
    assert {ref for ref in snapshot.entities if ref.startswith("pipeline:")} == {
        "pipeline:openlineage-spark/load-full",
        "pipeline:openlineage-spark/load-inc",
    }


@pytest.mark.parametrize("hostile", [";a=b" + "{" * 1_000_000, ";a={" * 250_000])
@pytest.mark.parametrize("side", ["namespace", "name"])
def test_no_name_takes_long(side: str, hostile: str, tmp_path: Path) -> None:
    row = {"namespace": "sqlserver://h", "name": "shop.orders", side: hostile}
    begun = time.process_time()
    snapshot = read(tmp_path, event("a", inputs=[row, dataset(PATH)]))
    assert time.process_time() - begun < 2
    assert datasets(snapshot).keys() == {PATH_REF}, "what is too long is no name"
