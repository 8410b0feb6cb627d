"""Which teams somebody writes for: those of the token, or else those of the catalog."""

import asyncio

from graph_api.access.principal import Role
from graph_api.app import create_app
from graph_api.settings import load_settings
from graph_api.store.protocol import Store
from tests.access.signing_in import ask, client_of, make_key, provider

PUT = """mutation($entities: [EntityInput!]!) { answer: putEntities(entities: $entities) { userErrors { code } } }"""
MINE = {"kind": "Component", "name": "mine", "spec": {"owner": "group:web"}}
ANN = {"kind": "User", "name": "ann", "spec": {"memberOf": ["web"]}}


async def test_a_user_writes_for_the_groups_that_it_is_a_member_of_now(store: Store) -> None:
    admin, _ = await make_key(store, Role.ADMIN)
    with provider() as issuer:
        settings = load_settings(chosen=issuer.settings(oidc_roles={"*": "editor"}))
        async with client_of(create_app(settings, store)) as client:

            async def codes(token: str, *entities: object) -> list[str]:
                body = (await ask(client, token, PUT, entities=list(entities))).json()
                return [error["code"] for error in body["data"]["answer"]["userErrors"]]

            assert await codes(admin, MINE, ANN) == []
            assert await codes(issuer.token(), MINE) == []
            assert await codes(issuer.token(sub="User:Default/Ann"), MINE) == []
            assert await codes(issuer.token(sub="bob"), MINE) == ["FORBIDDEN"]
            assert await codes(issuer.token(sub="bob", groups=["web"]), MINE) == []
            assert await codes(issuer.token(sub="bob", groups=["group:default/WEB"]), MINE) == []
            for groups in ([], ["webx"], ["user:default/web"], ["w\u0435b", "default/web/x"]):
                assert await codes(issuer.token(groups=groups), MINE) == ["FORBIDDEN"]
            assert await codes(admin, {**ANN, "spec": {"memberOf": []}}) == []
            await asyncio.sleep(5)
            assert await codes(issuer.token(), MINE) == ["FORBIDDEN"]
            assert await codes(admin, {**MINE, "spec": {"owner": "user:ann"}}) == []
            assert await codes(issuer.token(), {**MINE, "spec": {"owner": "user:ann", "tier": 1}}) == []


async def test_a_user_that_another_source_calls_otherwise_keeps_its_groups(store: Store) -> None:
    admin, _ = await make_key(store, Role.ADMIN)
    put = PUT.replace("($entities", "($source: String!, $entities").replace("(entities:", "(source: $source, entities:")
    with provider() as issuer:
        settings = load_settings(chosen=issuer.settings(oidc_roles={"*": "editor"}))
        async with client_of(create_app(settings, store)) as client:
            for source, namespace in (("directory", "default"), ("a-forge", "forge")):
                named = ANN | {"namespace": namespace, "annotations": {"graph-api/identifiers": "@ann"}}
                named["spec"] = {"memberOf": ["group:default/web"]}
                body = (await ask(client, admin, put, source=source, entities=[named])).json()
                assert body["data"]["answer"]["userErrors"] == []
            found = (await ask(client, admin, '{ entity(ref: "user:default/ann") { ref } }')).json()
            assert found["data"]["entity"]["ref"] == "user:forge/ann"
            written = (await ask(client, issuer.token(), PUT, entities=[MINE])).json()
            assert written["data"]["answer"]["userErrors"] == []
