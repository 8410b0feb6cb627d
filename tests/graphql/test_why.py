"""What is one thing and why, over GraphQL; and what the operator says of it."""

from graph_api.app import source_order
from graph_api.catalog.entity import EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.settings import Settings
from graph_api.store.protocol import Store
from graph_api.sync import sync
from graph_api.writing import follow_order
from tests.conftest import Run
from tests.graphql.conftest import Client

CART, POD = Ref("component:default/cart"), Ref("component:kubernetes-shop/cart")
DB = Ref("resource:kubernetes-shop/db")


def thing(ref: Ref, *identifiers: str) -> EntityStatement:
    name = ref.rpartition("/")[2]
    return EntityStatement(ref=ref, name=name, kind="Component", document="a", location="a:1", identifiers=identifiers)


def needs(source: Ref, target: Ref) -> dict[LinkKey, LinkStatement]:
    key = LinkKey(source, "DEPENDS_ON", target, None)
    return {key: LinkStatement(key=key, document="a", location="a:2")}


CLUSTER = Snapshot(
    source="kubernetes:shop",
    connector="kubernetes",
    entities={POD: thing(POD, "kubernetes-id:cart"), DB: thing(DB)},
    links=needs(POD, DB),
)
FILES = Snapshot(source="files:shop", connector="files", entities={CART: thing(CART, "kubernetes-id:cart")})


async def fill(store: Store, settings: Settings) -> None:
    for snapshot in (CLUSTER, FILES):
        await sync(store, snapshot, source_order(settings))


WHY = """query($ref: String!) {
  why(ref: $ref) { ref things { source ref joins { identifier source ref } } }
  entity(ref: $ref) { ref dependencies { nodes { ref } } }
}"""


def test_a_descriptor_and_a_workload_are_one_and_say_why(store: Store, run: Run) -> None:
    run(fill(store, Settings()))
    client = Client(store, run, Settings())
    run(client.start())
    try:
        for ref in (CART, POD):
            data = client.ask(WHY, ref=ref)
            assert data["entity"] == {"ref": CART, "dependencies": {"nodes": [{"ref": DB}]}}
            assert data["why"] == {
                "ref": CART,
                "things": [
                    {
                        "source": "files:shop",
                        "ref": CART,
                        "joins": [{"identifier": "kubernetes-id:cart", "source": "kubernetes:shop", "ref": POD}],
                    },
                    {
                        "source": "kubernetes:shop",
                        "ref": POD,
                        "joins": [{"identifier": "kubernetes-id:cart", "source": "files:shop", "ref": CART}],
                    },
                ],
            }
        assert client.ask('{ dependencies(of: ["component:kubernetes-shop/cart"]) { totalCount } }') == {
            "dependencies": {"totalCount": 1}
        }
    finally:
        run(client.stop())


def test_what_the_operator_separates_comes_apart_and_names_join_when_he_says_so(store: Store, run: Run) -> None:
    run(fill(store, Settings()))

    def rows(settings: Settings) -> list[str]:
        run(follow_order(store, source_order(settings)))
        found = run(store.entities([CART, POD, DB]))
        return sorted(found)

    assert rows(Settings()) == sorted([CART, DB])
    assert rows(Settings(separate=((CART, POD),))) == sorted([CART, POD, DB])
    assert rows(Settings(join_names=("component",))) == sorted([CART, DB])
    assert rows(Settings(separate=((CART, POD),), join_names=("component",))) == sorted([CART, POD, DB])


def test_a_link_put_to_both_names_of_one_thing_is_one_with_the_evidence_of_both(store: Store, run: Run) -> None:
    run(fill(store, Settings()))
    client = Client(store, run, Settings())
    run(client.start())
    link = '{{from: "component:web", relation: DEPENDS_ON, to: "{}"}}'
    put = f"putLinks(links: [{link.format(CART)}, {link.format(POD)}]) {{ changes {{ ref }} userErrors {{ code }} }}"
    remove = f"removeLinks(links: [{link.format(CART)}]) {{ userErrors {{ code }} }}"
    asked = """{ dependencies(of: ["component:web"]) {
      edges { node { ref } via { steps { links { evidence { source } } } } } } }"""
    try:
        assert len(client.ask(f"mutation {{ {put} }}")["putLinks"]["changes"]) == 1
        (edge,) = client.ask(asked)["dependencies"]["edges"]
        assert edge["node"]["ref"] == CART
        assert edge["via"]["steps"] == [{"links": [{"evidence": [{"source": "api"}, {"source": "api"}]}]}]
        assert client.ask(f"mutation {{ {put} }}")["putLinks"] == {"changes": [], "userErrors": []}
        assert client.ask(f"mutation {{ {remove} }}")["removeLinks"]["userErrors"] == []
        assert client.ask('{ entity(ref: "component:web") { ref } }') == {"entity": None}
    finally:
        run(client.stop())


async def fill_with_names(store: Store, sources: int, names: int) -> None:
    for number in range(sources):
        ref = Ref(f"component:tool{number}/cart")
        said = thing(ref, *(f"jira:c{name}" for name in range(names)))
        snapshot = Snapshot(source=f"tool{number}", connector="files", entities={ref: said})
        await sync(store, snapshot, source_order(Settings()))


def test_what_joins_many_by_many_names_is_told_as_far_as_an_answer_goes(store: Store, run: Run) -> None:
    run(fill_with_names(store, sources=6, names=20))
    client = Client(store, run, Settings(max_cost=500))
    run(client.start())
    try:
        why = '{ why(ref: "component:tool5/cart") { ref things { source ref FIELD } } }'
        found = client.ask(why.replace("FIELD", ""))["why"]
        assert (found["ref"], len(found["things"])) == ("component:tool0/cart", 6)
        assert client.code(why.replace("FIELD", "joins { identifier }")) == "TOO_LARGE"
    finally:
        run(client.stop())
