"""`graph-api serve --workers`: several processes that answer as one."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph_api.cli.workers import share_of
from graph_api.settings import Settings
from tests.commands import Server, run, serving
from tests.conftest import wipe
from tests.ports import free_port

CONNECTIONS = 16
"""New ones: that one worker gets them all is once in 30,000 times."""
PUT = """mutation($name: String!) {
  putEntities(entities: [{kind: "component", name: $name}]) { revision userErrors { message } }
}"""
READ = "query($ref: String!) { entity(ref: $ref) { declared } }"
CHANGES = "subscription { changes(since: 0) { ref } }"


@pytest.fixture(scope="module", params=["embedded", "neo4j"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of Neo4j the workers have a mirror."""
    if request.param == "embedded":
        yield f"embedded:{tmp_path_factory.mktemp('workers') / 'catalog.db'}"
        return
    wipe(request.getfixturevalue("neo4j_driver"))
    user, password = request.getfixturevalue("neo4j_auth") or ("neo4j", "")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GRAPH_API_NEO4J_USER", user)
        environment.setenv("GRAPH_API_NEO4J_PASSWORD", password)
        yield request.getfixturevalue("neo4j_uri")


@pytest.fixture(scope="module")
def tokens(store: str) -> dict[str, str]:
    """By name, all there before the server, which knows new ones a few seconds later."""
    return {name: new_key(store, name) for name in ("lasting", "revoked")}


@pytest.fixture(scope="module")
def server(store: str, tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:  # noqa: ARG001 - there first
    log = tmp_path_factory.mktemp("log") / "server.log"
    port = free_port(in_a_row=2)
    options = ("--workers", "2", "--store", store, "--admin-port", str(port))
    with log.open("wb") as output, serving(*options, log=output) as server:
        wait_until(lambda: len(workers_of(server)) == 2)
        if store.startswith("embedded:"):
            yield server
        else:
            wait_until(lambda: _have_mirror(port))
            yield server
            wait_until(lambda: _have_mirror(port))
        workers = workers_of(server)
    assert not any(Path("/proc", str(pid)).exists() for pid in workers)


def _have_mirror(port: int) -> bool:
    """Both of them, by what operators find at this port and the next."""
    try:
        first, second = (httpx.get(f"http://127.0.0.1:{port + number}/metrics").text for number in range(2))
    except httpx.TransportError:
        return False
    return all('graph_api_mirror_state{state="current"} 1.0' in metrics for metrics in (first, second))


def new_key(store: str, name: str) -> str:
    printed = run("keys", "create", "--name", name, "--role", "admin", "--store", store)
    assert printed.exit_code == 0, printed.output
    return printed.stdout.split()[-1]


def workers_of(server: Server) -> list[int]:
    children = Path("/proc", str(server.pid), "task", str(server.pid), "children")
    pids = children.read_text().split() if children.exists() else []
    return [int(pid) for pid in pids if b"spawn_main" in _command_of(pid)]


def _command_of(pid: str) -> bytes:
    try:
        return Path("/proc", pid, "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""  # it has ended since it was listed


def wait_until(holds: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def ask(server: Server, token: str, query: str, **variables: Any) -> httpx.Response:
    """Over a connection of its own, and again while the store has not said in time which keys are good."""
    headers = {"authorization": f"Bearer {token}"}
    body = {"query": query, "variables": variables}
    end = time.monotonic() + 30
    # A worker that is just starting has connections already, and answers them a little later.
    while True:
        answer = httpx.post(f"{server.url}/graphql", json=body, headers=headers)
        if "which keys are good" not in answer.text or time.monotonic() > end:
            return answer


def ask_all(server: Server, token: str, query: str, **variables: Any) -> list[httpx.Response]:
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        asked = [pool.submit(ask, server, token, query, **variables) for _ in range(CONNECTIONS)]
        return [answer.result() for answer in asked]


def put(server: Server, token: str, name: str) -> None:
    answer = ask(server, token, PUT, name=name).json()
    assert answer["data"]["putEntities"]["userErrors"] == []


def check_that_all_know(server: Server, token: str, name: str) -> None:
    found = ask_all(server, token, READ, ref=f"component:default/{name}")
    assert [row.json()["data"]["entity"] for row in found] == [{"declared": True}] * CONNECTIONS


def test_what_one_has_written_all_know(server: Server, tokens: dict[str, str]) -> None:
    for number in range(3):
        put(server, tokens["lasting"], f"shared-{number}")
        check_that_all_know(server, tokens["lasting"], f"shared-{number}")


def test_a_listener_hears_of_what_any_of_them_writes(server: Server, tokens: dict[str, str]) -> None:
    token = tokens["lasting"]
    names = [f"heard-{number}" for number in range(8)]
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    with httpx.stream("POST", f"{server.url}/graphql", json={"query": CHANGES}, headers=headers) as response:
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
    with standing_still(server.pid):  # which would replace it
        os.kill(died, signal.SIGKILL)
        wait_until(lambda: _is_answered(server, token))
    wait_until(lambda: died not in workers_of(server) and len(workers_of(server)) == 2)
    assert other in workers_of(server)
    put(server, token, "written-after")
    check_that_all_know(server, token, "written-after")


def test_what_was_written_before_one_died_all_know(server: Server, tokens: dict[str, str]) -> None:
    token = tokens["lasting"]

    def write_on(name: str) -> list[str]:
        """What was acknowledged until the worker that was asked died."""
        written: list[str] = []
        with suppress(httpx.TransportError):
            for number in range(8):
                answer = ask(server, token, PUT, name=f"{name}-{number}").json()
                if (payload := answer["data"]["putEntities"]) is None:
                    break  # Neo4j has not yet noticed that the one that had its lock is dead.
                assert payload["userErrors"] == []
                written.append(f"{name}-{number}")
                is_writing.set()
        return written

    is_writing = threading.Event()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        writing = [pool.submit(write_on, f"writer{number}") for number in range(CONNECTIONS)]
        assert is_writing.wait(60)
        os.kill(workers_of(server)[0], signal.SIGKILL)
        written = [name for row in writing for name in row.result()]
    assert written
    wait_until(lambda: len(workers_of(server)) == 2)
    wait_until(lambda: _is_answered(server, token))
    for name in written:
        check_that_all_know(server, token, name)


def _is_answered(server: Server, token: str) -> bool:
    try:
        return ask(server, token, READ, ref="component:default/any").status_code == 200
    except httpx.TransportError:  # it went to the one that dies
        return False


@pytest.mark.parametrize("store", ["neo4j"], indirect=True)
def test_the_next_start_goes_on_from_the_mirror(store: str, tmp_path: Path) -> None:
    token, made = new_key(store, "kept"), []
    for name in ("first", "second"):
        port = free_port(in_a_row=2)
        options = ("--workers", "2", "--store", store, "--mirror-folder", str(tmp_path), "--admin-port", str(port))
        with (tmp_path / "log").open("wb") as log, serving(*options, log=log) as server:
            wait_until(partial(_have_mirror, port))
            put(server, token, name)
            check_that_all_know(server, token, "first")
            made.append(sorted(path.name for path in tmp_path.glob("copy-*") if path.suffix == ""))
    assert made[0] == made[1]


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
