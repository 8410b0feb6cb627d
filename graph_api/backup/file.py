"""The file of a backup: compressed lines, of which the first says what it is and the last what it must hold."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from graph_api.backup.rows import as_written_now, decode_row, encode_row
from graph_api.errors import CatalogError, ErrorCode
from graph_api.replacing import replacing
from graph_api.store.dump import BATCH, Batch, DumpRow

FORMAT = 1
_KEY = "graph-api backup"
_COMPRESSION = 3
_BATCH_BYTES = 8_000_000
"""Bytes of the lines of a batch: some entities have a document of megabytes, and a database holds all rows of a
statement in its memory."""


class Digest:
    """A digest of rows in any order, as stores may have them."""

    def __init__(self) -> None:
        self._sum = 0
        self.rows = 0

    def add(self, line: bytes) -> None:
        self._sum = (self._sum + int.from_bytes(sha256(line).digest())) % 2**256
        self.rows += 1

    @property
    def text(self) -> str:
        return f"{self._sum:064x}"


class Writer:
    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file
        self.digest = Digest()
        head = {_KEY: FORMAT, "version": version("graph-api"), "at": datetime.now(UTC).isoformat(timespec="seconds")}
        self._line(orjson.dumps(head))

    def add(self, batch: Batch) -> None:
        for row in batch:
            line = encode_row(row)
            self.digest.add(line)
            self._line(line)

    def end(self) -> None:
        self._line(orjson.dumps({"rows": self.digest.rows, "digest": self.digest.text}))

    def _line(self, line: bytes) -> None:
        self._file.write(line + b"\n")


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """The file appears when all of it is on the disk, in the place of an older backup only. It holds the whole catalog,
    so only its owner may read it. Raises CatalogError INVALID.
    """
    path = path.resolve()
    _check_place(path)
    try:
        with replacing(path) as raw, gzip.GzipFile("", "wb", _COMPRESSION, raw, 0) as file:
            writer = Writer(file)
            yield writer
            writer.end()
    except (ConnectionError, TimeoutError):
        raise  # It comes from the store whose rows are written, not from the file.
    except OSError as error:
        raise CatalogError(ErrorCode.INVALID, f"{path}: {error.strerror or error}") from error


def _check_place(path: Path) -> None:
    """Raise CatalogError INVALID for what is no backup, such as the catalog's own file or a device: it is never
    replaced.
    """
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return
    try:
        if not path.is_file():
            raise CatalogError(ErrorCode.INVALID, f"{path} is no file")
        next(_lines(path), None)
    except CatalogError as error:
        message = f"{error.message}; it is not replaced, so name another file"
        raise CatalogError(ErrorCode.INVALID, message) from error


def check_file(path: Path) -> Digest:
    """Return the digest of what a store holds that is restored from the file. Raises CatalogError INVALID unless the
    file is as it was written, and all of it is known to this version.
    """
    written, known = Digest(), Digest()
    last: dict[str, Any] = {}
    unknown: ValueError | None = None
    for line in _lines(path):
        try:
            if line.startswith(b"{"):
                last = orjson.loads(line)
            else:
                written.add(line)
                known.add(as_written_now(line))
        except ValueError as error:
            unknown = unknown or error
    if last != {"rows": written.rows, "digest": written.text}:
        raise _damaged(path)
    if unknown:
        raise CatalogError(ErrorCode.INVALID, f"{path}: {unknown}") from unknown
    return known


def read_batches(path: Path) -> Iterator[Batch]:
    """Yield rows of one type each, in the file's order, as many as a database takes. Raises CatalogError INVALID."""
    batch: list[DumpRow] = []
    size = 0
    for line in _lines(path):
        if line.startswith(b"{"):
            continue
        try:
            row = decode_row(line)
        except ValueError as error:
            raise CatalogError(ErrorCode.INVALID, f"{path}: {error}") from error
        if batch and (len(batch) == BATCH or size + len(line) > _BATCH_BYTES or type(batch[0]) is not type(row)):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += len(line)
    if batch:
        yield batch


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines without their ends; the first has been checked."""
    try:
        with gzip.open(path) as file:
            _check_head(path, file.readline())
            for line in file:
                yield line.rstrip(b"\n")
    except (EOFError, gzip.BadGzipFile, zlib.error, orjson.JSONDecodeError) as error:
        raise _damaged(path) from error
    except OSError as error:
        raise CatalogError(ErrorCode.INVALID, f"{path}: {error.strerror or 'cannot be read'}") from error


def _check_head(path: Path, line: bytes) -> None:
    head = orjson.loads(line)
    if not isinstance(head, dict) or not isinstance(head.get(_KEY), int):
        raise CatalogError(ErrorCode.INVALID, f"{path} is no backup of graph-api")
    if head[_KEY] > FORMAT:
        raise CatalogError(ErrorCode.INVALID, f"{path} was written by the newer version {head.get('version')}")


def _damaged(path: Path) -> CatalogError:
    return CatalogError(ErrorCode.INVALID, f"{path} is no backup, damaged or not whole")
