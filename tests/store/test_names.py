"""Every name that a statement or a row gives to something in Neo4j is one that is made when the database is opened."""

import re
from dataclasses import replace
from types import ModuleType

import pytest

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import Criticality, LinkOrigin, Owner, OwnerHow, OwnerState
from graph_api.store.neo4j import cypher, cypher_lookups, cypher_parts, cypher_records, dump_cypher, mirror_cypher
from graph_api.store.neo4j.deltas import delta_of
from graph_api.store.neo4j.names import LABEL_NAMES, PROPERTY_NAMES
from graph_api.store.neo4j.records import entity_record, link_record
from tests.catalogs import entity, link, ref

MODULES = (cypher, cypher_records, cypher_lookups, cypher_parts, dump_cypher, mirror_cypher)
ENTITY = entity(
    "A",
    title="A",
    description="A",
    type="A",
    lifecycle="A",
    tier=1,
    tags=("A",),
    labels={"a": "A"},
    annotations={"a": "A"},
    identifiers=("a",),
    repository=ref("a"),
    folder="a",
    owners=(Owner(ref=ref("a"), role="OWNER", primary=True, how=OwnerHow.DECLARED),),
    owner_state=OwnerState.ACTIVE,
    audience="role:viewer",
    systems=(ref("a"),),
    domains=(ref("a"),),
    environments=(ref("a"),),
)
LINK = replace(
    link("a", "b", environment="A", sources=("A",), properties={"a": "A"}),
    criticality=Criticality.SOFT,
    confidence=0.5,
    origins=(LinkOrigin.OBSERVED,),
    observed_at="2026-01-01T00:00:00.000Z",
)


def test_rows() -> None:
    delta = delta_of(ChangeSet(entities=[ENTITY], links=[LINK]), 1, "")
    given = {*entity_record(ENTITY, 1, 1, ""), *link_record(LINK, 1), *delta}
    assert given <= {*PROPERTY_NAMES}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_statements(module: ModuleType) -> None:
    texts = [text for value in vars(module).values() for text in _texts(value)]
    labels = {label for text in texts for label in re.findall(r"\(\w*:(\w+)", text)}
    properties = {
        name
        for text in texts
        for name in (
            *re.findall(r"(?:SET|,) \w+\.(\w+) = ", text),
            *(name for row in re.findall(r"(?:CREATE|MERGE) \(\w*:\w+ \{+([^}]+)\}", text) for name in _keys(row)),
        )
    }
    assert labels <= {*LABEL_NAMES}
    assert properties <= {*PROPERTY_NAMES}


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for item in value for text in _texts(item)] if isinstance(value, tuple) else []


def _keys(row: str) -> list[str]:
    return re.findall(r"(\w+): ", row)
