"""The operator's rules of who may see what, from the settings to what a reader gets."""

import json
from typing import Any

import httpx
import pytest

from graph_api.access.principal import Role
from graph_api.app import create_app
from graph_api.catalog.ref import Ref
from graph_api.settings import BadSettingsError, Settings, load_settings
from graph_api.store.protocol import Store
from tests.access.signing_in import ask, client_of, make_key
from tests.conftest import OpenStore

WEB, DATA = Ref("group:default/web"), Ref("group:default/data")
PUT = "mutation($entities: [EntityInput!]!) { putEntities(entities: $entities) { userErrors { code message path } } }"
REMOVE = """mutation($ref: String!) { removeEntities(entities: [{ref: $ref, expectedRevision: 1}]) {
  userErrors { code message path } } }"""
LINK = """mutation($to: String!) { putLinks(links: [{from: "component:shop", relation: AFFECTED_BY, to: $to}]) {
  userErrors { code message path } changes { ref } } }"""
UNLINK = LINK.replace("putLinks", "removeLinks")
NAMES = "{ entities(first: 100) { nodes { ref } } }"
ENTITIES: list[dict[str, Any]] = [
    {"kind": "Component", "name": "shop", "spec": {"type": "service", "owner": "web"}},
    {"kind": "Component", "name": "plan", "tags": ["secret"], "spec": {"type": "service", "owner": "web"}},
    {
        "kind": "Component",
        "name": "deal",
        "namespace": "mergers",
        "spec": {"type": "service", "owner": "group:default/data"},
    },
    {"kind": "Group", "name": "web", "labels": {"team": "quiet"}, "spec": {"type": "team"}},
    {"kind": "Vulnerability", "name": "cve-1", "spec": {"type": "cve"}},
]
RULES = [
    {"tags": ["secret"], "to": ["owners"]},
    {"namespaces": ["mergers"], "to": ["group:data", "auditor"]},
    {"labels": ["team=quiet"], "to": ["members"]},
]


def names(response: httpx.Response) -> set[str]:
    return {row["ref"].partition("/")[2] for row in json.loads(response.text)["data"]["entities"]["nodes"]}


