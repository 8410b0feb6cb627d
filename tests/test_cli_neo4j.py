"""The installed command on a Neo4j that is fresh, slow, or not as the settings say."""

import asyncio
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import neo4j
import pytest

from tests.commands import run, served, serving, write
from tests.conftest import wipe
from tests.lines import Cuttable, Line

PAUSE = 6.0
"""Seconds: longer than a server's first try."""
IN_A_HANDSHAKE = 8
"""Pieces of data, at most."""


@pytest.fixture
def uri(
    neo4j_uri: str,
    neo4j_auth: tuple[str, str] | None,
    neo4j_driver: neo4j.Driver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Of an empty database."""
    wipe(neo4j_driver)
    monkeypatch.chdir(tmp_path)
    user, password = neo4j_auth or ("neo4j", "")
    monkeypatch.setenv("GRAPH_API_NEO4J_USER", user)
    monkeypatch.setenv("GRAPH_API_NEO4J_PASSWORD", password)
    return neo4j_uri


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, which has a log of its own."""
    command = [sys.executable, "-c", "from graph_api.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


async def pausing(line: Cuttable) -> None:
    """Once it has said something, the database says nothing for a while."""
    line.silent_after = IN_A_HANDSHAKE
    while line.line is Line.UP:  # noqa: ASYNC110 - another program connects
        await asyncio.sleep(0.01)
    await asyncio.sleep(PAUSE)
    line.set(Line.UP)


def line_to(uri: str) -> Cuttable:
    address = urlsplit(uri)
    return Cuttable(address.hostname or "127.0.0.1", address.port or 7687)


async def test_a_demo_whose_store_takes_long_to_open_lets_everybody_in(uri: str) -> None:
    def ask(store: str) -> tuple[str, int]:
        with served("--demo", "--store", store) as (printed, url):
            answer = httpx.post(f"{url}/graphql", json={"query": "{ systems { totalCount } }"})
            return printed, answer.json()["data"]["systems"]["totalCount"]

    line = line_to(uri)
    async with line.listening():
        (printed, systems), _ = await asyncio.gather(
            asyncio.to_thread(ask, f"bolt://127.0.0.1:{line.port}"), pausing(line)
        )
    assert "INSECURE: there is no sign-in" in printed
    assert systems == 18


async def test_a_server_that_nobody_could_sign_in_to_does_not_start_however_long_its_store_takes(uri: str) -> None:
    line = line_to(uri)
    async with line.listening():
        store = f"bolt://127.0.0.1:{line.port}"
        ended, _ = await asyncio.gather(asyncio.to_thread(program, "serve", "--store", store), pausing(line))
    assert ended.returncode == 2
    assert "nobody could sign in: there is no API key in" in ended.stderr


def test_a_server_says_that_it_cannot_tell_who_may_sign_in_while_its_database_is_down(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log, serving("--store", "bolt://127.0.0.1:1", log=log):
        pass
    said = (tmp_path / "log").read_text(encoding="utf-8")
    assert said.count("Nobody can tell yet whether bolt://127.0.0.1:1 has a key to sign in with: the database") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("query", "{ __typename entities { totalCount } }"),
        ("sync", "files"),
        ("backup", "a.backup"),
        ("restore", "b.backup"),
        ("keys", "list"),
        ("keys", "create", "--name", "ann", "--role", "admin"),
        ("audit", "verify"),
        ("serve", "--insecure-anonymous"),
        ("serve", "--demo"),
        ("serve",),
    ],
)
def test_a_database_that_is_not_there_is_said_with_its_name_and_place(uri: str, arguments: tuple[str, ...]) -> None:
    write("checkout")
    assert run("backup", "b.backup", "--store", "embedded::memory:").exit_code == 0
    ended = program(*arguments, "--store", uri, "--neo4j-database", "nope")
    message = f"Error: there is no database nope at {uri}; see the setting neo4j_database (UNAVAILABLE)\n"
    assert (ended.returncode, ended.stderr.partition(" ...\n")[2] or ended.stderr) == (4, message)


@pytest.mark.parametrize("scheme", ["bolt", "neo4j"])
def test_a_server_that_is_not_there_is_said_with_its_place_and_nothing_else(scheme: str) -> None:
    store = f"{scheme}://127.0.0.1:1"
    ended = program("query", "{ entities { totalCount } }", "--store", store)
    message = f"Error: {store}: the database does not answer (ServiceUnavailable); try again (UNAVAILABLE)\n"
    assert (ended.returncode, ended.stderr) == (4, message)
