"""What happened: runs with their problems, the sources that they speak for, and the latest change of each entity."""

from dataclasses import replace

from graph_api.catalog.changes import SEEN, Change, ChangeOperation, SourceInfo, SyncRun, SyncStatus
from graph_api.catalog.ref import Ref
from graph_api.store.neo4j import cypher
from graph_api.store.neo4j.statements import Row, Statements
from graph_api.store.protocol import PlacedProblem
from graph_api.store.retention import Retention, check_since
from graph_api.store.rows import dump, dump_run, load_problem, load_run

_COUNTED = frozenset({SyncStatus.APPLIED, SyncStatus.CONFIRMED})


def run_of(row: Row) -> SyncRun:
    return load_run(row["run"], row.get("payload"), row["problems"])


async def sources(tx: Statements) -> list[SourceInfo]:
    """Return the sources by name, each with its last run."""
    return [
        SourceInfo(
            name=row["name"],
            connector=row["connector"],
            last_run=run_of(row),
            last_applied_at=row["last_applied_at"],
            entities=row["entities"],
            links=row["links"],
        )
        for row in await tx.rows(cypher.SOURCES)
    ]


async def syncs(
    tx: Statements, source: str | None, limit: int, after: tuple[str, str] | None, status: SyncStatus | None
) -> list[SyncRun]:
    """Return the runs, newest first by (started_at, id)."""
    started_at, id_ = after or (None, None)
    rows = await tx.rows(cypher.SYNCS, source=source, status=status, started_at=started_at, id=id_, limit=limit)
    return [run_of(row) for row in rows]


async def problems(
    tx: Statements,
    source: str | None,
    limit: int,
    after: tuple[str, int] | None,
    before: tuple[str, int] | None,
    *,
    backward: bool,
) -> list[PlacedProblem]:
    """Return the problems of the last run of each source, in the order (source, place)."""
    query = cypher.PROBLEMS.format(direction="DESC" if backward else "ASC")
    rows = await tx.rows(query, source=source, limit=limit, after=after, before=before)
    found = [PlacedProblem(row["source"], row["place"], load_problem(row["problem"])) for row in rows]
    return found[::-1] if backward else found


async def count_problems(tx: Statements, source: str | None) -> int:
    count: int = (await tx.rows(cypher.COUNT_PROBLEMS, source=source))[0]["n"]
    return count


async def changes(tx: Statements, since: int, limit: int, after: tuple[int, Ref] | None) -> list[Change]:
    """Return the changes after the revision `since`, in the order (revision, ref)."""
    for row in await tx.rows(cypher.READ_HORIZON):
        check_since(since, row["horizon"])
    revision, ref = after or (since, "")
    sight = tx.sight
    seen = {"where": sight.node("e"), "told": sight.node("t")}
    hidden = "" if sight.whole or not since else cypher.HIDDEN_CHANGES.format(**seen, gone=sight.node("x"))
    query = cypher.CHANGES.format(**seen, hidden=hidden)
    place = {"since": since, "after_revision": revision, "after_ref": ref, "limit": limit}
    rows = await tx.packed(query, **place, **tx.sight.parameters)
    return [
        Change(ref=ref, revision=revision, at=at, operation=ChangeOperation(operation))
        for ref, revision, at, operation in rows
    ]


def run_record(run: SyncRun) -> Row:
    """Return the properties of the run's node."""
    return {
        "id": run.id,
        "source": run.source,
        "started_at": run.started_at,
        "body": dump_run(replace(run, problems=())),
        "problems": [dump(problem) for problem in run.problems],
        "held": True if run.status is SyncStatus.HELD else None,
        "payload": run.payload,
    }


def write_run(tx: Statements, run: SyncRun, retention: Retention) -> None:
    """Write or replace the run; what it applied counts for its source."""
    counts = run.counts
    counted = run.status in _COUNTED
    tx.buffer.keep = retention.runs
    tx.buffer.runs.append(
        {
            **run_record(run),
            "connector": run.connector,
            "entities": counts.entities_added - counts.entities_removed if counted else 0,
            "links": counts.links_added - counts.links_removed if counted else 0,
            "applied_at": run.finished_at if run.status in SEEN else None,
        }
    )
