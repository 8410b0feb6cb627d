"""What search finds: order may differ between the stores, the expected entity is among the first five on both."""

import pytest

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import unresolved
from graph_api.catalog.filters import ALL, Compare, Op
from graph_api.store.protocol import Store
from tests.catalogs import entity, ref, write

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
    assert ref(expected) in [entity.ref for entity in await store.search(text, ALL, 5)]


@pytest.mark.parametrize("text", ["", "   ", '"', "a AND", "* OR (", "na:me~^\\/[x] {y}", "'-+!", "\U0001f600"])
async def test_search_takes_any_text(store: Store, text: str) -> None:
    await write(store, CHECKOUT)
    for written in (text, f"checkout {text}"):
        assert len(await store.search(written, ALL, 3)) <= 3


async def test_search_obeys_filter_and_limit_and_follows_changes(store: Store) -> None:
    await write(store, CHECKOUT)
    assert len(await store.search("nothing", ALL, 3)) == 3
    (hit,) = await store.search("checkout", Compare("lifecycle", Op.EQ, "old"), 5)
    assert hit.ref == ref("checkout-worker")
    await write(store, ChangeSet(entities=[entity("mailer", title="Post office")], removed=[ref("orders_db")]))
    assert [hit.ref for hit in await store.search("office", ALL, 5)] == [ref("mailer")]
    assert await store.search("größenwahn", ALL, 5) == []
    assert await store.search("postgres", ALL, 5) == []
