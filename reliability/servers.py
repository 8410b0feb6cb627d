"""Servers in processes of their own, on either store."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx
from neo4j import GraphDatabase

from reliability.asking import post
from reliability.check import Bench
from reliability.processes import UNMIRRORED
from tests.commands import Server, serving

MANY = "1000000"
"""Requests a second, for checks that are not about the rate."""


@contextmanager
def demo_server(bench: Bench, store: str, **settings: str) -> Iterator[Server]:
    """The demo organization, in an empty store. Settings by their names."""
    if store == bench.neo4j:
        empty(bench.neo4j)
    environment = {"GRAPH_API_RATE": MANY, "GRAPH_API_LOG_FORMAT": "json", **UNMIRRORED} | {
        f"GRAPH_API_{name.upper()}": value for name, value in settings.items()
    }
    log = bench.folder / "server.log"
    with (
        log.open("ab") as written,
        serving("--demo", "--insecure-anonymous", "--store", store, environment=environment, log=written) as server,
    ):
        yield server


def empty(uri: str) -> None:
    with GraphDatabase.driver(uri) as driver, driver.session() as session:
        session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS").consume()


def empty_stores(bench: Bench, name: str) -> dict[str, str]:
    """The bench's stores of this name, Neo4j's emptied."""
    empty(bench.neo4j)
    return bench.stores(name)


def ask(server: Server, query: str, variables: Mapping[str, object] | None = None) -> httpx.Response:
    return post(server.url, {"query": query, "variables": dict(variables or {})}, 30)
