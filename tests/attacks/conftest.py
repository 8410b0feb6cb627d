"""Both stores with the demo organization, each behind a server in a process of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commands import serving
from tests.conftest import wipe


@dataclass(frozen=True, slots=True)
class Target:
    url: str
    log: Path
    pid: int


@pytest.fixture(scope="package", params=["embedded", "neo4j"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """At the end, none of what was done to it may have been a defect."""
    folder = tmp_path_factory.mktemp("attacked")
    store = f"embedded:{folder / 'catalog.db'}"
    environment = {"GRAPH_API_LOG_FORMAT": "json"}
    if request.param == "neo4j":
        wipe(request.getfixturevalue("neo4j_driver"))
        store = request.getfixturevalue("neo4j_uri")
        if auth := request.getfixturevalue("neo4j_auth"):
            environment |= {"GRAPH_API_NEO4J_USER": auth[0], "GRAPH_API_NEO4J_PASSWORD": auth[1]}
    log = folder / "server.log"
    with (
        log.open("wb") as written,
        serving("--insecure-anonymous", "--demo", "--store", store, environment=environment, log=written) as server,
    ):
        yield Target(server.url, log, server.pid)
    assert "Traceback" not in log.read_text(encoding="utf-8")
