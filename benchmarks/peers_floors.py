"""The least that could be done for the questions that peers are asked too, and for their writes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import orjson
from neo4j import GraphDatabase, Session

from benchmarks.floors import embedded_impact
from benchmarks.measure import time_calls
from graph_api.catalog.entity import LinkKey, LinkStatement
from graph_api.catalog.merge import merge_entity, merge_link
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.store.neo4j.cypher_writes import CREATE_ENTITIES, CREATE_LINKS
from graph_api.store.neo4j.records import entity_record, link_record

_LOOKUP = "MATCH (e:Entity {ref: $ref}) RETURN e {.*} AS e"
_DEPENDENTS = "MATCH (:Entity {ref: $ref})<-[:DEPENDS_ON]-(e) RETURN e.ref, e.name"
_STATEMENTS = {"Q1": _LOOKUP, "Q4": _DEPENDENTS}
_CREATE = CREATE_ENTITIES.format(labels="Entity:Component:Floor")
_ERASE = "MATCH (e:Floor) CALL (e) { DETACH DELETE e } IN TRANSACTIONS OF 5000 ROWS"
_AT = "2026-01-01T00:00:00.000Z"
_LINKED_BY = ("OWNED_BY", "PART_OF", "RUNS_ON")


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


def write_floors(uri: str, queries: Path, snapshot: Snapshot) -> dict[str, str]:
    """By way to write, in words: what the driver and the database alone take for the rows of a request, with three
    links of each entity, in one transaction, one at a time, in milliseconds. Nothing is planned, recorded or told.

    Before anybody serves the catalog: they are written into it, and deleted.
    """
    components = [said for said in snapshot.entities.values() if said.kind == "Component"]
    target = next(said.ref for said in snapshot.entities.values() if said.kind == "Resource")
    found, numbers = {}, count()
    with GraphDatabase.driver(uri) as driver, driver.session() as session:
        # The largest come first, so that the database is warm for those that take it the shortest.
        for way, request in reversed(json.loads(queries.read_text())["ingest"].items()):
            some = components[: request["batch"]]
            rows = [entity_record(merge_entity(said.ref, {"peers": said}), 1, 1, _AT) for said in some]
            times = time_calls(partial(_write, session, rows, _link_to(target), numbers))
            found[way] = f"driver {times.median:.1f}"
        session.run(_ERASE).consume()
    return found


def _link_to(target: Ref) -> dict[str, Any]:
    key = LinkKey(target, "OWNED_BY", target, None)
    said = LinkStatement(key=key, document="entities", location="entities:1", first_seen=_AT)
    return {"target": target, "link": link_record(merge_link(key, {"peers": (said,)}), 1)}


def _write(session: Session, rows: Sequence[dict[str, Any]], link: dict[str, Any], numbers: Iterator[int]) -> None:
    number = next(numbers)
    entities = [row | {"ref": f"{row['ref']}~{number}"} for row in rows]
    links = [link | {"source": row["ref"]} for row in entities]
    with session.begin_transaction() as transaction:
        transaction.run(_CREATE, given={"rows": entities})
        for relation in _LINKED_BY:
            transaction.run(CREATE_LINKS.format(type=relation), given={"rows": links})
        transaction.commit()
