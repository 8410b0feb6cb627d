"""Random catalogs, and several random questions of each: both stores answer as the naive reference does."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from graph_api.catalog.audience import Visibility
from graph_api.catalog.entity import Entity
from graph_api.catalog.filters import Filter, LinkFilter
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.store.protocol import LinkPage, LinkPlace, PageRequest, Reading
from tests.conftest import Run, on_mirror_too
from tests.graphs import ENVIRONMENTS, IDENTIFIERS, REFS, RELATIONS, Catalog, catalogs
from tests.questions import PLAIN_FACETS, filters, link_filters, page_requests, some, visibilities
from tests.reference import Reference
from tests.reference_order import place_of
from tests.store.loading import FEW, Loader

pytestmark = on_mirror_too


@given(catalog=catalogs(), visibility=visibilities(), requests=st.lists(page_requests(), min_size=3, max_size=6))
@FEW
def test_pages(loader: Loader, run: Run, catalog: Catalog, visibility: Visibility, requests: list[PageRequest]) -> None:
    async def ask() -> None:
        reference = (await loader.load(catalog)).seen_by(visibility)
        store = loader.store.seen_by(visibility)
        for request in requests:
            page = await store.page(request)
            assert (list(page.entities), page.more) == reference.page(request), request
            assert page.revision == loader.revision

    run(ask())


@given(catalog=catalogs(), visibility=visibilities(), requests=st.lists(page_requests(), min_size=1, max_size=3))
@FEW
def test_all_pages_in_turn_are_the_sorted_list(
    loader: Loader, run: Run, catalog: Catalog, visibility: Visibility, requests: list[PageRequest]
) -> None:
    async def ask() -> None:
        reference = (await loader.load(catalog)).seen_by(visibility)
        store = loader.store.seen_by(visibility)
        for request in requests:
            expected, _ = reference.page(replace(request, after=None, before=None, limit=100))
            assert await _all_pages(store, request, backward=False) == expected, request
            assert await _all_pages(store, request, backward=True) == expected, request

    run(ask())


async def _all_pages(store: Reading, request: PageRequest, *, backward: bool) -> list[Entity]:
    found: list[Entity] = []
    request = replace(request, after=None, before=None, backward=backward)
    while True:
        page = await store.page(request)
        found = [*page.entities, *found] if backward else [*found, *page.entities]
        if not page.more:
            return found
        assert len(page.entities) == request.limit
        if backward:
            request = replace(request, before=place_of(found[0], request.sort))
        else:
            request = replace(request, after=place_of(found[-1], request.sort))


@given(
    catalog=catalogs(),
    visibility=visibilities(),
    questions=st.lists(st.tuples(filters(), some(PLAIN_FACETS, at_most=5)), min_size=4, max_size=8),
)
@FEW
def test_counts_and_facets(
    loader: Loader, run: Run, catalog: Catalog, visibility: Visibility, questions: list[tuple[Filter, Sequence[str]]]
) -> None:
    async def ask() -> None:
        reference = (await loader.load(catalog)).seen_by(visibility)
        store = loader.store.seen_by(visibility)
        for filter_, fields in questions:
            assert await store.count(filter_) == len(reference.matching(filter_)), filter_
            assert await store.facets(filter_, fields) == reference.facets(filter_, fields), filter_

    run(ask())


@dataclass(frozen=True)
class LinksQuestion:
    refs: Collection[Ref]
    direction: Direction
    relations: Collection[str]
    where: LinkFilter | None
    page: LinkPage


def link_pages() -> st.SearchStrategy[LinkPage]:
    places = st.builds(
        LinkPlace, st.sampled_from(REFS), st.sampled_from(RELATIONS), st.sampled_from((None, *ENVIRONMENTS))
    )
    return st.builds(
        LinkPage,
        limit=st.none() | st.integers(1, 4),
        after=st.none() | places,
        before=st.none() | places,
        backward=st.booleans(),
    )


def links_questions() -> st.SearchStrategy[LinksQuestion]:
    return st.builds(
        LinksQuestion,
        some(REFS, at_most=6),
        st.sampled_from(Direction),
        some(RELATIONS, at_most=5),
        st.none() | link_filters(),
        link_pages(),
    )


@given(catalog=catalogs(), visibility=visibilities(), questions=st.lists(links_questions(), min_size=3, max_size=6))
@FEW
def test_neighbours(
    loader: Loader, run: Run, catalog: Catalog, visibility: Visibility, questions: list[LinksQuestion]
) -> None:
    async def ask() -> None:
        reference = (await loader.load(catalog)).seen_by(visibility)
        store = loader.store.seen_by(visibility)
        for question in questions:
            await _check_neighbours(store, reference, question)

    run(ask())


async def _check_neighbours(store: Reading, reference: Reference, question: LinksQuestion) -> None:
    refs, direction, relations = question.refs, question.direction, question.relations
    where, page = question.where, question.page
    found = await store.neighbours(refs, direction, relations, where, page)
    counts = await store.neighbour_counts(refs, direction, relations, where)
    assert found == {ref: reference.neighbours(ref, direction, relations, where, page) for ref in refs}, question
    assert counts == {ref: len(reference.neighbours(ref, direction, relations, where)) for ref in refs}, question


@given(
    catalog=catalogs(),
    visibility=visibilities(),
    refs=some(REFS, at_most=4),
    identifiers=some((*IDENTIFIERS, "none"), at_most=4),
)
@FEW
def test_entities_subgroups_and_identifiers(
    loader: Loader, run: Run, catalog: Catalog, visibility: Visibility, refs: Sequence[Ref], identifiers: Sequence[str]
) -> None:
    async def ask() -> None:
        reference = (await loader.load(catalog)).seen_by(visibility)
        store = loader.store.seen_by(visibility)
        known = {ref: reference.entities[ref] for ref in refs if ref in reference.entities}
        assert await store.entities(refs) == known
        assert await store.subgroups(refs) == reference.subgroups(refs)
        assert await store.resolve(identifiers) == reference.resolve(identifiers)

    run(ask())
