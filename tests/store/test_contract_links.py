"""What every store answers about the links of one entity: their order, their pages, their number."""

import pytest

from graph_api.catalog.filters import LinkCompare, Op
from graph_api.catalog.relations import Direction
from graph_api.store.protocol import LinkPage, LinkPlace, Store
from tests.catalogs import link, links, ref, refs, with_ends, write
from tests.conftest import on_mirror_too

pytestmark = on_mirror_too

IN, OUT = Direction.IN, Direction.OUT


async def test_neighbours_are_sorted_limited_and_filtered(store: Store) -> None:
    rows = [
        link("a", "c"),
        link("a", "b", environment="test"),
        link("a", "b", environment="prod", confidence=0.5),
        link("a", "b"),
        link("a", "b", "CONSUMES_API"),
        link("a", "a"),
        link("d", "a"),
        link("a", "x", "PART_OF"),
    ]
    await write(store, with_ends(rows))
    walked = ["DEPENDS_ON", "CONSUMES_API"]

    async def labels(direction: Direction, **options: object) -> list[tuple[str, str, str | None]]:
        answer = await store.neighbours(refs("a nowhere"), direction, walked, **options)  # type: ignore[arg-type]  # options of one call
        assert answer[ref("nowhere")] == []
        items = answer[ref("a")]
        assert all(item.ref == ref("a") for item in items)
        return [(item.entity.name, item.link.key.relation, item.link.key.environment) for item in items]

    every = [
        ("a", "DEPENDS_ON", None),
        ("b", "CONSUMES_API", None),
        ("b", "DEPENDS_ON", None),
        ("b", "DEPENDS_ON", "prod"),
        ("b", "DEPENDS_ON", "test"),
        ("c", "DEPENDS_ON", None),
    ]
    assert await labels(OUT) == every
    assert await labels(OUT, page=LinkPage(limit=3)) == every[:3]
    assert await labels(OUT, page=LinkPage(limit=2, backward=True)) == every[-2:]
    assert await labels(OUT, link_where=LinkCompare("confidence", Op.LT, 1)) == [every[3]]
    assert await labels(OUT, link_where=LinkCompare("environment", Op.EXISTS, True), page=LinkPage(limit=1)) == [
        every[3]
    ]
    assert await labels(IN) == [("a", "DEPENDS_ON", None), ("d", "DEPENDS_ON", None)]
    assert await store.neighbour_counts(refs("a nowhere"), OUT, walked) == {ref("a"): 6, ref("nowhere"): 0}
    weak = LinkCompare("confidence", Op.LT, 1)
    assert await store.neighbour_counts(refs("a nowhere"), OUT, walked, weak) == {ref("a"): 1, ref("nowhere"): 0}


PAGED_LINKS = [
    *links("a>b a>d a>e"),
    link("a", "c", "CONSUMES_API"),
    *(link("a", "c", environment=environment) for environment in (None, "prod", "test")),
]
PLACES = [
    LinkPlace(ref("b"), "DEPENDS_ON", None),
    LinkPlace(ref("c"), "CONSUMES_API", None),
    LinkPlace(ref("c"), "DEPENDS_ON", None),
    LinkPlace(ref("c"), "DEPENDS_ON", "prod"),
    LinkPlace(ref("c"), "DEPENDS_ON", "test"),
    LinkPlace(ref("d"), "DEPENDS_ON", None),
    LinkPlace(ref("e"), "DEPENDS_ON", None),
]


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("limit", [1, 3, None])
async def test_a_page_of_links_is_a_slice_of_all(store: Store, limit: int | None, backward: bool) -> None:
    await write(store, with_ends(PAGED_LINKS))
    gone = [LinkPlace(ref("bb"), "DEPENDS_ON", "x"), LinkPlace(ref("c"), "CONSUMES_API", "prod")]
    order = sorted([*PLACES, *gone], key=lambda place: (place.ref, place.relation, place.environment or ""))
    for low in (None, *order):
        for high in (None, *order):
            first, last = order.index(low) + 1 if low else 0, order.index(high) if high else len(order)
            expected = [place for place in order[first:last] if place in PLACES]
            if limit:
                expected = expected[-limit:] if backward else expected[:limit]
            page = LinkPage(limit=limit, after=low, before=high, backward=backward)
            answer = await store.neighbours(refs("a"), OUT, ["DEPENDS_ON", "CONSUMES_API"], page=page)
            found = [
                LinkPlace(row.entity.ref, row.link.key.relation, row.link.key.environment) for row in answer[ref("a")]
            ]
            assert found == expected, page


@pytest.mark.parametrize("backward", [False, True])
async def test_a_page_of_each_of_several_with_very_many_links(store: Store, backward: bool) -> None:
    far = [f"n{number:04d}" for number in range(1_300)]
    await write(store, with_ends([*(link("a", name) for name in far), *(link("b", name) for name in far[:3])]))
    page = LinkPage(limit=2, backward=backward)
    for asked in ("a b", "b c", "b n0000"):
        answer = await store.neighbours(refs(asked), OUT, ["DEPENDS_ON"], page=page)
        found = {name: [item.entity.name for item in answer[ref(name)]] for name in "ab" if ref(name) in answer}
        ends = {"a": far[-2:] if backward else far[:2], "b": far[1:3] if backward else far[:2]}
        assert found == {name: ends[name] for name in found}
    into = await store.neighbours(refs("n0000 n0002 n0003"), IN, ["DEPENDS_ON"], page=page)
    assert [len(into[ref(name)]) for name in ("n0000", "n0002", "n0003")] == [2, 2, 1]


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("direction", [IN, OUT])
async def test_each_of_many_has_a_page_as_if_it_were_alone(store: Store, direction: Direction, backward: bool) -> None:
    await write(store, with_ends([*PAGED_LINKS, *links("b>a b>c b>d c>a d>a d>b e>a e>b e>c")]))
    asked, relations = refs("a b c d e"), ["DEPENDS_ON", "CONSUMES_API"]
    places = [None, LinkPlace(ref("b"), "DEPENDS_ON", None), LinkPlace(ref("c"), "DEPENDS_ON", "prod")]
    for limit in (1, 2, None):
        for after in places:
            page = LinkPage(limit=limit, after=after, backward=backward)
            together = await store.neighbours(asked, direction, relations, page=page)
            alone = [await store.neighbours([one], direction, relations, page=page) for one in asked]
            assert together == {one: answer[one] for one, answer in zip(asked, alone, strict=True)}
