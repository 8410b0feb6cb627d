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
from graph_api.local_neo4j.process import exclusive, launch, started_at, terminate

DEFAULT_VERSION = "2026.08.1"
_STATE = "running.json"
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
    pagecache: str = "256m",
) -> Running:
    """Starts Neo4j with its data in `home`, on 127.0.0.1 only, and returns once it answers queries.

    Where one runs from this home already, that one is returned as it is, whatever its port and version.
    The first start of a version downloads it. `heap` and `pagecache` are sizes like 512m or 2g.
    Raises LocalNeo4jError if the port is taken, Java or a download tool is missing, or the server gives up.
    """
    home = home.expanduser().resolve()
    with exclusive(home / ".lock"):
        if running := status(home):
            progress(f"Neo4j {running.version} runs already at {running.uri}")
        else:
            running = _launch(home, bolt_port, version, heap, pagecache, progress)
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
    running = Running(**state, home=home, log=_log(home))
    return running if started_at(running.pid) == running.started else None
