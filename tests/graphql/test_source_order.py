"""A changed order of sources takes effect for what was merged in another one: at the start of a server, or with the
next write."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graph_api.app import source_order
from graph_api.catalog.entity import EntityStatement
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.settings import load_settings
from graph_api.sources.reading import read_paths
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.protocol import Store
from graph_api.sync import sync
from tests.conftest import OpenStore, Run
from tests.graphql.conftest import Client
from tests.sources.folders import descriptor, write


def component(name: str, **spec: Any) -> dict[str, Any]:
    title = spec.pop("title", None)
    return {"kind": "Component", "name": name, "title": title, "spec": {"type": "service", **spec}}


def system(owner: str) -> dict[str, Any]:
    return {"kind": "System", "name": "shop", "spec": {"owner": owner}}


SAID: dict[str, list[dict[str, Any]]] = {
    "one": [
        component("cart", title="One", owner="ones", dependsOn=[{"ref": "resource:db", "criticality": "SOFT"}]),
        component("same", tier=1, owner="ones"),
        component("child", system="shop"),
        component("linked"),
        component("told", tier=1),
        system("ones"),
    ],
    "two": [
        component("cart", title="Two", owner="twos", dependsOn=[{"ref": "resource:db", "criticality": "HARD"}]),
        component("same", tier=1, owner="ones", extra="only in the spec"),
        component("told", tier=1, extra="and nothing is linked to it"),
        system("twos"),
    ],
}
LINKS = {"three": "threes", "four": "fours"}
"""Owners of `linked` by sources that state nothing else."""

APPLY = """mutation M($source: String!, $entities: [EntityInput!]!) {
  applySnapshot(source: $source, entities: $entities) { userErrors { message } } }"""
PUT_LINK = """mutation M($source: String!, $to: String!) {
  putLinks(source: $source, links: [{from: "component:linked", relation: OWNED_BY, to: $to}]) { revision } }"""
EVERYTHING = """{ entities(first: 100) { nodes { ref title spec owners { ref how role primary evidence { source } }
  evidence { source } related(direction: OUT) { edges { node { ref } link { criticality evidence { source } } } }
} } }"""
SHORT = """{
  cart: entity(ref: "component:cart") { title owners { ref } dependencies { edges { link { criticality } } } }
  child: entity(ref: "component:child") { owners { ref } }
  linked: entity(ref: "component:linked") { owners { ref } }
}"""


def fill(client: Client) -> None:
    for source, entities in SAID.items():
        assert client.ask(APPLY, source=source, entities=entities)["applySnapshot"]["userErrors"] == []
    for source, owner in LINKS.items():
        client.ask(PUT_LINK, source=source, to=f"group:{owner}")


class Servers:
    """Servers on one store, one after the other."""

    def __init__(self, open_store: OpenStore, run: Run) -> None:
        self._open_store, self._run = open_store, run
        self._running: Client | None = None

    def start(self, *sources: str) -> Client:
        self.stop()
        self._running = Client(self._run(self._open_store()), self._run, load_settings(chosen={"sources": sources}))
        self._run(self._running.start())
        return self._running

    def stop(self) -> None:
        if self._running:
            self._run(self._running.stop())
            self._running = None


@pytest.fixture
def servers(open_store: OpenStore, run: Run) -> Iterator[Servers]:
    servers = Servers(open_store, run)
    yield servers
    servers.stop()


@pytest.fixture
def fresh(tmp_path: Path, run: Run) -> Iterator[Client]:
    """A catalog that is merged in the new order from the beginning."""
    client = Client(
        EmbeddedStore(tmp_path / "fresh.db"), run, load_settings(chosen={"sources": ("two", "four", "three")})
    )
    run(client.start())
    fill(client)
    yield client
    run(client.stop())


def short(client: Client) -> str:
    answer = client.ask(SHORT)
    owners = [owner["ref"].removeprefix("group:default/") for row in answer.values() for owner in row["owners"]]
    criticality = answer["cart"]["dependencies"]["edges"][0]["link"]["criticality"]
    return " ".join([answer["cart"]["title"], criticality, *owners])


def test_of_what_sources_say_otherwise_what_is_in_force_comes_first(servers: Servers) -> None:
    client = servers.start("four")
    fill(client)
    client.ask(PUT_LINK, source="five", to="group:a-first-one")
    query = """query($ref: String!) {
      entity(ref: $ref) { owners { ref } conflicts { field values { source value } } } }"""
    for sources, linked in ((("four",), "four five three"), (("three", "four"), "three four five")):
        client = servers.start(*sources)
        entity = client.ask(query, ref="component:linked")["entity"]
        (conflict,) = entity["conflicts"]
        assert conflict["field"] == "owners"
        assert " ".join(said["source"] for said in conflict["values"]) == linked
        assert conflict["values"][0]["value"] == ", ".join(owner["ref"] for owner in entity["owners"])
        drift = client.ask("{ drift(kinds: [OWNERS]) { nodes { entity { name } owners { source value } } } }")["drift"]
        told = {row["entity"]["name"]: row["owners"] for row in drift["nodes"]}
        assert told["linked"] == conflict["values"]

    # What the declaring source says is in force, whoever else says more.
    client = servers.start("one", "two")
    client.ask(PUT_LINK.replace("component:linked", "component:cart"), source="four", to="group:fours")
    entity = servers.start("four", "two").ask(query, ref="component:cart")["entity"]
    owners = next(conflict["values"] for conflict in entity["conflicts"] if conflict["field"] == "owners")
    assert [said["source"] for said in owners] == ["two", "four", "one"]
    assert [owner["ref"] for owner in entity["owners"]] == [owners[0]["value"]]


def test_what_only_observes_comes_after_what_declares_wherever_the_list_has_it(
    servers: Servers, store: Store, run: Run, tmp_path: Path
) -> None:
    """Of what tools see, one tells more than names: also then it has no say beside a descriptor."""
    billing = descriptor("Component", "billing", "{type: service, tier: 1}", "{graph-api/service-name: billing-svc}")
    calls = {"dependencies": [{"parent": "web", "child": "billing-svc", "callCount": 3}]}
    write(tmp_path / "shop", {"catalog-info.yaml": billing})
    write(tmp_path / "traces", {"dependencies.json": json.dumps(calls)})
    query = """{ tier: entities(filter: {tier: {eq: 1}}) { nodes { ref } }
      entity(ref: "component:jaeger/billing-svc") { ref tier evidence { source } } }"""
    for sources in (("traces", "shop"), ("shop", "traces"), ()):
        client = servers.start(*sources)
        order = source_order(load_settings(chosen={"sources": sources}))
        for name in ("traces", "shop"):
            for snapshot in read_paths([tmp_path / name], source=name):
                run(sync(store, snapshot, order))
        ref = "component:default/billing"
        entity = {"ref": ref, "tier": 1, "evidence": [{"source": "shop"}, {"source": "jaeger:traces"}]}
        assert client.ask(query) == {"tier": {"nodes": [{"ref": ref}]}, "entity": entity}, sources
    drift = "{ drift(days: 3650) { totalCount nodes { entity { ref } } } }"
    assert client.ask(drift)["drift"] == {"totalCount": 0, "nodes": []}, "only traces know what calls it"


def test_filters_take_the_refs_of_joined_things(servers: Servers, store: Store, run: Run, tmp_path: Path) -> None:
    billing = descriptor("Component", "billing", "{type: service}", "{graph-api/service-name: billing-svc}")
    calls = {"dependencies": [{"parent": "web", "child": "billing-svc", "callCount": 3}]}
    write(tmp_path / "shop", {"catalog-info.yaml": billing})
    write(tmp_path / "traces", {"dependencies.json": json.dumps(calls)})
    client = servers.start()
    for name in ("traces", "shop"):
        for snapshot in read_paths([tmp_path / name], source=name):
            run(sync(store, snapshot, source_order(load_settings())))
    query = """query($filter: EntityFilter!, $ref: String!) {
      entities(filter: $filter) { nodes { ref } } impact(of: [$ref]) { totalCount }
      where: impact(where: $filter) { startCount totalCount } }"""
    ref = "component:jaeger/billing-svc"
    for named in ({"eq": ref}, {"in": ["component:gone", ref]}):
        for filter_ in ({"ref": named}, {"and": [{"or": [{"ref": named}]}]}, {"not": {"not": {"ref": named}}}):
            answer = client.ask(query, filter=filter_, ref=ref)
            assert answer["entities"]["nodes"] == [{"ref": "component:default/billing"}], filter_
            assert answer["where"] == {"startCount": 1, "totalCount": 1} | answer["impact"], filter_
    related = {"related": [{"direction": "OUT", "some": {"ref": {"eq": ref}}}]}
    assert client.ask(query, filter=related, ref=ref)["entities"]["nodes"] == [{"ref": "component:jaeger/web"}]


def revision(client: Client) -> int:
    found: int = client.ask("{ entities(first: 1) { revision } }")["entities"]["revision"]
    return found


def test_a_changed_order_takes_effect_when_a_server_starts(servers: Servers, fresh: Client) -> None:
    client = servers.start("three")
    fill(client)
    before, runs = revision(client), client.ask("{ syncs { nodes { id } } }")
    assert short(client) == "One SOFT ones ones threes"

    client = servers.start("two", "four", "three")
    assert short(client) == "Two HARD twos twos fours"
    assert client.ask(EVERYTHING) == fresh.ask(EVERYTHING)
    assert revision(client) == before + 1, "in one write"
    assert client.ask("{ syncs { nodes { id } } }") == runs
    changed = client.ask(f"{{ changes(since: {before}) {{ nodes {{ ref operation }} }} }}")["changes"]["nodes"]
    assert [(row["ref"].partition("/")[2], row["operation"]) for row in changed] == [
        (name, "UPDATED") for name in ("cart", "child", "linked", "same", "told", "shop")
    ]

    assert revision(servers.start("two", "four", "three")) == before + 1, "an order that is the same costs nothing"
    assert short(servers.start()) == "One SOFT ones ones fours"


def test_what_is_written_for_the_api_is_last_whatever_its_source_is_called(servers: Servers) -> None:
    client = servers.start("two")
    for source, title in (("one", "One"), ("api:two", "Api")):
        client.ask(APPLY, source=source, entities=[component("cart", title=title)])
    assert client.ask('{ entity(ref: "component:cart") { title } }') == {"entity": {"title": "One"}}
    client = servers.start("api:two")
    assert client.ask('{ entity(ref: "component:cart") { title } }') == {"entity": {"title": "Api"}}


def test_a_source_that_is_listed_by_its_whole_name_has_that_place(servers: Servers) -> None:
    client = servers.start("shop", "one", "scanner:shop")
    for source, title in (("scanner:shop", "Scanner"), ("one", "One")):
        client.ask(APPLY, source=source, entities=[component("cart", title=title)])
    assert client.ask('{ entity(ref: "component:cart") { title } }') == {"entity": {"title": "One"}}


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"title": "A"},
        {"description": "A"},
        {"lifecycle": "production"},
        {"tier": 0},
        {"active": False},
        {"tags": ("a",)},
        {"labels": {"a": "b"}},
        {"annotations": {"a": "b"}},
        {"links": ({"url": "https://a.example"},)},
        {"spec": {"a": "b"}},
        {"code_owners": "* @a"},
    ],
    ids=lambda told: next(iter(told), "nothing"),
)
@pytest.mark.parametrize("connector", ["terraform", "jaeger"])
@pytest.mark.parametrize("open_store", ["embedded"], indirect=True)
async def test_who_tells_anything_comes_before_who_tells_otherwise(
    store: Store, connector: str, told: dict[str, Any]
) -> None:
    """And who only names a thing, after: `terraform` declares and `jaeger` observes, as `zipkin` does after them."""
    ref = Ref("repository:default/cart")
    for name, fields in ((connector, told), ("zipkin", {"title": "Of another"})):
        said = EntityStatement(ref=ref, name="cart", kind="Repository", document="a", location="a:1", **fields)
        snapshot = Snapshot(source=f"{name}:a", connector=name, entities={ref: said})
        await sync(store, snapshot, source_order(load_settings()))
    assert (await store.entities([ref]))[ref].title == (told.get("title") if told else "Of another")


@pytest.mark.parametrize("source", ["files:a", "a-feed"])
def test_a_descriptor_and_what_no_connector_reads_come_first_whatever_they_tell(client: Client, source: str) -> None:
    client.ask(APPLY, source="terraform:a", entities=[component("cart", title="Of another")])
    client.ask(APPLY, source=source, entities=[{"kind": "Component", "name": "cart"}])
    assert client.ask('{ entity(ref: "component:cart") { title } }') == {"entity": {"title": None}}
