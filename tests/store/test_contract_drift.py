"""Drift on random catalogs: both stores find what the naive reference finds, page by page."""

from hypothesis import given
from hypothesis import strategies as st

from graph_api.catalog.audience import Visibility
from graph_api.catalog.drift import DriftFinding, DriftKind, DriftPlace, DriftQuestion
from graph_api.store.protocol import Reading
from tests.conftest import Run, on_mirror_too
from tests.graphs import SOURCES, TIMES, Catalog, catalogs
from tests.questions import filters, some, visibilities
from tests.reference_drift import DriftReference
from tests.store.loading import FEW, Loader

pytestmark = on_mirror_too

RELATIONS = ("DEPENDS_ON", "CONSUMES_API", "PROVIDED_BY", "READS_FROM", "WRITTEN_BY", "OWNED_BY", "CONTAINS")


def questions() -> st.SearchStrategy[DriftQuestion]:
    kinds = st.just(frozenset(DriftKind)) | some(tuple(DriftKind), at_most=3).map(frozenset)
    declaring = st.none() | some(SOURCES).map(tuple)
    return st.builds(DriftQuestion, kinds=kinds, filter=filters(), since=st.sampled_from(TIMES), declaring=declaring)


@given(
    catalog=catalogs(RELATIONS),
    visibility=visibilities(),
    asked=st.lists(st.tuples(questions(), st.integers(1, 4)), min_size=2, max_size=4),
)
@FEW
def test_all_pages_in_turn(
    loader: Loader, run: Run, catalog: Catalog, visibility: Visibility, asked: list[tuple[DriftQuestion, int]]
) -> None:
    async def ask() -> None:
        reference, store = (await loader.load(catalog)).seen_by(visibility), loader.store.seen_by(visibility)
        for question, limit in asked:
            expected = DriftReference(reference, question).findings()
            assert await _all_pages(store, question, limit) == expected, question
            assert await store.count_drift(question) == len(expected), question

    run(ask())


async def _all_pages(store: Reading, question: DriftQuestion, limit: int) -> list[DriftFinding]:
    found: list[DriftFinding] = []
    after: DriftPlace | None = None
    while page := await store.drift(question, limit, after):
        assert len(page) <= limit
        found += page
        after = page[-1].place
    return found
