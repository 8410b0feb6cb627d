"""Row 19: what a reader may not see takes as long as what is not there."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from statistics import median
from typing import Any

import httpx

from reliability.asking import CERTIFICATES
from reliability.check import Bench, Check, Figure
from reliability.processes import UNMIRRORED
from reliability.servers import MANY, empty
from tests.commands import run, serving

RULES = json.dumps([{"tags": ["secret"], "to": ["security"]}])
SEEN, NAMES = 200, 40
ROUNDS, MOST = 4, 0.1
"""What takes longer because of something hidden does so in each round; what else the machine does, in some."""
PUT = "mutation ($all: [EntityInput!]!) { putEntities(entities: $all) { userErrors { message } } }"
ALL = "{ entities { totalCount } }"
QUESTIONS = {
    "lookup": "query ($ref: String!) { entity(ref: $ref) { ref } }",
    "impact": "query ($ref: String!) { impact(of: [$ref]) { totalCount } }",
    "filter": "query ($name: String!) { entities(filter: {name: {eq: $name}}) { totalCount } }",
    "search": "query ($name: String!) { search(text: $name) { totalCount } }",
}


def hidden_time(bench: Bench) -> Figure:
    figures = []
    for name, store in bench.stores("hidden").items():
        with _clients(bench, store) as (admin, viewer):
            _fill(admin)
            assert _ask(viewer, ALL)["entities"]["totalCount"] == SEEN
            found = {question: _difference(viewer, query) for question, query in QUESTIONS.items()}
        told = ", ".join(f"{question} {share:.0%}" for question, share in found.items())
        figures.append(Figure(f"{name}: {told}", max(found.values()) <= MOST))
    return figures[0] & figures[1]


@contextmanager
def _clients(bench: Bench, store: str) -> Iterator[list[httpx.Client]]:
    """An admin and a viewer of one server."""
    if store == bench.neo4j:
        empty(store)
    heads = [{"authorization": f"Bearer {_key(store, role)}"} for role in ("admin", "viewer")]
    environment = {"GRAPH_API_RESTRICTED": RULES, "GRAPH_API_RATE": MANY, **UNMIRRORED}
    with (
        (bench.folder / "server.log").open("ab") as log,
        serving("--store", store, environment=environment, log=log) as server,
    ):
        yield [httpx.Client(base_url=server.url, headers=head, timeout=30, verify=CERTIFICATES) for head in heads]


def _key(store: str, role: str) -> str:
    return run("keys", "create", "--name", role, "--role", role, "--store", store).stdout.split()[0]


def _fill(admin: httpx.Client) -> None:
    names = [_name("seen", number) for number in range(SEEN)]
    seen = [{"kind": "Component", "name": name, "spec": {"dependsOn": [f"component:{names[0]}"]}} for name in names[1:]]
    hidden = [{"kind": "Component", "name": _name("hidden", number), "tags": ["secret"]} for number in range(NAMES)]
    answer = _ask(admin, PUT, all=[{"kind": "Component", "name": names[0]}, *seen, *hidden])
    assert not answer["putEntities"]["userErrors"]


def _name(which: str, number: int) -> str:
    """Names that are not like each other: a search forgives slips."""
    return sha256(f"{which} {number}".encode()).hexdigest()[:12]


def _difference(viewer: httpx.Client, query: str) -> float:
    """By how much medians differ, as a share of the shorter one: in the first good round, or the best of all."""
    best = _difference_once(viewer, query)
    for _ in range(ROUNDS - 1):
        if best > MOST:
            best = min(best, _difference_once(viewer, query))
    return best


def _difference_once(viewer: httpx.Client, query: str) -> float:
    """In turns, so that what the machine does meanwhile is the same for both."""
    times: dict[str, list[float]] = {"hidden": [], "absent": []}
    for number in range(4 * NAMES):
        for which, taken in times.items():
            name = _name(which, number % NAMES)
            begin = time.perf_counter()
            _ask(viewer, query, name=name, ref=f"component:default/{name}")
            taken.append(time.perf_counter() - begin)
    short, long = sorted(map(median, times.values()))
    return long / short - 1


def _ask(client: httpx.Client, query: str, **variables: object) -> Any:
    answer = client.post("/graphql", json={"query": query, "variables": variables}).raise_for_status().json()
    return answer["data"]


CHECKS = (Check(19, "hidden means hidden", "within 10 % of the time of what is not there", hidden_time),)
