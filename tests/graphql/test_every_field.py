"""Every field that the schema has is asked for over HTTP, and both stores answer alike."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import GraphQLNamedType

from graph_api.app import source_order
from graph_api.catalog.entity import LinkKey, LinkOrigin, LinkStatement
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.settings import Settings
from graph_api.sources.files import read_files
from graph_api.sync import sync
from tests.conftest import Run
from tests.graphql.conftest import Client
from tests.graphql.selections import ENTITY_TYPES, SCHEMA, all_fields, every_field, filled

FILES = Path(__file__).parent / "everything"
WRITES = """mutation($named: JSON!) {
  putLinks(links: [
    {from: "component:checkout", relation: DEPENDS_ON, to: "resource:db", environment: "production"
     confidence: 0.5, properties: {port: 5433, deep: true}}
  ]) { userErrors { message } }
  putEntities(source: "other", entities: [
    {kind: "Component", name: "checkout", title: "Till", spec: {type: "service", owner: "web"}}
  ]) { userErrors { message } }
  joined: putEntities(source: "third", entities: [
    {kind: "Component", name: "till", annotations: $named, spec: {type: "service"}}
  ]) { userErrors { message } }
}"""
REFUSED = 'mutation { removeEntities(entities: [{ref: "component:nowhere"}]) { userErrors { code } } }'
CALL = LinkKey(Ref("component:default/shopfront"), "DEPENDS_ON", Ref("resource:default/db"), None)
SEEN = Snapshot(
    source="otel:shop",
    connector="otel",
    links={
        CALL: LinkStatement(
            key=CALL,
            document="traces.json",
            location="traces.json:1",
            origin=LinkOrigin.OBSERVED,
            observed_at="2026-01-01T00:00:00.000Z",
        )
    },
)
ARGUMENTS = {
    "Query.node": 'id: "{id}"',
    "Query.nodes": 'ids: ["{id}"]',
    "Query.entity": 'ref: "component:checkout"',
    "Query.resolve": 'identifier: "@acme/shop"',
    "Query.search": 'text: "money", first: 1',
    "Query.facets": "fields: [KIND, OWNER]",
    "Query.owned": 'by: ["group:shop"]',
    "Query.ownershipCoverage": "by: GROUP",
    "Query.dependencies": 'of: ["component:checkout"], first: 2',
    "Query.dependents": 'of: ["resource:db"], first: 2',
    "Query.impact": 'of: ["resource:db"], first: 2',
    "Query.why": 'ref: "component:checkout"',
    "Query.paths": 'from: "component:shopfront", to: "resource:db"',
    "HitConnection.groups": "by: SEVERITY",
    "Repository.codeOwners": 'path: "checkout/till.py"',
    "related": "direction: OUT",
}
NEVER_FILLED = {
    "Sync.message",
    "KindInfo.like",
    "Subscription.changes",
    "Viewer.user",
    "Viewer.groups",
    "Viewer.source",
}
"""What only a sync that was held or failed, a deployment with kinds of its own, a stream, or who has signed in has."""

_OF_THE_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{16}")
"""Times, and ids of runs, which also stand in cursors."""
_CURSORS = ("cursor", "startCursor", "endCursor")


def test_both_stores_answer_every_field_alike(on_both_stores: tuple[Client, Client], run: Run) -> None:
    for client in on_both_stores:
        for snapshot in (read_files([FILES], source="files"), SEEN):
            run(sync(client.store, snapshot, source_order(Settings())))
        written = client.ask(WRITES, named={"graph-api/identifiers": "pagerduty:P1234"})
        assert all(answer["userErrors"] == [] for answer in written.values())
        assert client.ask(REFUSED)["removeEntities"]["userErrors"]
    embedded, neo4j = on_both_stores
    found: set[str] = set()
    for query, path, type_ in questions(embedded):
        answer = lasting(embedded.ask(query))
        assert lasting(neo4j.ask(query)) == answer, query
        found |= filled(type_, answer if path is None else answer["entities"][path])
    assert all_fields() - found == NEVER_FILLED


def questions(client: Client) -> Iterator[tuple[str, str | None, GraphQLNamedType]]:
    """Queries, with where in the answer there is what type: of each type of entity, and each field of Query."""
    id_ = client.ask('{ entity(ref: "component:checkout") { id } }')["entity"]["id"]
    arguments = {name: text.replace("{id}", id_) for name, text in ARGUMENTS.items()}
    for name in ENTITY_TYPES:
        fields = every_field(SCHEMA.type_map[name], arguments)
        yield (
            f"{{ entities(first: 100) {{ nodes {{ ... on {name} {{ {fields} }} }} }} }}",
            "nodes",
            SCHEMA.type_map[name],
        )
    assert SCHEMA.query_type
    for field in SCHEMA.query_type.fields:
        yield f"{{ {every_field(SCHEMA.query_type, arguments, only=field)} }}", None, SCHEMA.query_type


def lasting(value: Any) -> Any:
    """An answer without what differs from one moment to the next."""
    if isinstance(value, dict):
        return {name: bool(item) if name in _CURSORS else lasting(item) for name, item in value.items()}
    if isinstance(value, list):
        return [lasting(item) for item in value]
    return _OF_THE_MOMENT.sub("...", value) if isinstance(value, str) else value
