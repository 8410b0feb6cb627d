"""Files that the embedded store finds: foreign ones, and those of older and newer formats."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from graph_api.access.audit import Head
from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.filters import ALL
from graph_api.catalog.merge import merge_link
from graph_api.catalog.relations import Direction
from graph_api.errors import CatalogError, ErrorCode
from tests.catalogs import AT, entity, link, links, ref, refs, with_ends, write
from tests.store.opening import names, opened


def other_database(path: Path) -> None:
    with sqlite3.connect(path) as conn:
        conn.execute("CREATE TABLE cats (name TEXT)")
    conn.close()


def text(path: Path) -> None:
    path.write_text("name: checkout\n" * 100)


def content(path: Path) -> bytes:
    return path.read_bytes()


async def refusal(path: Path) -> str:
    before = content(path)
    with pytest.raises(CatalogError) as refused:
        async with opened(path):
            pass
    assert refused.value.code is ErrorCode.UNAVAILABLE
    assert content(path) == before
    return refused.value.message


@pytest.mark.parametrize(("make", "reason"), [(other_database, "is no catalog"), (text, "is no database")])
async def test_a_foreign_file_is_refused_and_left_alone(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    make(tmp_path / "other")
    assert reason in await refusal(tmp_path / "other")


async def test_a_file_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    async with opened(path) as store:
        with sqlite3.connect(path) as conn:
            conn.execute("PRAGMA user_version = 99")
        conn.close()
        with pytest.raises(CatalogError, match="newer version"):
            await store.ping()
    assert "format 99" in await refusal(path)


async def test_a_file_of_an_older_format_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    async with opened(path) as store:
        await write(store, with_ends(links("a>b")))
    with sqlite3.connect(path) as conn:
        for column in ("source_order", "horizon", "swept_at", "swept_terms"):
            conn.execute(f"ALTER TABLE catalog DROP COLUMN {column}")
        conn.execute("ALTER TABLE sources DROP COLUMN last_applied_at")
        forget_audiences(conn)
        forget_origins(conn)
        forget_access(conn)
        conn.execute("DROP TABLE leases")
        forget_names(conn)
        conn.execute("PRAGMA user_version = 1")
    conn.close()
    async with opened(path) as store:
        assert await names(store) == ["a", "b"]
        assert await store.source_order() is None
        assert [source.last_applied_at for source in await store.sources()] == [AT]
        assert await store.lease("anything", "me", 1)
        assert (await store.keys(), await store.audit_head()) == ([], Head(0, ""))
        assert await write(store, ChangeSet(removed=refs("a"), removed_links=[link("a", "b").key])) == 2


async def test_names_in_a_file_of_an_older_format_are_found_first(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    talkers = [entity(f"n{number}", description="about a ledger") for number in range(400)]
    async with opened(path) as store:
        await write(store, ChangeSet(entities=[*talkers, entity("the-ledger")]))
    with sqlite3.connect(path) as conn:
        forget_names(conn)
        conn.execute("PRAGMA user_version = 6")
    conn.close()
    async with opened(path) as store:
        assert (await store.search("ledger", ALL))[0] == ref("the-ledger")
        await write(store, ChangeSet(removed=refs("the-ledger")))
        assert (await store.search("ledger", ALL))[0] == ref("n0")


def forget_audiences(conn: sqlite3.Connection) -> None:
    """Of entities, as before format 4."""
    conn.execute("DROP INDEX entities_restricted")
    for table in ("entities", "removed"):
        conn.execute(f"ALTER TABLE {table} DROP COLUMN audience")


def forget_names(conn: sqlite3.Connection) -> None:
    """And who saw what is hidden, as before format 7."""
    for table in ("search_names", "hidden"):
        conn.execute(f"DROP TABLE {table}")


def forget_origins(conn: sqlite3.Connection) -> None:
    """Of links, as before format 3."""
    conn.execute("DROP INDEX links_observed")
    for column in ("origins", "observed_at"):
        conn.execute(f"ALTER TABLE links DROP COLUMN {column}")


def forget_access(conn: sqlite3.Connection) -> None:
    """Keys and the audit log, as before format 4."""
    for table in ("keys", "audit"):
        conn.execute(f"DROP TABLE {table}")
    for column in ("audit_sequence", "audit_hash"):
        conn.execute(f"ALTER TABLE catalog DROP COLUMN {column}")


async def test_how_links_are_known_is_read_out_of_their_statements(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    declared, told = link("a", "b"), link("a", "c")
    ((said,),) = declared.statements.values()
    times = ("2026-01-02T00:00:00+01:00", "2026-01-01T00:00:00Z", None)
    seen = [replace(said, key=told.key, origin=LinkOrigin.OBSERVED, observed_at=at) for at in times]
    guessed = replace(said, key=told.key, origin=LinkOrigin.INFERRED)
    several = merge_link(told.key, {source: (row,) for source, row in zip("abcd", (*seen, guessed), strict=True)})
    async with opened(path) as store:
        await write(store, with_ends([declared, several]))
    with sqlite3.connect(path) as conn:
        forget_audiences(conn)
        forget_origins(conn)
        forget_access(conn)
        forget_names(conn)
        conn.execute("PRAGMA user_version = 2")
    conn.close()
    async with opened(path) as store:
        found = (await store.neighbours(refs("a"), Direction.OUT, ["DEPENDS_ON"]))[ref("a")]
    assert [row.link for row in found] == [replace(declared, revision=1), replace(several, revision=1)]
    assert (several.origins, several.observed_at) == (
        (LinkOrigin.OBSERVED, LinkOrigin.INFERRED),
        "2026-01-01T23:00:00.000Z",
    )
