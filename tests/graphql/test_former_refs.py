"""What still names something by the ref that it had before."""

from typing import Any

from graph_api.catalog.former_refs import FORMER_REFS
from tests.graphql.conftest import Client

PUT = "mutation($entities: [EntityInput!]!) { putEntities(entities: $entities) { userErrors { message } } }"
UNLINK = "mutation($links: [LinkKeyInput!]!) { removeLinks(links: $links) { userErrors { code } } }"
QUESTION = """{
  old: entity(ref: "component:default/basket") { ref }
  shop: entity(ref: "component:default/shop") { dependencies { nodes { ref } } owners { state entity { ref } } }
  impact(of: ["component:basket"]) { nodes { ref } }
  unresolved: entities(filter: {declared: false}) { nodes { ref } }
}"""


def component(name: str, former: str = "", **spec: Any) -> dict[str, Any]:
    annotations = {FORMER_REFS: former} if former else {}
    return {"kind": "Component", "name": name, "annotations": annotations, "spec": {"type": "service", **spec}}


def put(client: Client, *entities: dict[str, Any]) -> None:
    assert client.ask(PUT, entities=list(entities))["putEntities"]["userErrors"] == []


def answers(client: Client) -> dict[str, Any]:
    data = client.ask(QUESTION)
    return {
        "old": data["old"] and data["old"]["ref"],
        "needs": [row["ref"] for row in data["shop"]["dependencies"]["nodes"]],
        "owners": [(row["state"], row["entity"]["ref"]) for row in data["shop"]["owners"]],
        "hit": [row["ref"] for row in data["impact"]["nodes"]],
        "unresolved": [row["ref"] for row in data["unresolved"]["nodes"]],
    }


SHOP = component("shop", dependsOn=["component:basket"], owner="sellers")
CART = component("cart", former="basket")
SALES = {"kind": "Group", "name": "sales", "annotations": {FORMER_REFS: "group:sellers"}, "spec": {"type": "team"}}
RENAMED = {
    "old": "component:default/cart",
    "needs": ["component:default/cart"],
    "owners": [("EMPTY", "group:default/sales")],
    "hit": ["component:default/shop"],
    "unresolved": [],
}


def test_links_and_owners_go_to_what_has_another_name_now(client: Client) -> None:
    put(client, SHOP)
    assert answers(client)["unresolved"] == ["component:default/basket", "group:default/sellers"]
    put(client, CART, SALES)
    assert answers(client) == RENAMED


def test_whatever_comes_first(client: Client) -> None:
    put(client, CART, SALES)
    put(client, SHOP)
    assert answers(client) == RENAMED
    link = {"from": "component:shop", "relation": "DEPENDS_ON", "to": "component:basket"}
    assert client.ask(UNLINK, links=[link])["removeLinks"]["userErrors"] == []
    assert answers(client)["needs"] == []


def test_a_name_that_is_declared_again_is_its_own(client: Client) -> None:
    put(client, SHOP, CART, SALES)
    put(client, component("basket"))
    found = answers(client)
    assert (found["old"], found["needs"]) == ("component:default/basket", ["component:default/basket"])


def test_a_name_that_two_had_is_neithers(client: Client) -> None:
    put(client, SHOP, CART, SALES, component("trolley", former="basket"))
    assert answers(client)["needs"] == ["component:default/basket"]
    put(client, component("trolley"))
    assert answers(client) == RENAMED
