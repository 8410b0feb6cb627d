"""The least that could be done for the questions that peers are asked too."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson
from neo4j import GraphDatabase, Session

from benchmarks.floors import embedded_impact
from benchmarks.measure import time_calls
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot

_LOOKUP = "MATCH (e:Entity {ref: $ref}) RETURN e {.*} AS e"
_DEPENDENTS = "MATCH (:Entity {ref: $ref})<-[:DEPENDS_ON]-(e) RETURN e.ref, e.name"
_STATEMENTS = {"Q1": _LOOKUP, "Q4": _DEPENDENTS}


def floors(uri: str, url: str, queries: Path, parameters: Mapping[str, Any], snapshot: Snapshot) -> dict[str, str]:
    """By question, in words: what orjson, the driver and the walk alone take, one at a time, in milliseconds."""
    found = {}
    with (
        GraphDatabase.driver(uri) as driver,
        driver.session() as session,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        for name, question in json.loads(queries.read_text())["queries"].items():
            first = parameters[name][0]
            parts = [f"orjson {_writing(client, question, first):.2f}"]
            if statement := _STATEMENTS.get(name):
                parts.append(f"driver {_driver(session, statement, first['ref']):.2f}")
            if name == "Q5":
                times = embedded_impact(snapshot, Ref(first["ref"]), ("DEPENDS_ON",))
                parts.append(f"walk {times.median:.2f}")
            found[name] = ", ".join(parts)
    return found


def _writing(client: httpx.Client, question: Mapping[str, Any], values: Mapping[str, Any]) -> float:
    """Of the answer as JSON."""
    variables = {name: values[value.removeprefix("$")] for name, value in question["variables"].items()}
    answer = client.post("/graphql", json={"query": question["query"], "variables": variables}).json()
    return time_calls(partial(orjson.dumps, answer)).median


def _driver(session: Session, statement: str, ref: str) -> float:
    return time_calls(lambda: session.run(statement, ref=ref).data()).median
