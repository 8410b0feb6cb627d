"""Editors change what their teams own, whichever way they come; every try is in the audit log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from graph_api.access.audit import Outcome
from graph_api.access.principal import Role
from graph_api.app import create_app
from graph_api.catalog.ref import Ref
from graph_api.settings import Settings
from graph_api.store.protocol import Store
from tests.access.signing_in import ask, breach, client_of, make_key
from tests.conftest import OpenStore

WEB, DATA = Ref("group:default/web"), Ref("group:default/data")
PUT = """mutation($entities: [EntityInput!]!, $source: String! = "api", $dryRun: Boolean! = false) {
  answer: putEntities(entities: $entities, source: $source, dryRun: $dryRun) {
    changes { ref } userErrors { path code message } } }"""
APPLY = """mutation($entities: [EntityInput!]!, $links: [LinkInput!], $source: String!) {
  answer: applySnapshot(source: $source, entities: $entities, links: $links) {
    sync { id status } userErrors { path code message } } }"""
LINK = "mutation($links: [LinkInput!]!) { answer: putLinks(links: $links) { userErrors { path code message } } }"
UNLINK = (
    "mutation($links: [LinkKeyInput!]!) { answer: removeLinks(links: $links) { userErrors { path code message } } }"
)
REMOVE = """mutation($entities: [EntityRemovalInput!]!) {
  answer: removeEntities(entities: $entities) { userErrors { path code message } } }"""
CONFIRM = "mutation($id: ID!) { answer: confirmSync(id: $id) { sync { status } } }"


def component(name: str, owner: str | None = None, **spec: Any) -> dict[str, Any]:
    owned = {"owner": f"group:{owner}"} if owner else {}
    return {"kind": "Component", "name": name, "spec": {"type": "service", **owned, **spec}}


NAMED = {"graph-api/identifiers": "pagerduty:P1"}
CATALOG = [
    {"kind": "Group", "name": "web", "spec": {"type": "team", "children": ["web-infra"]}},
    {"kind": "Group", "name": "web-infra", "spec": {"type": "team", "children": ["web-edge"]}},
    {"kind": "Group", "name": "web-edge", "spec": {"type": "team"}},
    {"kind": "Group", "name": "data", "spec": {"type": "team"}},
    {"kind": "System", "name": "shop", "spec": {"owner": "group:web"}},
    {"kind": "System", "name": "lake", "spec": {"owner": "group:data"}},
    component("mine", "web"),
    component("below", "web-edge"),
    component("inherited", system="shop"),
    component("theirs", "data", dependsOn=["component:below"])
    | {"annotations": {"graph-api/identifiers": "pagerduty:P1"}},
    component("shared", "web", owners=[{"ref": "group:data", "role": "SECURITY"}]),
    component("nobodys"),
    # In a whole that nobody declares yet.
    component("part", system="lake", subcomponentOf="component:vacant"),
]


class Clients:
    def __init__(self, http: httpx.AsyncClient, store: Store, tokens: dict[str, str]) -> None:
        self.http = http
        self.store = store
        self.tokens = tokens

    async def send(self, who: str, query: str, **variables: Any) -> Any:
        answer = await ask(self.http, self.tokens[who], query, **variables)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def write(self, query: str, who: str = "editor", **variables: Any) -> list[dict[str, Any]]:
        """What was refused of it."""
        body = await self.send(who, query, **variables)
        if "errors" in body:
            return [{"code": error["extensions"]["code"]} for error in body["errors"]]
        errors: list[dict[str, Any]] = body["data"]["answer"].get("userErrors", [])
        return errors

    async def refused(self, query: str, **variables: Any) -> list[dict[str, Any]]:
        """It is FORBIDDEN as a whole, writes nothing, and leaves one record that says so."""
        revision, head = await self.store.revision(), await self.store.audit_head()
        errors = await self.write(query, **variables)
        assert errors
        assert {error["code"] for error in errors} == {"FORBIDDEN"}, errors
        assert await self.store.revision() == revision
        (record,) = await self.store.audit(1)
        assert record.sequence == head.sequence + 1
        event = record.event
        assert (event.principal, event.outcome, event.code) == ("key:editor", Outcome.REFUSED, "FORBIDDEN")
        return errors


@asynccontextmanager
async def serving(store: Store, settings: Settings | None = None) -> AsyncIterator[Clients]:
    tokens = {
        "admin": (await make_key(store, Role.ADMIN, "admin"))[0],
        "editor": (await make_key(store, Role.EDITOR, "editor", groups=(WEB,)))[0],
        "viewer": (await make_key(store, Role.VIEWER, "viewer", groups=(WEB,)))[0],
    }
    async with client_of(create_app(settings or Settings(), store)) as http:
        clients = Clients(http, store, tokens)
        assert await clients.write(PUT, "admin", entities=CATALOG) == []
        yield clients


async def test_an_editor_changes_what_its_teams_own(store: Store) -> None:
    async with serving(store) as clients:
        for entity in (
            component("mine", "web", tier=1),
            component("below", "web-edge", tier=1),
            component("inherited", system="shop", tier=1),
            component("mine", "web-infra"),
            component("new", "web"),
            component("new-inherited", system="shop"),
            component("shared", "web", owners=[{"ref": "group:data", "role": "SECURITY"}], tier=3),
        ):
            assert await clients.write(PUT, entities=[entity]) == [], entity
        link = {"from": "component:mine", "relation": "DEPENDS_ON", "to": "component:theirs"}
        assert await clients.write(LINK, links=[link]) == []
        assert await clients.write(UNLINK, links=[link]) == []
        assert await clients.write(REMOVE, entities=[{"ref": "component:new"}]) == []
        # Others need it, so that it is still there afterwards, without an owner.
        assert await clients.write(REMOVE, entities=[{"ref": "component:below"}]) == []
        assert await clients.write(APPLY, source="api:web", entities=[component("swept", "web")]) == []
        assert await clients.write(APPLY, source="api:web", entities=[]) == []


async def test_an_editor_of_another_source_is_told_which_are_open(store: Store) -> None:
    async with serving(store) as clients:
        answer = await clients.send("editor", PUT, source="foo", entities=[component("mine", "web")])
        assert answer["errors"][0]["message"].endswith("your roles: editor; editors write for `api` and `api:NAME`")


OTHERS = {
    "another team's": component("theirs", "data", tier=1),
    "nobody's": component("nobodys", tier=1),
    "take over": component("theirs", "web"),
    "take what nobody owns": component("nobodys", "web"),
    "give away": component("mine", "data"),
    "give up": component("mine"),
    "give away by the system": component("mine", system="lake"),
    "throw a co-owner out": component("shared", "web"),
    "take a co-owner in": component("mine", "web", owners=[{"ref": "group:data", "role": "SECURITY"}]),
    "take a co-owner in by a second whole": component("inherited", system="shop", subcomponentOf="component:theirs"),
    "own a part of theirs by its whole": component("vacant", "web"),
    "new without an owner": component("new"),
    "new for another team": component("new", "data"),
    "new for a team that does not exist": component("new", "nowhere"),
    "a link from theirs, told at the other end": component("mine", "web", dependencyOf=["component:theirs"]),
    "a link from a new thing": component("mine", "web", dependencyOf=["component:unheard-of"]),
    "own team": {"kind": "Group", "name": "web", "spec": {"type": "team", "children": ["data"]}},
    "new team": {"kind": "Group", "name": "new", "spec": {"type": "team", "parent": "web", "owner": "group:web"}},
    "self in another team": {"kind": "User", "name": "eve", "spec": {"memberOf": ["data"], "owner": "group:web"}},
}
JOINED = component("alias", "web") | {"annotations": NAMED}


@pytest.mark.parametrize("what", OTHERS)
async def test_an_editor_changes_nothing_else(store: Store, what: str) -> None:
    async with serving(store) as clients:
        entity = OTHERS[what]
        fine = component("fine", "web")
        errors = await clients.refused(PUT, entities=[fine, entity])
        assert {tuple(error["path"][:1]) for error in errors} == {("entities",)}
        await clients.refused(PUT, entities=[fine, entity], dryRun=True)
        # Of what is its own, what it says for another source does not count yet.
        if entity["name"] not in ("mine", "shared"):
            errors = await clients.refused(APPLY, source="api:web", entities=[fine, entity])
            # It is told of what it names, and of nothing else.
            hidden = what == "own a part of theirs by its whole"
            assert [error["path"] for error in errors] == [["source"] if hidden else ["entities", "1"]]


async def test_nor_what_others_own_and_nobody_declares(store: Store) -> None:
    async with serving(store) as clients:
        lake = {"kind": "System", "name": "lake", "spec": {"owner": "group:data", "hasPart": ["component:heard-of"]}}
        assert await clients.write(PUT, "admin", source="inventory", entities=[lake]) == []
        owned = {"from": "component:linked", "relation": "OWNED_BY", "to": "group:data"}
        assert await clients.write(LINK, "admin", links=[owned]) == []
        for name in ("heard-of", "linked"):
            for entity in (component(name, "web"), component(name, system="shop")):
                await clients.refused(PUT, entities=[entity])
                await clients.refused(APPLY, source="api:web", entities=[entity])


async def test_nor_what_its_own_would_be_one_thing_with(store: Store) -> None:
    async with serving(store) as clients:
        await clients.refused(PUT, source="api:web", entities=[JOINED])
        await clients.refused(APPLY, source="api:web", entities=[JOINED])


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (REMOVE, {"entities": [{"ref": "component:mine"}, {"ref": "component:theirs"}]}),
        (REMOVE, {"entities": [{"ref": "component:no-such-thing"}]}),
        (REMOVE, {"entities": [{"ref": "component:theirs", "expectedRevision": 77}]}),
        (LINK, {"links": [{"from": "component:theirs", "relation": "DEPENDS_ON", "to": "component:mine"}]}),
        (LINK, {"links": [{"from": "component:unheard", "relation": "DEPENDS_ON", "to": "component:mine"}]}),
        (LINK, {"links": [{"from": "component:theirs", "relation": "OWNED_BY", "to": "group:web"}]}),
        (LINK, {"links": [{"from": "component:mine", "relation": "OWNED_BY", "to": "group:data"}]}),
        (LINK, {"links": [{"from": "component:theirs", "relation": "PART_OF", "to": "system:shop"}]}),
        (LINK, {"links": [{"from": "group:data", "relation": "CHILD_OF", "to": "group:web"}]}),
        (LINK, {"links": [{"from": "user:eve", "relation": "MEMBER_OF", "to": "group:data"}]}),
        (UNLINK, {"links": [{"from": "component:theirs", "relation": "DEPENDS_ON", "to": "component:below"}]}),
        (UNLINK, {"links": [{"from": "component:theirs", "relation": "OWNED_BY", "to": "group:data"}]}),
        (PUT, {"entities": [component("mine", "web")], "source": "files"}),
        (APPLY, {"entities": [], "source": "api"}),
        (APPLY, {"entities": [], "source": "files"}),
    ],
)
async def test_nor_by_links_removals_and_snapshots(store: Store, query: str, variables: dict[str, Any]) -> None:
    async with serving(store) as clients:
        await clients.refused(query, **variables)


async def test_nor_by_what_another_source_keeps_from_being_in_force(store: Store) -> None:
    async with serving(store) as clients:
        for source, owner in (("catalog", "web"), ("api:b", "data")):
            declared = [component("elsewhere", owner)]
            assert await clients.write(PUT, "admin", source=source, entities=declared) == []
        link = {"from": "component:elsewhere", "relation": "OWNED_BY"}
        await clients.refused(LINK, links=[link | {"to": "group:data"}])
        await clients.refused(PUT, entities=[component("elsewhere", "data")])
        await clients.refused(PUT, entities=[component("elsewhere", "web", owners=["group:data"])])
        assert await clients.write(LINK, links=[link | {"to": "group:web-edge"}]) == []
        assert await clients.write(PUT, entities=[component("elsewhere", "web", tier=2)]) == []
        # What was never in force may be withdrawn: nobody loses anything.
        assert await clients.write(PUT, source="api:b", entities=[component("elsewhere", "web")]) == []

        both = component("both", "web", owners=["group:data"])
        assert await clients.write(PUT, "admin", source="catalog", entities=[both]) == []
        assert await clients.write(PUT, entities=[both]) == [], "what is so already"
        assert await clients.write(REMOVE, entities=[{"ref": "component:both"}]) == []


async def test_a_refused_claim_tells_of_nothing_that_is_hidden(open_store: OpenStore) -> None:
    rules = [{"tags": ["secret"], "to": ["group:data"]}]
    store = await open_store()
    settings = Settings.model_validate({"restricted": rules})
    async with serving(store, settings) as clients:
        hidden = component("hush", "data") | {
            "tags": ["secret"],
            "annotations": {"graph-api/identifiers": "pagerduty:P9"},
        }
        assert await clients.write(PUT, "admin", source="api:zz", entities=[hidden]) == []
        alias = component("alias", "web") | {"annotations": {"graph-api/identifiers": "pagerduty:P9"}}
        errors = await clients.refused(PUT, entities=[alias])
        assert "hush" not in str(errors)


async def test_nor_does_declaring_a_whole_show_a_hidden_part_of_it(open_store: OpenStore) -> None:
    store = await open_store()
    settings = Settings.model_validate({"restricted": [{"tags": ["secret"], "to": ["owners"]}]})
    async with serving(store, settings) as clients:
        hidden = component("hush", system="to-come") | {"tags": ["secret"]}
        assert await clients.write(PUT, "admin", entities=[hidden]) == []
        system = {"kind": "System", "name": "to-come", "spec": {"owner": "group:web"}}
        errors = await clients.refused(PUT, entities=[system])
        assert "hush" not in str(errors)


async def test_each_write_of_a_request_is_answered_as_it_is_after_it(store: Store) -> None:
    both = """mutation($one: [EntityInput!]!, $two: [EntityInput!]!) {
      one: putEntities(entities: $one) { ...told } two: putEntities(entities: $two) { ...told } }
    fragment told on MutationPayload { revision entity { title dependencies { revision totalCount } } }"""
    async with serving(store) as clients:
        for who in ("editor", "admin"):
            one = component("mine", "web") | {"title": f"First of {who}"}
            two = component("mine", "web", dependsOn=["component:theirs"]) | {"title": f"Second of {who}"}
            data = (await clients.send(who, both, one=[one], two=[two]))["data"]
            for needs, (name, title) in enumerate((("one", one["title"]), ("two", two["title"]))):
                revision = data[name]["revision"]
                dependencies = {"revision": revision, "totalCount": needs}
                assert data[name]["entity"] == {"title": title, "dependencies": dependencies}


async def test_what_is_not_there_is_refused_as_what_is_not_ones_own(store: Store) -> None:
    async with serving(store) as clients:
        texts = []
        for name in ("theirs", "nowhere"):
            links = [{"from": f"component:{name}", "relation": "DEPENDS_ON", "to": "component:mine"}]
            errors = [
                await clients.refused(REMOVE, entities=[{"ref": f"component:{name}", "expectedRevision": 3}]),
                await clients.refused(UNLINK, links=links),
                await clients.refused(LINK, links=links),
            ]
            texts.append(str(errors).replace(name, "..."))
        assert texts[0] == texts[1]


async def test_a_team_that_another_source_calls_otherwise_is_the_same_team(store: Store) -> None:
    async with serving(store) as clients:
        for source, namespace in (("directory", "default"), ("a-forge", "forge")):
            team = {"kind": "Group", "name": "web", "namespace": namespace, "spec": {"type": "team"}}
            named = team | {"annotations": {"graph-api/identifiers": "@acme/web"}}
            assert await clients.write(PUT, "admin", source=source, entities=[named]) == []
        body = await clients.send("editor", '{ entity(ref: "component:mine") { owners { ref } } }')
        assert body["data"]["entity"]["owners"] == [{"ref": "group:forge/web"}]
        assert await clients.write(PUT, entities=[component("mine", "web", tier=1)]) == []
        await clients.refused(PUT, entities=[component("theirs", "data", tier=1)])


async def test_a_refusal_names_only_what_was_asked_for(store: Store) -> None:
    async with serving(store) as clients:
        many = [component(f"b{number}", "data") for number in range(30)]
        assert await clients.write(APPLY, "admin", source="api:data", entities=many) == []
        held = await clients.send("admin", APPLY, source="api:data", entities=[])
        bodies = [
            await clients.send("editor", APPLY, source="api:data", entities=[]),
            await clients.send("editor", APPLY, source="api:data", entities=[component("mine", "web")]),
            await clients.send("editor", CONFIRM, id=held["data"]["answer"]["sync"]["id"]),
        ]
        assert ["FORBIDDEN" in str(body) for body in bodies] == [True] * 3
        assert not [body for body in bodies if "component:" in str(body)]
        body = await clients.send("editor", APPLY, source="api:data", entities=[component("theirs", "data", tier=1)])
        assert "component:default/theirs" in str(body)


async def test_a_held_sync_is_confirmed_by_who_may_make_its_changes(store: Store) -> None:
    async with serving(store) as clients:
        many = [component(f"a{number}", "web") for number in range(30)]
        mixed = [component(f"b{number}", "data") for number in range(30)]
        assert await clients.write(APPLY, source="api:web", entities=many) == []
        assert await clients.write(APPLY, "admin", source="api:data", entities=mixed) == []
        await clients.refused(APPLY, source="api:data", entities=[])
        ids = {}
        for source in ("api:web", "api:data"):
            body = await clients.send("admin", APPLY, source=source, entities=[])
            ids[source] = body["data"]["answer"]["sync"]["id"]
        await clients.refused(CONFIRM, id=ids["api:data"])
        assert await clients.write(APPLY, "admin", source="inventory", entities=many) == []
        body = await clients.send("admin", APPLY, source="inventory", entities=[])
        await clients.refused(CONFIRM, id=body["data"]["answer"]["sync"]["id"])
        assert await clients.write(CONFIRM, id=ids["api:web"]) == []
        assert await clients.write(CONFIRM, "admin", id=ids["api:data"]) == []


async def test_a_held_sync_is_superseded_by_who_may_confirm_it(store: Store) -> None:
    async with serving(store) as clients:
        mixed = [component(f"b{number}", "data") for number in range(30)]
        own = [component(f"a{number}", "web") for number in range(30)]
        for source, entities in (("api:data", mixed), ("api:web", own)):
            assert await clients.write(APPLY, "admin", source=source, entities=entities) == []
            held = (await clients.send("admin", APPLY, source=source, entities=[]))["data"]["answer"]["sync"]
            # What stands already is what anybody may say.
            assert await clients.write(APPLY, source=source, entities=entities) == []
            assert await clients.write(CONFIRM, "admin", id=held["id"]) == (
                [] if source == "api:data" else [{"code": "CONFLICT"}]
            )


async def test_every_write_leaves_one_record_whatever_became_of_it(store: Store, open_store: OpenStore) -> None:
    watching = await open_store()
    async with serving(store) as clients:
        first = (await watching.audit_head()).sequence
        assert await clients.write(PUT, entities=[component("mine", "web", tier=1)]) == []
        assert await clients.write(PUT, entities=[component("mine", "web", tier=2)], dryRun=True) == []
        assert await clients.write(PUT, entities=[{"kind": "Component", "name": "bad name"}])
        assert await clients.write(PUT, "viewer", entities=[component("mine", "web")])
        assert await clients.write(CONFIRM, "admin", id="nothing")
        assert await clients.write(PUT, "admin", entities=[], source=" ")
        both = """mutation($entities: [EntityInput!]!) { one: putEntities(entities: $entities) { revision }
          two: removeEntities(entities: [{ref: "component:theirs"}]) { revision } }"""
        await clients.send("admin", both, entities=[component("mine", "web", tier=1)])
        records = (await watching.audit(100))[: (await watching.audit_head()).sequence - first][::-1]
    assert [(row.event.principal, row.event.action, row.event.outcome, row.event.code) for row in records] == [
        ("key:editor", "putEntities", Outcome.APPLIED, None),
        ("key:editor", "putEntities", Outcome.DRY_RUN, None),
        ("key:editor", "putEntities", Outcome.REFUSED, "INVALID"),
        ("key:viewer", "putEntities", Outcome.REFUSED, "FORBIDDEN"),
        ("key:admin", "confirmSync", Outcome.REFUSED, "NOT_FOUND"),
        ("key:admin", "putEntities", Outcome.REFUSED, "BAD_INPUT"),
        ("key:admin", "putEntities", Outcome.APPLIED, None),
        ("key:admin", "removeEntities", Outcome.APPLIED, None),
    ]
    applied = records[0].event
    assert (applied.source, applied.client, applied.counts) == (
        "api",
        "127.0.0.1",
        {"entities_changed": 1, "links_changed": 1},
    )
    assert "component:default/mine" in applied.refs
    assert applied.request_id
    assert records[3].event.refs == ("component:default/mine",)
    assert "component:default/theirs" in records[7].event.refs
    runs = {run.id for run in await watching.syncs(None, 100)}
    assert {row.event.run for row in records if row.event.outcome is Outcome.APPLIED} <= runs
    assert await breach(watching) is None


async def test_whoever_may_write_nothing_does_not_fill_the_log_with_long_names(store: Store) -> None:
    async with serving(store) as clients:
        body = await clients.send("viewer", PUT, source="x" * 100_000, entities=[])
        assert len(str(body)) < 1_000
        (record,) = await store.audit(1)
        assert (record.event.principal, record.event.source) == ("key:viewer", "x" * 200)
