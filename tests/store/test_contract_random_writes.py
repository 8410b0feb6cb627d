"""Random catalogs that replace one another: what a writer reads, and the change log, are as the reference has them."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from graph_api.catalog.audience import Visibility
from graph_api.catalog.entity import LinkKey
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.planning.thread import in_thread
from graph_api.store.neo4j import write_buffer, writes
from graph_api.store.protocol import Store, WriteTransaction
from tests.conftest import Run, on_mirror_too
from tests.graphs import IDENTIFIERS, REFS, RELATIONS, REPOSITORIES, SOURCES, Catalog, catalogs
from tests.questions import some, visibilities
from tests.reference import Reference
from tests.store.loading import FEW, Loader

pytestmark = on_mirror_too


@given(
    history=st.lists(catalogs(), min_size=1, max_size=3),
    visibility=visibilities(),
    since=st.integers(0, 5),
    limit=st.integers(1, 30),
)
@FEW
def test_changes_are_folded_to_the_latest(
    loader: Loader, run: Run, history: list[Catalog], visibility: Visibility, since: int, limit: int
) -> None:
    async def ask() -> None:
        start = loader.revision
        for catalog in history:
            await loader.load(catalog)
        expected = loader.changes(start + since, visibility)
        store = loader.store.seen_by(visibility)
        assert await store.changes(start + since, len(expected) + 1) == expected
        first = await store.changes(start + since, limit)
        assert first == expected[:limit]
        if first:
            after = (first[-1].revision, first[-1].ref)
            assert await store.changes(start + since, limit, after) == expected[limit : 2 * limit]

    run(ask())


@given(
    history=st.lists(catalogs(), min_size=1, max_size=2),
    refs=some(REFS, at_most=5),
    relations=some(RELATIONS, at_most=5),
    repositories=st.none() | some(REPOSITORIES),
    small=st.sampled_from((0, write_buffer.MOST)),
)
@FEW
def test_a_writer_sees_what_it_changes(
    loader: Loader,
    run: Run,
    history: list[Catalog],
    refs: Sequence[Ref],
    relations: Sequence[str],
    repositories: Sequence[Ref] | None,
    small: int,
) -> None:
    """Whether Neo4j was given all with one statement or with many."""

    async def look(transaction: WriteTransaction) -> None:
        assert transaction.revision == loader.revision
        known = {ref: reference.entities[ref] for ref in refs if ref in reference.entities}
        assert await transaction.entities(refs) == known
        for direction in Direction:
            found = await transaction.links_at(refs, relations, direction)
            assert sorted(map(str, (link.key for link in found))) == sorted(
                map(str, reference.links_at(refs, relations, direction))
            )
        assert await transaction.referenced(refs) == {ref: reference.referenced(ref) for ref in refs}
        assert sorted(await transaction.in_repositories(repositories)) == reference.in_repositories(repositories)
        assert await transaction.resolve(IDENTIFIERS) == reference.resolve(IDENTIFIERS)
        await _check_statements(transaction, reference)

    with patch.object(writes, "MOST", small):
        for catalog in history:
            reference = run(loader.load(catalog))
    run(_plan(loader.store, look))


async def _plan(store: Store, look: Callable[[WriteTransaction], Coroutine[Any, Any, None]]) -> None:
    async with store.write() as transaction:
        await in_thread(transaction, look)


async def _check_statements(transaction: WriteTransaction, reference: Reference) -> None:
    missing = LinkKey(REFS[0], "DEPENDS_ON", REFS[0], "nowhere")
    assert await transaction.links([*reference.links, missing]) == reference.links
    for source in (*SOURCES, "unknown"):
        entities, links = reference.said_by(source)
        assert await transaction.said_by(source) == (entities, links, None)
        assert await _paged(transaction, source) == (entities, links)


async def _paged(transaction: WriteTransaction, source: str) -> tuple[object, object]:
    entities, links, more = await transaction.said_by(source, None, 1)
    while more is not None:
        page = await transaction.said_by(source, more, 1)
        assert len(page.entities) <= 1
        assert not links.keys() & page.links.keys()
        entities, links, more = entities | page.entities, links | page.links, page.more
    return entities, links
