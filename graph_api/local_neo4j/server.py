"""Starts, finds and stops one Neo4j Community server per home folder."""

import json
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from neo4j import Driver, GraphDatabase
from neo4j.exceptions import DriverError, Neo4jError

from graph_api.local_neo4j.artifacts import ensure_jars, main_class
from graph_api.local_neo4j.configuration import jvm_options, minimum_java, neo4j_conf
from graph_api.local_neo4j.errors import LocalNeo4jError
from graph_api.local_neo4j.java import find_java
from graph_api.local_neo4j.process import launch, started_at, terminate
from graph_api.locking import exclusive

DEFAULT_VERSION = "2026.08.1"
_STATE = "running.json"
_LOG = "console.log"
_START_SECONDS = 120.0
_POLL = 0.1


@dataclass(frozen=True)
class Running:
    """A server that `start` started. Whoever is on this machine can connect to `uri`, without a password."""

    uri: str
    pid: int
    started: str
    """When its process started, as the system says it: with the pid it names one process for good."""
    version: str
    home: Path
    log: Path


def start(
    home: Path,
    *,
    progress: Callable[[str], None],
    bolt_port: int = 7687,
    version: str = DEFAULT_VERSION,
    heap: str = "512m",
) -> Running:
    """Starts Neo4j with its data in `home`, on 127.0.0.1 only, and returns once it answers queries.

    Where one runs from this home already, that one is returned as it is, whatever its port and version.
    The first start of a version downloads it. `heap` is a size like 512m or 2g.
    Raises LocalNeo4jError if the port is taken, Java or a download tool is missing, or the server gives up.
    """
    home = home.expanduser().resolve()
    with exclusive(home / ".lock"):
        if running := status(home):
            progress(f"Neo4j {running.version} runs already at {running.uri}")
            _await_answer(running)
            return running
        conf = neo4j_conf(version, bolt_port, heap)
        java, java_version = find_java(minimum_java(version))
        lib = ensure_jars(version, progress)
        _refuse_taken_port(bolt_port)
        progress(f"Starting Neo4j {version} on 127.0.0.1:{bolt_port} with {java}")
        options = [*jvm_options(java_version, heap, lib), "-cp", f"{lib}/*", main_class(lib, version)]
        running = _launch(home, bolt_port, version, conf, [str(java), *options])
        try:
            _await_answer(running)
        except BaseException:
            stop(home)
            raise
        return running


def stop(home: Path) -> bool:
    """Stops the server that `start` started in `home`, and nothing else; False if none runs.

    Raises LocalNeo4jError if the server cannot be stopped.
    """
    running = status(home)
    if running is None:
        return False
    terminate(running.pid, running.started)
    (running.home / _STATE).unlink(missing_ok=True)
    return True


def status(home: Path) -> Running | None:
    """The server that `start` started in `home`, if its process lives; it may still be starting."""
    home = home.expanduser().resolve()
    try:
        state = json.loads((home / _STATE).read_bytes())
    except FileNotFoundError:
        return None
    running = Running(**{**state, "home": home, "log": home / _LOG})
    return running if started_at(running.pid) == running.started else None


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that has just been freed is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LocalNeo4jError(
                f"Port {port} on 127.0.0.1 is not free ({error.strerror}). "
                "Stop the program that has it, or choose another port."
            ) from error


def _launch(home: Path, bolt_port: int, version: str, conf: str, java: list[str]) -> Running:
    (home / "import").mkdir(exist_ok=True)
    (home / "conf").mkdir(exist_ok=True)
    (home / "conf" / "neo4j.conf").write_text(conf)
    pid = launch([*java, f"--home-dir={home}", f"--config-dir={home / 'conf'}"], home / _LOG)
    running = Running(f"bolt://127.0.0.1:{bolt_port}", pid, started_at(pid) or "", version, home, home / _LOG)
    partial = home / f"{_STATE}.partial"
    partial.write_text(json.dumps(asdict(running), default=str))
    partial.rename(home / _STATE)
    return running


def _await_answer(running: Running) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with GraphDatabase.driver(running.uri, connection_timeout=5) as driver:
        while not _answers(driver):
            if status(running.home) is None:
                raise LocalNeo4jError(f"Neo4j {running.version} ended while starting:\n{_tail(running.log)}")
            if time.monotonic() > deadline:
                raise LocalNeo4jError(
                    f"Neo4j {running.version} (pid {running.pid}) does not answer at {running.uri}; stop it, "
                    f"and start it again. Its log:\n{_tail(running.log)}"
                )
            time.sleep(_POLL)


def _answers(driver: Driver) -> bool:
    try:
        with driver.session() as session:
            session.run("RETURN 1").consume()
    except (DriverError, Neo4jError):
        return False
    return True


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])
