import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import neo4j
import pytest

from graph_api import local_neo4j
from graph_api.local_neo4j.artifacts import ensure_jars
from graph_api.local_neo4j.java import find_java
from graph_api.local_neo4j.process import launch, started_at
from tests.ports import free_port


def silent(_: str) -> None:
    pass


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local_neo4j.Running]:
    home = tmp_path_factory.mktemp("neo4j") / "a home"
    yield local_neo4j.start(home, progress=silent, bolt_port=free_port())
    local_neo4j.stop(home)


@pytest.fixture
def driver(running: local_neo4j.Running) -> Iterator[neo4j.Driver]:
    with neo4j.GraphDatabase.driver(running.uri) as driver:
        yield driver


def test_a_started_server_answers_and_is_found(running: local_neo4j.Running, driver: neo4j.Driver) -> None:
    assert driver.execute_query("RETURN 1 AS one").records[0]["one"] == 1
    assert local_neo4j.status(running.home) == running


def test_starting_again_gives_the_running_server(running: local_neo4j.Running) -> None:
    assert local_neo4j.start(running.home, progress=silent, bolt_port=free_port()) == running


@pytest.mark.parametrize("url", ["file:///secret.csv", "http://127.0.0.1:9/secret.csv"])
def test_queries_reach_neither_files_nor_addresses(
    running: local_neo4j.Running, driver: neo4j.Driver, url: str
) -> None:
    (running.home / "import" / "secret.csv").write_text("a,b\n")
    with pytest.raises(neo4j.exceptions.Neo4jError, match=r"allow_csv_import_from_file_urls|blocked"):
        driver.execute_query("LOAD CSV FROM $url AS row RETURN row", url=url)


def test_it_has_the_limits_that_neo4j_lacks(driver: neo4j.Driver) -> None:
    rows = driver.execute_query("SHOW SETTINGS YIELD name, value RETURN name, value").records
    settings = {row["name"]: row["value"] for row in rows}
    assert settings["db.transaction.timeout"] == "30s"
    assert settings["db.lock.acquisition.timeout"] == "10s"
    assert settings["db.memory.transaction.max"] != "0B"
    assert "apoc" not in settings["dbms.security.procedures.allowlist"]


def test_a_taken_port_is_refused(running: local_neo4j.Running, tmp_path: Path) -> None:
    port = int(running.uri.rpartition(":")[2])
    with pytest.raises(local_neo4j.LocalNeo4jError, match=f"Port {port} on 127.0.0.1 is not free"):
        local_neo4j.start(tmp_path, progress=silent, bolt_port=port)
    assert local_neo4j.status(tmp_path) is None


def test_only_the_very_process_that_was_started_is_stopped(running: local_neo4j.Running, tmp_path: Path) -> None:
    stranger = launch(["sleep", "60"], tmp_path / "log")
    born = started_at(stranger)
    assert born
    state = json.loads((running.home / "running.json").read_text())
    (tmp_path / "running.json").write_text(json.dumps({**state, "pid": stranger}))

    assert not local_neo4j.stop(tmp_path)
    assert started_at(stranger) == born

    (tmp_path / "running.json").write_text(json.dumps({**state, "pid": stranger, "started": born}))
    assert local_neo4j.stop(tmp_path)
    assert started_at(stranger) is None
    assert local_neo4j.status(running.home) == running


def test_a_stopped_server_is_gone(running: local_neo4j.Running) -> None:
    assert local_neo4j.stop(running.home)
    assert local_neo4j.status(running.home) is None
    assert not local_neo4j.stop(running.home)


def test_a_server_that_ends_while_starting_tells_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says = """[ "$1" = -version ] && echo 'openjdk version "99"' >&2 || { echo 'no memory for me' >&2; exit 1; }"""
    program(tmp_path / "bin" / "java", says)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(local_neo4j.LocalNeo4jError, match=r"ended while starting:\nno memory for me"):
        local_neo4j.start(tmp_path / "home", progress=silent, bolt_port=free_port())
    assert local_neo4j.status(tmp_path / "home") is None


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("version", "4.4.1", "'4.4.1' is no version to run here"),
        ("version", "../2026", "is no version to run here"),
        ("heap", "lots", "'lots' is no size of memory"),
        ("heap", "1%", "'1%' is no size of memory"),
    ],
)
def test_a_bad_argument_is_refused(tmp_path: Path, argument: str, value: str, message: str) -> None:
    with pytest.raises(local_neo4j.LocalNeo4jError, match=message):
        local_neo4j.start(tmp_path, progress=silent, **{argument: value})  # type: ignore[arg-type] # a text for any of them


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "99.0.2" 2060-01-01', 99),
        ('java version "98"', 98),
        ('openjdk version "97-ea" 2060-01-01', 97),
    ],
)
def test_java_home_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, version: int) -> None:
    java = program(tmp_path / "bin" / "java", f"echo '{says}' >&2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert find_java(90) == (java, version)


def test_an_old_java_is_named_and_the_way_out_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = program(tmp_path / "home" / "bin" / "java", """echo 'java version "1.8.0_402"' >&2""")
    broken = program(tmp_path / "path" / "java", "exit 1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(broken.parent))
    with pytest.raises(local_neo4j.LocalNeo4jError) as error:
        find_java(90)
    assert f"needs Java 90 or newer; found: {old} (8), {broken} (no answer)" in str(error.value)
    assert "pip install 'graph-api[neo4j-local]'" in str(error.value)


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for Maven on PATH; tests write what it does."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("GRAPH_API_CACHE", str(tmp_path / "cache"))
    return tmp_path / "bin" / "mvn"


def test_two_at_once_download_once(maven: Path, tmp_path: Path) -> None:
    program(maven, f'for lib in "$@"; do :; done; touch "${{lib#*=}}/a.jar"; echo x >> {tmp_path}/downloads')
    with ThreadPoolExecutor() as threads:
        folders = list(threads.map(lambda _: ensure_jars("5.0.0", silent), range(3)))
    assert folders == [tmp_path / "cache" / "neo4j-5.0.0" / "lib"] * 3
    assert [jar.name for jar in folders[0].iterdir()] == ["a.jar"]
    assert (tmp_path / "downloads").read_text() == "x\n"


def test_a_failed_download_leaves_nothing_and_can_be_repeated(maven: Path) -> None:
    program(maven, 'for lib in "$@"; do :; done; touch "${lib#*=}/half.jar"; echo "no such host"; exit 1')
    with pytest.raises(local_neo4j.LocalNeo4jError, match="no such host"):
        ensure_jars("5.0.0", silent)
    program(maven, 'for lib in "$@"; do :; done; touch "${lib#*=}/whole.jar"')
    assert [jar.name for jar in ensure_jars("5.0.0", silent).iterdir()] == ["whole.jar"]
