"""The least that could be done for the same answers: bare Cypher through the driver, bare arrays, bare writes."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from neo4j import READ_ACCESS, Driver
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order

from benchmarks.generate import HUB
from benchmarks.measure import Times, time_calls
from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Entity, Link
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import IMPACT_RELATIONS
from graph_api.catalog.snapshot import Snapshot
from graph_api.store.neo4j.cypher_writes import CREATE_ENTITIES, CREATE_LINKS
from graph_api.store.neo4j.labels import kind_labels
from graph_api.store.neo4j.records import entity_record, link_record

_BATCH = 5_000
_TYPES = "|".join(IMPACT_RELATIONS)
_IMPACT = f"""
UNWIND $starts AS start MATCH p = (:Entity {{ref: start}})<-[:{_TYPES}*1..]-(e)
WITH e, min(length(p)) AS distance WITH collect([e, distance]) AS hits
CALL (hits) {{ UNWIND hits AS hit UNWIND coalesce(hit[0].owners, [null]) AS value
  WITH value, count(*) AS n RETURN collect([value, n]) AS owners }}
CALL (hits) {{ UNWIND hits AS hit UNWIND coalesce(hit[0].systems, [null]) AS value
  WITH value, count(*) AS n RETURN collect([value, n]) AS systems }}
CALL (hits) {{ UNWIND hits AS hit WITH hit[0].kind AS value, count(*) AS n RETURN collect([value, n]) AS kinds }}
CALL (hits) {{ UNWIND hits AS hit WITH hit[0] AS e, hit[1] AS distance ORDER BY distance, e.ref LIMIT 100
  RETURN collect(e {{.ref, .kind, .name, .owners, distance: distance}}) AS page }}
RETURN size(hits) AS total, owners, systems, kinds, page
"""
_PAGE = f"""
MATCH (e:Entity) WHERE e.kind = 'component' AND e.type = 'service' AND e.name_sort >= ''
WITH e ORDER BY e.name_sort, e.ref LIMIT 101
CALL (e) {{ UNWIND coalesce(e.owners, []) AS ref MATCH (o:Entity {{ref: ref}})
  RETURN collect(o {{.ref, .name}}) AS owners }}
CALL (e) {{ UNWIND coalesce(e.systems, []) AS ref MATCH (o:Entity {{ref: ref}})
  RETURN collect(o {{.ref, .name}}) AS systems }}
CALL (e) {{ MATCH (e)-[r:{_TYPES}]->(o:Entity) WITH r, o ORDER BY o.ref LIMIT 20
  RETURN collect([type(r), o.ref, o.name]) AS needs }}
RETURN e {{.ref, .name, .type, .lifecycle, .tier}} AS e, owners, systems, needs
"""


def neo4j_impact(driver: Driver) -> Times:
    return _time_query(driver, _IMPACT, {"starts": [HUB]})


def neo4j_page(driver: Driver) -> Times:
    return _time_query(driver, _PAGE, {})


def _time_query(driver: Driver, query: str, parameters: Mapping[str, Any]) -> Times:
    with driver.session(default_access_mode=READ_ACCESS) as session:
        return time_calls(lambda: session.run(query, dict(parameters)).data())


def embedded_impact(snapshot: Snapshot, start: Ref, relations: Collection[str] = IMPACT_RELATIONS) -> Times:
    """The walk alone: every dependent with its distance."""
    numbers = {ref: number for number, ref in enumerate(snapshot.entities)}
    keys = [key for key in snapshot.links if key.relation in relations]
    ends = np.array([(numbers[key.target], numbers[key.source]) for key in keys])
    graph = csr_matrix((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(len(numbers),) * 2)
    return time_calls(lambda: _distances(graph, numbers[start]))


def _distances(graph: csr_matrix, start: int) -> tuple[Any, Any]:
    order, before = breadth_first_order(graph, start, directed=True, return_predecessors=True)
    place = np.empty(graph.shape[0], dtype=np.int64)
    place[order] = np.arange(len(order))
    parents = place[before[order[1:]]]  # never falls: whose parents stand in one level are the next level
    distances = np.zeros(len(order), dtype=np.int64)
    low, high, distance = 0, 1, 0
    while high < len(order):
        distance += 1
        low, high = high, 1 + int(np.searchsorted(parents, high))
        distances[low:high] = distance
    return order, distances


def write_bare(driver: Driver, changes: Sequence[ChangeSet]) -> float:
    """Seconds that the driver takes to write these rows into an empty database, in batches of 5,000."""
    at = "2026-01-01T00:00:00.000Z"
    by_labels: dict[str, list[Entity]] = {}
    by_type: dict[str, list[Link]] = {}
    for change in changes:
        for entity in change.entities:
            by_labels.setdefault(":".join(kind_labels(entity)), []).append(entity)
        for link in change.links:
            by_type.setdefault(link.key.relation, []).append(link)
    seconds = 0.0
    for labels, entities in by_labels.items():
        query = CREATE_ENTITIES.format(labels=labels)
        seconds += _write(driver, query, entities, lambda row: entity_record(row, 1, 1, at))
    for relation, links in by_type.items():
        seconds += _write(driver, CREATE_LINKS.format(type=relation), links, _link_row)
    return seconds


def _link_row(link: Link) -> dict[str, Any]:
    return {"source": link.key.source, "target": link.key.target, "link": link_record(link, 1)}


def _write(driver: Driver, query: str, rows: Sequence[Any], record: Callable[[Any], dict[str, Any]]) -> float:
    seconds = 0.0
    with driver.session() as session:
        for batch in _batches(rows):
            records = [record(row) for row in batch]
            started = time.perf_counter()
            session.run(query, {"given": {"rows": records}}).consume()
            seconds += time.perf_counter() - started
    return seconds


def wipe(driver: Driver) -> None:
    with driver.session() as session:
        session.run("MATCH (e) CALL (e) { DETACH DELETE e } IN TRANSACTIONS OF 5000 ROWS").consume()


def _batches(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]
