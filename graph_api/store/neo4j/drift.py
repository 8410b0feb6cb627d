"""What is declared and what is observed, compared where the data is: one statement, or two for a page that the first
kind of finding does not fill."""

from collections.abc import Sequence

from graph_api.catalog.drift import (
    EXPECTED,
    NEEDS,
    DriftFinding,
    DriftKind,
    DriftPlace,
    DriftQuestion,
    kinds_from,
    owners_order,
)
from graph_api.catalog.entity import Entity
from graph_api.store.neo4j import cypher_drift
from graph_api.store.neo4j.filters import Predicates, relation_types
from graph_api.store.neo4j.projection import WHOLE, link_of
from graph_api.store.neo4j.statements import Row, Statements

_START = ["", "", "", ""]


async def drift(tx: Statements, question: DriftQuestion, limit: int, after: DriftPlace | None) -> list[DriftFinding]:
    kinds = kinds_from(question, after)
    found: list[DriftFinding] = []
    for asked in (kinds[:1], kinds[1:]):
        if not asked or len(found) == limit:
            break
        predicates = Predicates(tx.sight)
        query = statement(asked, question, predicates)
        place = list(after[1:]) if after and after.kind is asked[0] else _START
        rows = await tx.rows(
            query, after=place, limit=limit - len(found), since=question.since, **predicates.parameters
        )
        entities = tx.sight.redacted(WHOLE.entity(row["e"]) for row in rows)
        found += map(_finding, rows, entities)
    return found


def statement(kinds: Sequence[DriftKind], question: DriftQuestion, predicates: Predicates) -> str:
    """A page of the findings of these kinds; $after is a place among the first of them."""
    return cypher_drift.DRIFT.format(findings=_findings(kinds, question, predicates, page=cypher_drift.DRIFT_PAGE))


async def count_drift(tx: Statements, question: DriftQuestion) -> int:
    predicates = Predicates(tx.sight)
    kinds = kinds_from(question, None)
    if not kinds:
        return 0
    query = cypher_drift.DRIFT_COUNT.format(findings=_findings(kinds, question, predicates, page=""))
    rows = await tx.rows(query, after=_START, since=question.since, **predicates.parameters)
    number: int = rows[0]["n"]
    return number


def _findings(kinds: Sequence[DriftKind], question: DriftQuestion, predicates: Predicates, page: str) -> str:
    sight = predicates.sight
    slots = {"other": sight.node("o"), "via": sight.node("via")}
    slots |= {"needs": relation_types(NEEDS), "expected": relation_types(EXPECTED), "page": page}
    parts = [
        _SKELETONS[kind].format(
            where=predicates.seen(question.filter_of(kind), "e"),
            after="$after" if kind is kinds[0] else str(_START),
            rank=rank,
            **slots,
        )
        for rank, kind in enumerate(kinds)
    ]
    return " UNION ALL ".join(parts)


_SKELETONS = {
    DriftKind.UNDECLARED: cypher_drift.UNDECLARED,
    DriftKind.UNOBSERVED: cypher_drift.UNOBSERVED,
    DriftKind.OWNERS: cypher_drift.DISPUTED,
}


def _finding(row: Row, entity: Entity) -> DriftFinding:
    links = map(link_of, row["links"])
    return DriftFinding(kind=DriftKind(row["kind"]), entity=entity, links=tuple(sorted(links, key=owners_order)))
