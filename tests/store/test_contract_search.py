"""What search finds: order may differ between the stores, the expected entity is among the first five on both."""

import pytest

from graph_api.catalog.audience import Visibility
from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import unresolved
from graph_api.catalog.filters import ALL, Compare, Op
from graph_api.catalog.search import MAX_FOUND, MAX_TYPO
from graph_api.store.protocol import Store
from tests.catalogs import entity, ref, write
from tests.conftest import on_mirror_too

pytestmark = on_mirror_too

CHECKOUT = ChangeSet(
    entities=[
        entity("checkout-api", title="Checkout", description="Takes payments and places orders", tags=("money",)),
        entity("checkout-worker", title="Background jobs", description="Ships what the checkout sold", lifecycle="old"),
        entity("orders_db", title="Order store", tags=("postgres",)),
        entity("mailer", title="Größenwahn", description="Sends mail"),
        unresolved(ref("legacy-billing")),
        *(entity(f"filler-{number}", description="nothing of interest") for number in range(20)),
    ]
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("checkout", "checkout-api"),
        ("check", "checkout-api"),
        ("payments places", "checkout-api"),
        ("orders pay", "checkout-api"),
        ("POSTGRES", "orders_db"),
        ("orders_db", "orders_db"),
        ("größenwahn", "mailer"),
        ("billing", "legacy-billing"),
        ("checkout-worker", "checkout-worker"),
    ],
)
async def test_search_finds_prefixes_in_any_order(store: Store, text: str, expected: str) -> None:
    await write(store, CHECKOUT)
    assert ref(expected) in (await store.search(text, ALL))[:5]


JOINED = ChangeSet(
    entities=[
        entity("orders.gateway", title="The customer's wallet", description="Runs at db.example.com:8443"),
        entity("orders_ledger", tags=("lang:go", "_private_", "3.14")),
        entity("n7", title="nothing of that"),
        entity("n8", title="re\u0301sume\u0301.txt", description='नमस्ते דבר\u05f3צה"ל', tags=("soft\u00adware",)),
    ]
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orders.gateway", ["orders.gateway"]),
        ("Gateway", ["orders.gateway"]),
        ("gatway", ["orders.gateway"]),
        ("customer's", ["orders.gateway"]),
        ("wallet customer", ["orders.gateway"]),
        ("example.com", ["orders.gateway"]),
        ("example 8443", ["orders.gateway"]),
        ("ledger", ["orders_ledger"]),
        ("orders ledger", ["orders_ledger"]),
        ("orders_led", ["orders_ledger"]),
        ("lang:go", ["orders_ledger"]),
        ("go", ["orders_ledger"]),
        ("private", ["orders_ledger"]),
        ("3.14", ["orders_ledger"]),
        ("14", ["orders_ledger"]),
        ("orders", ["orders.gateway", "orders_ledger"]),
        ("gateway.orders.ledger", []),
        ("txt", ["n8"]),
        ("re\u0301sume\u0301", ["n8"]),
        ("résumé", ["n8"]),
        ("नमस्ते", ["n8"]),
        ('צה"ל', ["n8"]),
        ("ware", ["n8"]),
    ],
)
async def test_what_marks_join_is_words_too(store: Store, text: str, expected: list[str]) -> None:
    await write(store, JOINED)
    assert sorted(await store.search(text, ALL)) == [ref(name) for name in expected]


@pytest.mark.parametrize("text", ["", "   ", '"', "a AND", "* OR (", "na:me~^\\/[x] {y}", "'-+!", "\U0001f600"])
async def test_search_takes_any_text(store: Store, text: str) -> None:
    await write(store, CHECKOUT)
    for written in (text, f"checkout {text}"):
        assert len(await store.search(written, ALL)) <= 3


async def test_search_obeys_the_filter_and_follows_changes(store: Store) -> None:
    await write(store, CHECKOUT)
    assert len(await store.search("nothing", ALL)) == 20
    assert await store.search("checkout", Compare("lifecycle", Op.EQ, "old")) == [ref("checkout-worker")]
    await write(store, ChangeSet(entities=[entity("mailer", title="Post office")], removed=[ref("orders_db")]))
    assert await store.search("office", ALL) == [ref("mailer")]
    assert await store.search("größenwahn", ALL) == []
    assert await store.search("postgres", ALL) == []


ORDERS = ChangeSet(
    entities=[
        entity("api:default/order-desk"),
        entity("orders", title="Orders"),
        entity("component:default/order-desk"),
        entity("component:default/old-order-desk"),
        entity("component:default/shop", title="The order desk", description="Where an order is taken"),
        entity("component:default/till", description="Prints the order, at the desk", tags=("order", "desk")),
        entity("repository:default/order-desk"),
        entity("repository:default/order-desk-tools"),
        entity("group:default/order-desk"),
        unresolved(ref("order-desk-legacy")),
    ]
)


