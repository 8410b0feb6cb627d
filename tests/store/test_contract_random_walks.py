"""Random walks over random catalogs: both stores answer as the naive reference does."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from graph_api.catalog.audience import Visibility
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import DEFAULT_BUDGET, Traversal, WalkAnswer, WalkRequest
from tests.conftest import Run, on_mirror_too
from tests.graphs import RELATIONS, Catalog, catalogs
from tests.questions import some, traversals, visibilities, walk_requests
from tests.reference import Reference
from tests.store.loading import FEW, Loader

pytestmark = on_mirror_too

DEADLINE = 30.0


Asked: TypeAlias = tuple[Catalog, Visibility, list[Any]]


@st.composite
def catalogs_and(draw: st.DrawFn, questions: Any) -> Asked:
    """A catalog, a reader, and questions that start at what it sees."""
    catalog, visibility = draw(catalogs()), draw(visibilities())
    refs = [entity.ref for entity in catalog.entities if visibility.sees(entity.audience, entity.ref)]
    return catalog, visibility, draw(st.lists(questions(refs), min_size=3, max_size=8)) if refs else []


@given(asked=catalogs_and(walk_requests))
@FEW
def test_walks(loader: Loader, run: Run, asked: Asked) -> None:
    async def ask() -> None:
        catalog, visibility, questions = asked
        reference, store = (await loader.load(catalog)).seen_by(visibility), loader.store.seen_by(visibility)
        for request in questions:
            answer = await store.walk(request, deadline=DEADLINE)
            assert answer.revision == loader.revision
            assert _wanted(answer, request) == _wanted(reference.walk(request), request), request

    run(ask())


def _wanted(answer: WalkAnswer, request: WalkRequest) -> dict[str, object]:
    """The parts that were asked for."""
    hits = answer.hits if request.severity else [replace(hit, severity=None) for hit in answer.hits]
    parts: dict[str, object] = {"facets": {field: answer.facets[field] for field in request.facets}}
    if request.limit:
        parts |= {"hits": list(hits), "more": (answer.more_before, answer.more_after)}
    if request.total:
        parts["total"] = answer.total
    if request.completeness:
        parts["completeness"] = answer.completeness
    return parts


@given(asked=catalogs_and(traversals), hard_only=st.booleans())
@FEW
def test_via_is_a_shortest_walk_that_obeys(loader: Loader, run: Run, asked: Asked, hard_only: bool) -> None:
    async def ask() -> None:
        catalog, visibility, questions = asked
        reference, store = (await loader.load(catalog)).seen_by(visibility), loader.store.seen_by(visibility)
        for traversal in questions:
            refs = _hits_and_unreachable(reference, traversal)
            found = await store.via(traversal, refs, hard_only=hard_only, deadline=DEADLINE)
            reachable = reference.distances(traversal, hard_only=hard_only)
            assert found.keys() == {ref for ref in refs if ref in reachable}, traversal
            for ref, path in found.items():
                reference.check_via(traversal, ref, path, hard_only=hard_only)

    run(ask())


def _hits_and_unreachable(reference: Reference, traversal: Traversal) -> list[Ref]:
    """What budget and `keep` exclude is never asked for."""
    hits = [hit.entity.ref for hit in reference.hits(traversal)]
    reachable = reference.distances(traversal)
    return hits + [ref for ref in reference.entities if ref not in reachable]


@given(asked=catalogs_and(traversals), first=st.integers(1, 4))
@FEW
def test_paths(loader: Loader, run: Run, asked: Asked, first: int) -> None:
    async def ask() -> None:
        catalog, visibility, questions = asked
        reference, store = (await loader.load(catalog)).seen_by(visibility), loader.store.seen_by(visibility)
        for asked_for in questions:
            from_ = asked_for.start[0]
            traversal = replace(asked_for, start=(from_,), direction=Direction.OUT, budget=DEFAULT_BUDGET)
            for to in sorted(reference.entities)[:4]:
                found = await store.paths(from_, to, traversal, first, deadline=DEADLINE)
                assert found == reference.paths(from_, to, traversal, first), (to, traversal)

    run(ask())


@given(
    catalog=catalogs(),
    visibility=visibilities(),
    questions=st.lists(some(RELATIONS, at_most=5), min_size=1, max_size=4),
)
@FEW
def test_cycles(
    loader: Loader, run: Run, catalog: Catalog, visibility: Visibility, questions: list[Sequence[str]]
) -> None:
    async def ask() -> None:
        reference, store = (await loader.load(catalog)).seen_by(visibility), loader.store.seen_by(visibility)
        for relations in questions:
            reference.check_cycles(relations, await store.cycles(relations, deadline=DEADLINE))

    run(ask())
