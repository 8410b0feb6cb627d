"""The mutation of docs/sources.md, sent with the key that the page makes."""

from pathlib import Path

from graph_api.access.principal import Role
from graph_api.app import create_app
from graph_api.settings import load_settings
from graph_api.store.embedded.store import EmbeddedStore
from tests.access.signing_in import ask, client_of, make_key
from tests.documents import blocks

(EXPORT,) = blocks("docs/sources.md", "graphql")


async def test_a_program_feeds_its_source_and_an_admin_confirms_what_is_held(tmp_path: Path) -> None:
    settings = load_settings(chosen={"sources": ["cmdb"]})
    store = EmbeddedStore(tmp_path / "catalog.db")
    await store.open()
    program, _ = await make_key(store, Role.INGESTOR, "cmdb-export", source="cmdb")
    admin, _ = await make_key(store, Role.ADMIN, "admin")
    async with client_of(create_app(settings, store)) as client:
        answer = (await ask(client, program, EXPORT)).json()["data"]["applySnapshot"]
        counts = {"entitiesAdded": 1, "entitiesRemoved": 0, "linksAdded": 2}
        assert (answer["userErrors"], answer["sync"]["status"], answer["sync"]["counts"]) == ([], "APPLIED", counts)
        nothing = 'mutation { applySnapshot(source: "cmdb", entities: []) { sync { id status } } }'
        held = (await ask(client, program, nothing)).json()["data"]["applySnapshot"]["sync"]
        assert held["status"] == "HELD"
        confirm = "mutation($id: ID!) { confirmSync(id: $id) { sync { status } } }"
        refused = (await ask(client, program, confirm, id=held["id"])).json()
        assert [error["extensions"]["code"] for error in refused["errors"]] == ["FORBIDDEN"]
        confirmed = (await ask(client, admin, confirm, id=held["id"])).json()["data"]["confirmSync"]
        assert confirmed == {"sync": {"status": "CONFIRMED"}}