async def seen(open_store: OpenStore, rules: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Names that each reader finds on a server with these rules."""
    store: Store = await open_store()
    readers = {"nobody": (), "web": (WEB,), "data": (DATA,)}
    tokens = {who: (await make_key(store, Role.VIEWER, who, groups=groups))[0] for who, groups in readers.items()}
    tokens["security"] = (await make_key(store, Role.SECURITY))[0]
    async with client_of(create_app(load_settings(chosen={"restricted": rules}), store)) as http:
        return {who: names(await ask(http, token, NAMES)) for who, token in tokens.items()}


async def fill(open_store: OpenStore, rules: list[dict[str, Any]]) -> None:
    store: Store = await open_store()
    token, _ = await make_key(store, Role.ADMIN)
    async with client_of(create_app(load_settings(chosen={"restricted": rules}), store)) as http:
        answer = json.loads((await ask(http, token, PUT, entities=ENTITIES)).text)
        assert answer["data"]["putEntities"]["userErrors"] == []


async def test_each_reader_sees_what_the_rules_say(open_store: OpenStore) -> None:
    everything = {"shop", "plan", "deal", "web", "data", "cve-1"}
    await fill(open_store, RULES)
    assert await seen(open_store, RULES) == {
        "nobody": {"shop", "data"},
        "web": {"shop", "plan", "web", "data"},
        "data": {"shop", "deal", "data"},
        "security": everything,
    }


async def test_changed_rules_hold_from_the_start_of_a_server(open_store: OpenStore) -> None:
    await fill(open_store, RULES)
    hidden = {"plan", "deal", "web", "cve-1"}
    assert (await seen(open_store, [])).pop("nobody") == {"shop", "plan", "deal", "web", "data"}
    open_findings = await seen(open_store, [{"kinds": ["Vulnerability"], "to": ["everyone"]}])
    assert open_findings["nobody"] == open_findings["security"]
    assert (await seen(open_store, RULES))["nobody"].isdisjoint(hidden)
    groups_too = await seen(open_store, [{"kinds": ["group"], "to": ["security"]}])
    assert groups_too["web"].isdisjoint({"web", "data"}), "also a group that is only pointed at"


def thing(name: str, owner: str | None = "web", **more: Any) -> dict[str, Any]:
    owned = {"owner": owner} if owner else {}
    return {"kind": "Component", "name": name, "spec": {"type": "service", **owned}, **more}


async def test_a_rule_looks_at_what_any_source_says_and_the_first_that_fits_decides(open_store: OpenStore) -> None:
    rules = [{"tags": ["open"], "to": ["everyone"]}, *RULES]
    named: dict[str, Any] = {"annotations": {"graph-api/identifiers": "pagerduty:P1"}}
    said = {
        "one": [thing("tagged"), thing("labelled"), thing("joined", **named), thing("opened", tags=["secret", "a"])],
        "two": [
            thing("tagged", tags=["a", "secret"]),
            thing("labelled", labels={"team": "quiet"}),
            thing("another-name", owner="group:default/web", namespace="mergers", **named),
            thing("opened", tags=["open"]),
            thing("nobodys", owner=None, tags=["secret"]),
        ],
    }
    store: Store = await open_store()
    token, _ = await make_key(store, Role.ADMIN)
    async with client_of(create_app(load_settings(chosen={"restricted": rules}), store)) as http:
        for source, entities in said.items():
            put = PUT.replace("entities: $entities", f'source: "{source}", entities: $entities')
            assert '"userErrors":[]' in (await ask(http, token, put, entities=entities)).text
    assert await seen(open_store, rules) == {
        "nobody": {"opened", "web"},
        "web": {"opened", "web", "tagged"},
        "data": {"opened", "web", "joined"},
        "security": {"opened", "web", "tagged", "joined", "labelled", "nobodys"},
    }


FEED = "query($since: Int!) { changes(since: $since) { revision nodes { ref operation entity { ref } } } }"
PLAN: dict[str, Any] = {"kind": "Component", "name": "plan", "spec": {"type": "service", "owner": "web"}}


async def test_who_reads_the_feed_is_told_what_is_hidden_from_it_now(open_store: OpenStore) -> None:
    store: Store = await open_store()
    admin, viewer, web = [
        (await make_key(store, role, name, groups=groups))[0]
        for role, name, groups in ((Role.ADMIN, "admin", ()), (Role.VIEWER, "viewer", ()), (Role.VIEWER, "web", (WEB,)))
    ]
    async with client_of(create_app(load_settings(chosen={"restricted": RULES}), store)) as http:

        async def told(who: str, since: int) -> list[tuple[str, str, bool]]:
            feed = json.loads((await ask(http, who, FEED, since=since)).text)["data"]["changes"]
            return [(row["ref"], row["operation"], row["entity"] is not None) for row in feed["nodes"]]

        await ask(http, admin, PUT, entities=[PLAN])
        await ask(http, admin, PUT, entities=[PLAN | {"tags": ["secret"]}])
        assert await told(viewer, 1) == [("component:default/plan", "REMOVED", False)]
        assert await told(web, 1) == [("component:default/plan", "UPDATED", True)]
        await ask(http, admin, PUT, entities=[PLAN | {"tags": ["secret"], "title": "Plan"}])
        assert await told(viewer, 2) == []


async def test_an_editor_writes_nothing_that_it_does_not_see(open_store: OpenStore) -> None:
    await fill(open_store, [])
    store: Store = await open_store()
    token, _ = await make_key(store, Role.EDITOR, groups=(WEB,))
    async with client_of(create_app(Settings(), store)) as http:

        async def said(query: str, **variables: Any) -> str:
            response: httpx.Response = await ask(http, token, query, **variables)
            return response.text

        for name, other in (("cve-1", "cve-2"), ("cve-2", "cve-1")):
            put = {"kind": "Vulnerability", "spec": {"type": "cve", "owner": "data"}}
            for query, variables in (
                (PUT, {"entities": [{**put, "name": name}]}),
                (PUT, {"entities": [{**put, "name": name, "expectedRevision": 7, "title": "x"}]}),
                (REMOVE, {"ref": f"vulnerability:default/{name}"}),
                (LINK, {"to": f"vulnerability:default/{name}"}),
            ):
                told = await said(query, **variables)
                assert '"FORBIDDEN"' in told
                same = await said(query, **json.loads(json.dumps(variables).replace(name, other)))
                assert told == same.replace(other, name)


async def test_a_link_to_what_an_editor_does_not_see_is_none_to_it(open_store: OpenStore) -> None:
    await fill(open_store, [])
    store: Store = await open_store()
    admin, _ = await make_key(store, Role.ADMIN)
    editor, _ = await make_key(store, Role.EDITOR, groups=(WEB,))
    async with client_of(create_app(Settings(), store)) as http:

        async def said(token: str, query: str, name: str) -> str:
            response: httpx.Response = await ask(http, token, query, to=f"vulnerability:default/{name}")
            return response.text

        for source in ("cmdb", "api"):
            await said(admin, LINK.replace("links:", f'source: "{source}", links:'), "cve-3")
            assert '"NOT_FOUND"' in await said(editor, UNLINK, "cve-3")
            assert await said(editor, UNLINK, "cve-3") == await said(editor, UNLINK, "cve-4")
        assert '"userErrors":[]' in await said(admin, UNLINK, "cve-3")


async def test_an_editor_puts_nothing_into_a_repository_that_it_does_not_see(open_store: OpenStore) -> None:
    rules = [{"kinds": ["Repository"], "to": ["security"]}]
    await fill(open_store, rules)
    store: Store = await open_store()
    admin, _ = await make_key(store, Role.ADMIN)
    editor, _ = await make_key(store, Role.EDITOR, groups=(WEB,))
    async with client_of(create_app(load_settings(chosen={"restricted": rules}), store)) as http:

        async def said(token: str, name: str) -> str:
            put = {"kind": "Component", "name": "cart", "spec": {"type": "service", "owner": "web"}}
            entities = [put | {"annotations": {"github.com/project-slug": f"acme/{name}"}}]
            response: httpx.Response = await ask(http, token, PUT, entities=entities)
            return response.text

        repository = {"kind": "Repository", "name": "there", "namespace": "acme", "spec": {}}
        await ask(http, admin, PUT, entities=[repository])
        assert '"FORBIDDEN"' in await said(editor, "there")
        assert await said(editor, "there") == await said(editor, "missing")
        assert '"userErrors":[]' in await said(admin, "there")


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"kinds": ["Vulnerability"], "to": []}, "`to` is empty"),
        ({"kinds": ["Vulnerability"], "to": ["secruity"]}, "'secruity' is none of"),
        ({"kinds": ["Vulnerability"], "to": ["component:x"]}, "nor a ref such as"),
        ({"kinds": ["no kind"], "to": ["owners"]}, "the kind 'no kind'"),
        ({"labels": ["team"], "to": ["owners"]}, "not of the form key=value"),
        ({"owners": ["web"], "to": ["owners"]}, "owners"),
        ({"kinds": ["Vulnerability"]}, "to"),
    ],
)
def test_a_rule_that_says_nothing_is_refused(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(BadSettingsError, match="restricted") as refusal:
        load_settings(chosen={"restricted": [rule]})
    assert message in str(refusal.value)


def test_rules_in_the_environment_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPH_API_RESTRICTED", '[{"kinds": ["Ticket"], "to": ["security", "group:Web"]}]')
    (rule,) = load_settings().restricted
    assert (rule.kinds, rule.to) == (("ticket",), ("role:security", WEB))
    monkeypatch.setenv("GRAPH_API_RESTRICTED", "Ticket")
    with pytest.raises(BadSettingsError, match="restricted"):
        load_settings()
