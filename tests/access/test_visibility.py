"""What is hidden looks like what is missing: over HTTP a reader gets the same answers, to the byte, from the demo
organization as from one where the findings that it may not see have never been.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from graph_api.access.principal import Role
from graph_api.app import create_app, source_order
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.settings import Settings
from graph_api.store.protocol import Store
from graph_api.sync import sync_all
from tests.access.signing_in import ask, client_of, make_key
from tests.conftest import Run, store_maker
from tests.demo import snapshots
from tests.graphql.test_every_field import lasting
from tests.graphql.test_same_answers import ENTITY, LISTS, SEARCH, WALKS, WHOLE

CHECKOUT = Ref("group:default/checkout")
LOG4J = Ref("vulnerability:default/cve-2021-44228")
JACKSON = Ref("vulnerability:default/cve-2022-42003")
INJECTION = Ref("vulnerability:codeql/java-sql-injection")
PACKAGE = "package:maven/com.fasterxml.jackson.core-jackson-databind-2.13.4"
FINDINGS = f"""fragment Found on Node {{ id ... on Entity {{ {ENTITY} dependents {{ totalCount nodes {{ ref }} }} }} }}
query($ref: String!, $id: ID!, $refs: [String!]!, $ids: [ID!]!) {{
  a: entity(ref: $ref) {{ ...Found }} b: node(id: $id) {{ ...Found }} c: nodes(ids: $ids) {{ ...Found }}
  d: entities(refs: $refs) {{ totalCount nodes {{ ...Found }} }} why(ref: $ref) {{ ref things {{ source }} }}
}}"""
TEXTS = [
    '{ resolve(identifier: "CVE-2022-42003") { ref } named: resolve(identifier: "GHSA-jfh8-c2jp-5v3q") { ref } }',
    '{ search(text: "cve", first: 100) { totalCount edges { cursor node { ref } } } }',
    '{ search(text: "injection") { totalCount nodes { ref } } }',
    '{ entities(filter: {kind: {eq: "Vulnerability"}}) { totalCount nodes { ref } pageInfo { hasNextPage } } }',
    '{ entities(filter: {ref: {startsWith: "vuln"}}, sort: {field: KIND, descending: true}) { nodes { ref } } }',
    "{ entities(sort: {field: KIND, descending: true}, first: 5) { edges { cursor node { ref } } } }",
    "{ entities(filter: {related: [{direction: OUT, relation: AFFECTED_BY, some: {}}]}) { totalCount nodes { ref } } }",
    """{ entities(filter: {kind: {eq: "Package"}, related: [{direction: OUT, none: {kind: {eq: "Vulnerability"}}}]}) {
      totalCount nodes { ref } } }""",
    "{ facets(fields: [KIND, NAMESPACE, SOURCE, OWNER]) { field buckets { value count } } }",
    "{ changes(since: 0, first: 100) { pageInfo { hasNextPage } nodes { ref operation entity { ref } } } }",
    """{ changes(filter: {kind: {in: ["Vulnerability", "Package"]}}, first: 100) {
      pageInfo { hasNextPage } nodes { ref operation entity { ref } } } }""",
    "{ cycles { totalCount nodes { members { ref } } } }",
    """{ entity(ref: "PACKAGE") { related(direction: OUT) { totalCount edges { cursor node { ref } link { relation } } }
      dependencies { totalCount nodes { ref } } } }""",
    """{ dependencies(of: ["PACKAGE"], walk: {maxDepth: 5, relations: [AFFECTED_BY]}) {
      totalCount nodes: edges { node { ref } } completeness { complete reasons unexplored } } }""",
    """{ impact(where: {kind: {in: ["Vulnerability"]}}) { totalCount edges { node { ref } } } }""",
    '{ paths(from: "component:default/checkout", to: "JACKSON") { more paths { refs } } }',
    "{ unresolvedRefs(first: 100) { totalCount nodes { ref } } }",
]
Answers = list[Any]
Open = Callable[[], Store]


def without(hidden: set[Ref]) -> list[Snapshot]:
    """The demo of sources that have never told of these."""
    return [
        replace(
            snapshot,
            entities={ref: said for ref, said in snapshot.entities.items() if ref not in hidden},
            links={key: said for key, said in snapshot.links.items() if hidden.isdisjoint((key.source, key.target))},
        )
        for snapshot in snapshots()
    ]


async def answers(store: Store, role: Role, *groups: Ref) -> Answers:
    """To all questions, without what changes from one moment to the next."""
    await store.open()
    token, _ = await make_key(store, role, "reader", groups=groups)
    found: Answers = []
    async with client_of(create_app(Settings(), store)) as http:
        for query, variables in questions():
            response = await ask(http, token, query, **variables)
            assert response.status_code == 200, response.text
            found.append((query, variables, lasting(json.loads(response.text))))
    return found


def questions() -> Iterator[tuple[str, dict[str, Any]]]:
    for ref in (LOG4J, JACKSON, INJECTION, Ref(PACKAGE)):
        yield FINDINGS, {"ref": ref, "id": id_of(ref), "refs": [ref, "component:default/checkout"], "ids": [id_of(ref)]}
        yield WALKS, {"ref": ref}
    for query in LISTS:
        yield query, {}
    for query in (*WHOLE, SEARCH, *TEXTS):
        yield query.replace("PACKAGE", PACKAGE).replace("JACKSON", JACKSON), {}


def id_of(ref: Ref) -> str:
    return base64.urlsafe_b64encode(f"entity|{ref}".encode()).decode().rstrip("=")


@pytest.fixture(params=["embedded", "neo4j"])
def catalogs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Open]:
    """Makes an empty catalog that stores can be opened on, one after the other; the one before is gone."""
    return lambda: partial(store_maker(request, tmp_path_factory.mktemp("catalog")), None)


async def fill(open_one: Open, said: list[Snapshot]) -> None:
    store = open_one()
    await store.open()
    async for _ in sync_all(store, said, source_order(Settings())):
        pass
    await store.close()


def test_hidden_findings_look_like_missing_ones(catalogs: Callable[[], Open], run: Run) -> None:
    everything = {LOG4J, JACKSON, INJECTION}
    readers: list[tuple[Role, tuple[Ref, ...], set[Ref]]] = [
        (Role.VIEWER, (), everything),
        (Role.EDITOR, (CHECKOUT,), {JACKSON, INJECTION}),
        (Role.SECURITY, (), set()),
    ]
    open_one = catalogs()
    run(fill(open_one, snapshots()))
    full = [run(answers(open_one(), role, *groups)) for role, groups, _ in readers]
    for (role, groups, hidden), found in zip(readers, full, strict=True):
        text = json.dumps([answer for *_, answer in found])
        assert all(ref in text for ref in everything - hidden), role
        if hidden:
            open_fewer = catalogs()
            run(fill(open_fewer, without(hidden)))
            assert run(answers(open_fewer(), role, *groups)) == found, role
