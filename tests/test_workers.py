"""`graph-api serve --workers`: several processes that answer as one."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph_api.cli.workers import share_of
from graph_api.settings import Settings
from tests.commands import Server, run, serving

CONNECTIONS = 16
"""New ones: that one worker gets them all is once in 30,000 times."""
PUT = """mutation($name: String!) {
  putEntities(entities: [{kind: "component", name: $name}]) { revision userErrors { message } }
}"""
READ = "query($ref: String!) { entity(ref: $ref) { declared } }"
CHANGES = "subscription { changes(since: 0) { ref } }"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"embedded:{tmp_path_factory.mktemp('workers') / 'catalog.db'}"


@pytest.fixture(scope="module")
def tokens(store: str) -> dict[str, str]:
    """By name, all there before the server, which knows new ones a few seconds later."""
    return {name: new_key(store, name) for name in ("lasting", "revoked")}


@pytest.fixture(scope="module")
def server(store: str, tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:  # noqa: ARG001 - there first
    log = tmp_path_factory.mktemp("log") / "server.log"
    with log.open("wb") as output, serving("--workers", "2", "--store", store, log=output) as server:
        wait_until(lambda: len(workers_of(server)) == 2)
        yield server
        workers = workers_of(server)
    assert not any(Path("/proc", str(pid)).exists() for pid in workers)


def new_key(store: str, name: str) -> str:
    printed = run("keys", "create", "--name", name, "--role", "admin", "--store", store)
    assert printed.exit_code == 0, printed.output
    return printed.stdout.split()[-1]


def workers_of(server: Server) -> list[int]:
    children = Path("/proc", str(server.pid), "task", str(server.pid), "children")
    pids = children.read_text().split() if children.exists() else []
    return [int(pid) for pid in pids if b"spawn_main" in Path("/proc", pid, "cmdline").read_bytes()]


def wait_until(holds: Callable[[], object], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


def ask(server: Server, token: str, query: str, **variables: Any) -> httpx.Response:
    """Over a connection of its own."""
    headers = {"authorization": f"Bearer {token}"}
    return httpx.post(f"{server.url}/graphql", json={"query": query, "variables": variables}, headers=headers)


def ask_all(server: Server, token: str, query: str, **variables: Any) -> list[httpx.Response]:
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        asked = [pool.submit(ask, server, token, query, **variables) for _ in range(CONNECTIONS)]
        return [answer.result() for answer in asked]


def test_what_one_has_written_all_know(server: Server, tokens: dict[str, str]) -> None:
    token = tokens["lasting"]
    for number in range(3):
        answer = ask(server, token, PUT, name=f"shared-{number}").json()
        assert answer["data"]["putEntities"]["userErrors"] == []
        found = ask_all(server, token, READ, ref=f"component:default/shared-{number}")
        assert [row.json()["data"]["entity"] for row in found] == [{"declared": True}] * CONNECTIONS


def test_a_listener_hears_of_what_any_of_them_writes(server: Server, tokens: dict[str, str]) -> None:
    token = tokens["lasting"]
    names = [f"heard-{number}" for number in range(8)]
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    with httpx.stream(
        "POST", f"{server.url}/graphql", json={"query": CHANGES}, headers=headers, timeout=10
    ) as response:
        for name in names:
            ask(server, token, PUT, name=name)
        lines = (line for line in response.iter_lines() if line.startswith("data: "))
        heard = ""
        while not all(name in heard for name in names):
            heard += next(lines)


def test_a_key_that_is_revoked_is_refused_by_all_within_five_seconds(
    server: Server, store: str, tokens: dict[str, str]
) -> None:
    token = tokens["revoked"]
    assert {row.status_code for row in ask_all(server, token, READ, ref="component:default/any")} == {200}
    assert run("keys", "revoke", token.split("_")[1], "--store", store).exit_code == 0
    time.sleep(5)
    assert {row.status_code for row in ask_all(server, token, READ, ref="component:default/any")} == {401}


def test_one_that_dies_is_replaced_while_the_others_answer(server: Server, tokens: dict[str, str]) -> None:
    token = tokens["lasting"]
    died, other = workers_of(server)
    os.kill(died, signal.SIGKILL)
    wait_until(lambda: died not in workers_of(server))
    assert ask(server, token, READ, ref="component:default/any").status_code == 200
    wait_until(lambda: len(workers_of(server)) == 2)
    assert other in workers_of(server)


def test_a_store_in_memory_is_of_one_process() -> None:
    result = run("serve", "--workers", "2", "--store", "embedded::memory:", "--insecure-anonymous")
    assert (result.exit_code, "memory" in result.stderr) == (2, True)


def test_together_they_allow_no_more_than_one_would() -> None:
    settings = Settings(workers=3, rate=90, max_running=64, max_streams=300, admin_port=9000)
    shares = [share_of(settings, index) for index in range(3)]
    assert [share.admin_port for share in shares] == [9000, 9001, 9002]
    assert sum(share.rate for share in shares) <= 90
    assert sum(share.max_streams for share in shares) <= 300
    assert sum(share.max_running for share in shares) <= 64
    assert sum(share.max_waiting for share in shares) <= settings.max_waiting
