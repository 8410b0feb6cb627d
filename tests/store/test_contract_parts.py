"""A sync that is planned and written in parts is, for all who look, the same as one in one piece."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_api import spool
from graph_api.access.audit import Record
from graph_api.backup.rows import encode_row
from graph_api.catalog.audience import OWNERS, Restriction
from graph_api.catalog.changes import SyncRun, SyncStatus
from graph_api.catalog.entity import Criticality, Entity, EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.merge import SourceOrder
from graph_api.catalog.ref import Ref, split_ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.large import SIZES, Sizes
from graph_api.store.dump import DumpRow, RemovedRow
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.protocol import Store
from graph_api.sync import SyncReport, confirm_sync, sync
from tests.conftest import Run

SOURCES = ("x", "y", "z")
ORDER = SourceOrder(
    ("y",), restrictions=(Restriction(tags=("secret",), to=(OWNERS,)), Restriction(kinds=("api",), to=("role:admin",)))
)
THINGS = [Ref(f"component:default/{name}") for name in "abcd"] + [Ref("api:default/a"), Ref("environment:default/e")]
PARTS = [Ref("system:default/s"), Ref("system:default/t"), Ref("domain:default/d")]
TEAMS = [Ref("group:default/g"), Ref("group:default/h"), Ref("user:default/u")]
REPOSITORY = Ref("repository:default/r")
REFS = [*THINGS, *PARTS, *TEAMS, REPOSITORY]
WRITTEN = (SyncStatus.APPLIED, SyncStatus.CONFIRMED)
ANOTHER = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\b[0-9a-f]{16}\b")
"""Times and ids of runs."""
NAMES = ("image:p", "service.name:r", "arn:t", "plain")
HANDLES = ("@org/g", "@u", "@org/unknown")
ENDS = {
    "DEPENDS_ON": (THINGS, THINGS),
    "PART_OF": ([*THINGS, *PARTS], PARTS),
    "OWNED_BY": ([*THINGS, *PARTS], TEAMS),
    "MEMBER_OF": (TEAMS[2:], TEAMS[:2]),
    "CHILD_OF": (TEAMS[:2], TEAMS[:2]),
    "DEPLOYED_TO": (THINGS, THINGS[-1:]),
}


@st.composite
def entities(draw: st.DrawFn, ref: Ref) -> EntityStatement:
    is_repository = ref == REPOSITORY
    names = st.lists(st.sampled_from(HANDLES if ref in TEAMS else NAMES), unique=True, max_size=2)
    return EntityStatement(
        ref=ref,
        name=split_ref(ref).name,
        kind=split_ref(ref).kind.title(),
        document="d",
        location="d:1",
        title=draw(st.sampled_from((None, "A", "B"))),
        tags=draw(st.sampled_from(((), ("secret",)))),
        identifiers=tuple(sorted(draw(names))),
        repository=draw(st.sampled_from((None, REPOSITORY))) if ref in THINGS else None,
        folder="",
        code_owners=draw(st.sampled_from((None, *(f"* {handle}" for handle in HANDLES)))) if is_repository else None,
        code_owners_dialect="GITHUB" if is_repository else None,
        code_owners_path="CODEOWNERS" if is_repository else None,
    )


@st.composite
def links(draw: st.DrawFn) -> LinkStatement:
    relation = draw(st.sampled_from(list(ENDS)))
    source, target = (draw(st.sampled_from(refs)) for refs in ENDS[relation])
    criticality = draw(st.sampled_from((None, Criticality.SOFT)))
    return LinkStatement(
        key=LinkKey(source, relation, target, None), document="d", location="d:2", criticality=criticality
    )


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    refs = draw(st.lists(st.sampled_from(REFS), unique=True, max_size=8))
    said = [draw(entities(ref)) for ref in refs]
    linked = draw(st.lists(links(), max_size=10))
    return Snapshot(
        source=draw(st.sampled_from(SOURCES)),
        connector="test",
        entities={row.ref: row for row in said},
        links={row.key: row for row in linked},
    )


@pytest.fixture
def whole(run: Run) -> Iterator[Store]:
    """Another catalog, in which nothing is written in parts."""
    store = EmbeddedStore(None)
    run(store.open())
    yield store
    run(store.close())


@given(
    history=st.lists(st.tuples(snapshots(), st.integers(1, 6), st.sampled_from((0, 2, 1_000))), min_size=1, max_size=5)
)
def test_parts_of_any_size_make_the_same(
    store: Store, whole: Store, run: Run, history: Sequence[tuple[Snapshot, int, int]]
) -> None:
    """However little of what is compared stays in memory."""

    async def check() -> None:
        for snapshot, size, in_memory in history:
            with patch.object(spool, "MOST", in_memory):
                report = await applied(store, snapshot, Sizes(whole=0, part=size))
            expected = await applied(whole, snapshot)
            assert report.plan.digest() == expected.plan.digest()
            assert plan_of(report) == plan_of(expected)
            assert report.changes.operations() == expected.changes.operations()
            assert await everything(store) == await everything(whole)

    run(check())


async def test_what_moves_to_another_and_back_has_not_changed(store: Store, whole: Store) -> None:
    """Two things of y have the name of b, so b is neither; between the parts, one of them has it."""
    a, b, c, d = THINGS[:4]
    needs = LinkStatement(key=LinkKey(b, "DEPENDS_ON", c, None), document="d", location="d:2")
    history = [
        Snapshot(source="x", connector="test", entities={b: named(b, "arn:t")}, links={needs.key: needs}),
        Snapshot(source="y", connector="test", entities={a: named(a, "arn:t"), d: named(d, "arn:t")}),
        Snapshot(source="y", connector="test", entities={a: named(a), d: named(d)}),
    ]
    for snapshot in history:
        await applied(store, snapshot, Sizes(whole=0, part=1))
        await applied(whole, snapshot)
        assert await everything(store) == await everything(whole)
    assert [change.ref for change in await store.changes(2, 10)] == [a, d]


def named(ref: Ref, *names: str) -> EntityStatement:
    name = split_ref(ref).name
    return EntityStatement(ref=ref, name=name, kind="Component", document="d", location="d:1", identifiers=names)


async def applied(store: Store, snapshot: Snapshot, sizes: Sizes = SIZES) -> SyncReport:
    report = await sync(store, snapshot, ORDER, sizes=sizes)
    if report.run.status is SyncStatus.HELD:
        return await confirm_sync(store, report.run.id, ORDER, sizes=sizes)
    return report


def plan_of(report: SyncReport) -> list[object]:
    edit = report.plan.edit
    return [
        report.run.counts,
        {ref: said and replace(said, first_seen=None, last_seen=None) for ref, said in edit.entities.items()},
        {key: said and replace(said, first_seen=None, last_seen=None) for key, said in edit.links.items()},
    ]


async def everything(store: Store) -> list[str]:
    """All that there is, with stamps and the audit log, but for what is another each time."""
    rows = [row async for batch in store.dump() for row in batch]
    times = {row.revision: row.finished_at for row in rows if isinstance(row, SyncRun) and row.status in WRITTEN}
    for row in rows:
        assert not isinstance(row, Entity) or row.updated_at == times[row.revision]
        # Runs are forgotten before what they removed.
        assert not isinstance(row, RemovedRow) or row.at == times.get(row.revision, row.at)
    return sorted(ANOTHER.sub("", encode_row(_event_of(row)).decode()) for row in rows)


def _event_of(row: DumpRow) -> DumpRow:
    return replace(row, previous="", hash="") if isinstance(row, Record) else row