async def test_names_come_first_and_software_before_what_accompanies_it(store: Store) -> None:
    await write(store, ORDERS)
    found = await store.search("Order Desk", ALL)
    assert found[:7] == [
        "api:default/order-desk",
        "component:default/order-desk",
        "group:default/order-desk",
        "repository:default/order-desk",
        "repository:default/order-desk-tools",
        "component:default/order-desk-legacy",
        "component:default/old-order-desk",
    ]
    assert set(found[7:]) == {ref("shop"), ref("till")}
    assert (await store.search("orders", ALL))[0] == "component:default/orders"


async def test_of_names_that_begin_alike_software_comes_first_and_then_the_shortest(store: Store) -> None:
    expected = [
        entity("n7", title="Till"),
        entity("till-zz"),
        entity("till-as-it-was"),
        entity("repository:default/till-x"),
        entity("an-old-till"),
    ]
    await write(store, ChangeSet(entities=expected))
    assert await store.search("till", ALL) == [row.ref for row in expected]


@pytest.mark.parametrize("text", ["chekout", "checkoutt", "hceckout", "chackout", "CHEKOUT", "worker chekout"])
async def test_one_slip_is_forgiven_where_nothing_is_found_otherwise(store: Store, text: str) -> None:
    await write(store, CHECKOUT)
    assert ref("checkout-worker") in await store.search(text, ALL)
    assert await store.search("checkuot-workre", ALL) == [ref("checkout-worker")]
    assert await store.search("chkout", ALL) == []
    assert await store.search("mial", Compare("lifecycle", Op.EQ, "old")) == []


async def test_words_of_a_usual_length_may_be_mistyped(store: Store) -> None:
    names = ["pos", "cart", "x" * MAX_TYPO, "y" * (MAX_TYPO + 1)]
    await write(store, ChangeSet(entities=[entity(name) for name in names]))
    assert [await store.search(f"z{name[1:]}", ALL) for name in names] == [[], [ref("cart")], [ref(names[2])], []]


@pytest.mark.parametrize("many", [MAX_FOUND // 2, MAX_FOUND + 50])
async def test_the_name_is_found_among_more_than_are_ranked(store: Store, many: int) -> None:
    talkers = [entity(f"n{number}", title="ledger ledger", tags=("ledger",)) for number in range(many)]
    told = entity("ledger-of-all", description="a long text that says little about it " * 50)
    await write(store, ChangeSet(entities=[*talkers, told]))
    found = await store.search("ledger", ALL)
    assert found[0] == told.ref
    assert len(found) == min(many + 1, MAX_FOUND)


async def test_of_what_many_say_names_and_titles_come_first(store: Store) -> None:
    many = MAX_FOUND + 50
    talkers = [entity(f"n{number}", description="a ledger on a shelf") for number in range(many)]
    papers = [entity(f"repository:default/r{number}", description="a ledger on a shelf") for number in range(20)]
    named = [entity("shelf-of-a-ledger"), entity("the-place", title="A shelf for each ledger")]
    await write(store, ChangeSet(entities=[*papers, *talkers, *named]))
    found = await store.search("ledger shelf", ALL)
    assert found[:2] == [row.ref for row in named]
    assert (len(found), len(set(found))) == (MAX_FOUND, MAX_FOUND)
    assert await store.search("ledger shelf", Compare("kind", Op.EQ, "repository")) == sorted(row.ref for row in papers)
    software = await store.search("ledger shelf", Compare("kind", Op.EQ, "component"))
    assert (software[:2], len(set(software))) == (found[:2], MAX_FOUND)
    await write(store, ChangeSet(entities=[entity("the-place", title="A till")], removed=[named[0].ref]))
    assert not {row.ref for row in named} & set(await store.search("ledger shelf", ALL))


async def test_what_many_say_obeys_the_filter_and_the_reader_too(store: Store) -> None:
    many = MAX_FOUND + 50
    talkers = [entity(f"n{number}", description="about a ledger") for number in range(many)]
    old = [entity(name, description="ledger", lifecycle="old") for name in ("n7", "the-old", "ledger_old")]
    hidden = entity("ledger", lifecycle="old", audience="nobody")
    await write(store, ChangeSet(entities=[*(row for row in talkers if row.name != "n7"), *old, hidden]))
    filter_ = Compare("lifecycle", Op.EQ, "old")
    assert (await store.search("Ledger", filter_))[:2] == [hidden.ref, ref("ledger_old")]
    stranger = store.seen_by(Visibility(frozenset()))
    assert set(await stranger.search("ledger", filter_)) == {row.ref for row in old}
    found = await stranger.search("ledger", ALL)
    assert (found[0], hidden.ref in found, len(found)) == (ref("ledger_old"), False, MAX_FOUND)
