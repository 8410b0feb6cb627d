"""A mapping of any size: what is little stays in memory, what is much goes to a temporary file."""

import copyreg
import pickle
import sqlite3
import weakref
from collections.abc import ItemsView, Iterable, Iterator, Mapping, MutableMapping, ValuesView
from contextlib import contextmanager
from typing import Any, TypeVar

from graph_api.catalog.entity import EntityStatement, LinkStatement
from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.rows import sparse_entity, sparse_link

MOST = 400_000
"""Values that are kept in memory, unless a spool is made for less: what one transaction takes is planned there."""
_BATCH, _PAGE = 20_000, 2_000
"""Values that wait to be written, and that are read, at a time."""

K = TypeVar("K")
V = TypeVar("V")


class Spool(MutableMapping[K, V]):
    """Keys are texts, or tuples of texts, numbers and None. In memory they are in the order in which they came, on disk
    sorted. While it is iterated over, the value that was just given may be replaced.

    The file has no name, and goes with the mapping. Raises CatalogError TOO_LARGE where it cannot grow.
    """

    def __init__(self, items: Iterable[tuple[K, V]] = (), *, most: int | None = None) -> None:
        self._recent: dict[K, V] = {}
        self._room = MOST if most is None else min(most, MOST)
        self._file: sqlite3.Connection | None = None
        self._count: int | None = None
        for key, value in items:
            self[key] = value

    def __getitem__(self, key: K) -> V:
        if key in self._recent or self._file is None:
            return self._recent[key]
        found = self._rows("SELECT value FROM spool WHERE place = ?", _place(key))
        if not found:
            raise KeyError(key)
        value: V = _unpacked(found[0][0])[1]
        return value

    def __contains__(self, key: object) -> bool:
        if key in self._recent or self._file is None:
            return key in self._recent
        return bool(self._rows("SELECT 1 FROM spool WHERE place = ?", _place(key)))

    def __setitem__(self, key: K, value: V) -> None:
        self._recent[key] = value
        if len(self._recent) > self._room:
            self._write()

    def __delitem__(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        self._recent.pop(key, None)
        if self._file is not None:
            self._rows("DELETE FROM spool WHERE place = ?", _place(key))
            self._count = None

    def __len__(self) -> int:
        if self._file is None:
            return len(self._recent)
        self._write()
        if self._count is None:
            ((self._count,),) = self._rows("SELECT count(*) FROM spool")
        return self._count

    def __iter__(self) -> Iterator[K]:
        return (key for key, _ in self.items())

    def items(self) -> ItemsView[K, V]:
        return _Items(self)

    def values(self) -> ValuesView[V]:
        return _Values(self)

    def each(self) -> Iterator[tuple[K, V]]:
        """Yield the keys with their values."""
        return iter(self._recent.items()) if self._file is None else self._stored("")

    def in_order(self, start: str = "") -> Iterator[tuple[K, V]]:
        """Yield keys with their values, by key; only those which begin with this text, or whose first part does."""
        if self._file is None:
            begin = start.encode()
            found = sorted((place, key) for key in self._recent if (place := _place(key)).startswith(begin))
            return ((key, self._recent[key]) for _, key in found)
        return self._stored(start)

    def ordered(self) -> "Spool[K, V]":
        """Return it in the order of keys: itself where it is so already."""
        return Spool(self.in_order()) if self._file is None else self

    def _stored(self, start: str) -> Iterator[tuple[K, V]]:
        self._write()
        first, end = start.encode(), start.encode() + b"\xff"
        query = "SELECT place, value FROM spool WHERE place >= ? AND place < ? ORDER BY place LIMIT ?"
        while rows := self._rows(query, first, end, _PAGE):
            for _, value in rows:
                yield _unpacked(value)
            first = rows[-1][0] + b"\0"

    def _write(self) -> None:
        """Write what is recent to the file, sorted: most of it lies side by side then."""
        if not self._recent:
            return
        places = sorted((_place(key), key) for key in self._recent)
        rows = ((place, _packed((key, self._recent[key]))) for place, key in places)
        with _full_disk_told():
            if self._file is None:
                self._file = _temporary_file()
                weakref.finalize(self, self._file.close)
            self._file.executemany("INSERT OR REPLACE INTO spool VALUES (?, ?)", rows)
        self._recent.clear()
        self._room = min(self._room, _BATCH)
        self._count = None

    def _rows(self, query: str, *parameters: bytes | int) -> list[Any]:
        with _full_disk_told():
            return self._file.execute(query, parameters).fetchall() if self._file else []


class _Items(ItemsView[K, V]):
    _mapping: Spool[K, V]

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return self._mapping.each()


class _Values(ValuesView[V]):
    _mapping: Spool[Any, V]

    def __iter__(self) -> Iterator[V]:
        return (value for _, value in self._mapping.each())


def in_order(mapping: Mapping[K, V], start: str = "") -> Iterator[tuple[K, V]]:
    """Yield keys with their values as Spool.in_order() does, of any mapping."""
    return (mapping if isinstance(mapping, Spool) else Spool(mapping.items())).in_order(start)


def _place(key: object) -> bytes:
    """Sorts as keys do; of their further parts None comes first, then the empty text."""
    first, *others = key if isinstance(key, tuple) else (key,)
    texts = ("" if part is None else f"\1{part:012}" if isinstance(part, int) else f"\1{part}" for part in others)
    return "\0".join((first, *texts)).encode("utf-8", "surrogatepass")


def _packed(item: tuple[object, object]) -> bytes:
    return pickle.dumps(item, pickle.HIGHEST_PROTOCOL)


def _unpacked(row: bytes) -> Any:
    return pickle.loads(row)  # noqa: S301 - nobody else can reach the file


def _temporary_file() -> sqlite3.Connection:
    # SQLite removes what it has opened as "" at once. Readers and writers come one after the other, from any thread.
    file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    file.execute("PRAGMA journal_mode = OFF")
    file.execute("PRAGMA synchronous = OFF")
    file.execute("PRAGMA cache_size = -16000")
    file.execute("CREATE TABLE spool (place BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
    file.execute("BEGIN")  # for good: nobody needs a commit
    return file


@contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        message = f"the temporary folder does not take what a large source says ({error}); TMPDIR names another one"
        raise CatalogError(ErrorCode.TOO_LARGE, message) from error


# Most statements set a third of their fields: without the others they are written in half the time.
copyreg.pickle(EntityStatement, lambda said: (_entity, (sparse_entity(said),)))
copyreg.pickle(LinkStatement, lambda said: (_link, (sparse_link(said),)))


def _entity(values: dict[str, Any]) -> EntityStatement:
    return EntityStatement(**values)


def _link(values: dict[str, Any]) -> LinkStatement:
    return LinkStatement(**values)
