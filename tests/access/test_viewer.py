"""Who asks is told who the server takes it for."""

from graph_api.access.principal import Role
from graph_api.app import create_app
from graph_api.catalog.ref import Ref
from graph_api.settings import Settings, load_settings
from graph_api.store.protocol import Store
from tests.access.signing_in import ask, client_of, make_key, provider

WHO = "{ viewer { name roles seesEverything source user { ref title } groups { ref ownerState } } }"
PUT = "mutation($entities: [EntityInput!]!) { putEntities(entities: $entities) { userErrors { message } } }"
ANN = {"kind": "User", "name": "ann", "title": "Ann", "spec": {"memberOf": ["web"]}}
WEB = {"kind": "Group", "name": "web", "spec": {"type": "team", "children": []}}


async def test_a_person_is_told_its_user_teams_and_roles(store: Store) -> None:
    admin, _ = await make_key(store, Role.ADMIN)
    with provider() as issuer:
        settings = load_settings(chosen=issuer.settings(oidc_roles={"*": "editor"}))
        async with client_of(create_app(settings, store)) as client:
            before = (await ask(client, issuer.token(), WHO)).json()["data"]["viewer"]
            assert (before["name"], before["user"], before["groups"]) == ("user:default/ann", None, [])
            assert not (await ask(client, admin, PUT, entities=[ANN, WEB])).json().get("errors")
            token = issuer.token(groups=["web", "newcomers"])
            assert (await ask(client, token, WHO)).json()["data"]["viewer"] == {
                "name": "user:default/ann",
                "roles": ["EDITOR"],
                "seesEverything": False,
                "source": None,
                "user": {"ref": "user:default/ann", "title": "Ann"},
                "groups": [
                    {"ref": "group:default/newcomers", "ownerState": "UNRESOLVED"},
                    {"ref": "group:default/web", "ownerState": "ACTIVE"},
                ],
            }


async def test_a_key_is_told_what_it_is_bound_to(store: Store) -> None:
    ingestor, _ = await make_key(store, Role.INGESTOR, source="crm")
    editor, _ = await make_key(store, Role.EDITOR, groups=(Ref("group:default/web"),))
    security, _ = await make_key(store, Role.SECURITY)
    async with client_of(create_app(Settings(), store)) as client:
        told = [(await ask(client, token, WHO)).json()["data"]["viewer"] for token in (ingestor, editor, security)]
    assert all(row["name"].startswith("key:") and row["user"] is None for row in told)
    assert [(row["roles"], row["source"], [group["ref"] for group in row["groups"]]) for row in told] == [
        (["INGESTOR"], "crm", []),
        (["EDITOR"], None, ["group:default/web"]),
        (["SECURITY"], None, []),
    ]
    assert told[2]["seesEverything"]
