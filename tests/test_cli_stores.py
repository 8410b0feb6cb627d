"""Which store a command uses, says, and makes."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.commands import ask, readiness, run, served, write

STORE = "embedded:catalog.db"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_API_STORE", STORE)


@pytest.mark.parametrize("arguments", [["query", "{ __typename }"], ["sync", "--confirm", "0123456789abcdef"]])
def test_a_catalog_that_is_not_there_is_said_and_not_made(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 4
    assert f"there is no catalog at {STORE}" in result.stderr
    assert "graph-api sync PATH" in result.stderr
    assert list(Path().iterdir()) == []


def test_a_dry_run_on_a_catalog_that_is_not_there_makes_none() -> None:
    result = run("sync", write("checkout"), "--dry-run")
    assert result.exit_code == 0
    assert "entities 1 added" in result.stdout
    assert not Path("catalog.db").exists()


def test_a_sync_says_where_it_wrote() -> None:
    folder = write("checkout")
    assert f"applied (revision 1) in {STORE}" in run("sync", folder).stdout
    assert "in embedded:other.db" in run("sync", folder, "--store", "embedded:other.db").stdout


def test_a_query_in_memory_has_an_empty_catalog() -> None:
    result = run("query", "{ entities { totalCount } }", "--store", "embedded::memory:")
    assert json.loads(result.stdout) == {"data": {"entities": {"totalCount": 0}}}


def test_a_server_of_an_empty_catalog_says_how_to_fill_it() -> None:
    with served("--insecure-anonymous") as (printed, url):
        assert f"graph-api sync PATH --store {STORE}" in printed
        put = 'mutation { putEntities(entities: [{kind: "Component", name: "mine"}]) { revision } }'
        assert httpx.post(f"{url}/graphql", json={"query": put}).json()["data"] == {"putEntities": {"revision": 1}}
    with served("--insecure-anonymous") as (printed, _):
        assert "empty" not in printed
    assert ask("{ entities { totalCount } }") == {"entities": {"totalCount": 1}}


@pytest.mark.parametrize(
    "arguments",
    [("query", "{ entities { totalCount } }"), ("backup", "a.backup"), ("restore", "b.backup", "--replace")],
)
def test_a_damaged_file_is_said_with_what_to_do(arguments: tuple[str, ...], caplog: pytest.LogCaptureFixture) -> None:
    run("sync", write("checkout"))
    run("backup", "b.backup")
    content = Path("catalog.db").read_bytes()
    Path("catalog.db").write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    result = run(*arguments)
    assert (result.exit_code, "is damaged; move it away" in result.stderr) == (4, True), result.stderr
    assert [record.exc_info for record in caplog.records] == [None]
    assert not Path("a.backup").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("store", "message"),
    [
        ("embedded:notes.md", "the catalog's file is no database; choose another file"),
        ("embedded:notes.md/a/catalog.db", "the catalog's file or its folder cannot be made: Not a directory"),
    ],
)
def test_a_server_ends_where_its_file_cannot_be_a_catalog(store: str, message: str, workers: str) -> None:
    Path("notes.md").write_text("# Notes\n" * 100, encoding="utf-8")
    result = run("serve", "--insecure-anonymous", "--store", store, "--port", "0", "--workers", workers)
    assert (result.exit_code, f"Error: {store}: {message} (UNAVAILABLE)\n" in result.stderr) == (4, True), result.stderr
    assert "serves" not in result.stdout


def test_what_does_not_count_as_a_catalog_says_nothing_of_who_may_sign_in() -> None:
    Path("notes.md").write_text("# Notes\n" * 100, encoding="utf-8")
    for command in (["serve"], ["query", "{ __typename }"], ["sync", write("checkout")]):
        result = run(*command, "--store", "embedded:notes.md")
        assert result.exit_code == 4
        assert result.stderr.splitlines()[-1].startswith("Error: embedded:notes.md: the catalog's file is no database")


def test_a_server_waits_for_a_file_that_another_program_writes_to() -> None:
    run("sync", write("checkout"))
    with closing(sqlite3.connect("catalog.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with served("--insecure-anonymous") as (_, url):
            assert httpx.get(f"{url}/livez").status_code == 200
            other.execute("ROLLBACK")
            other.close()
            assert readiness(url).json() == {"status": "ok"}
