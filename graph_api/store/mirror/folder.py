"""Where the processes of one server find the copy that one of them has made, or that was made before it was started."""

import asyncio
import fcntl
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO, NamedTuple
from uuid import uuid4

from graph_api.store.embedded.migrations import FORMAT_VERSION

LOOK_SECONDS = 0.05
"""Seconds between two looks whether another process has made a copy."""


_VERSION = f"{version('graph-api')}, tables {FORMAT_VERSION}"
_COPIES = f"copy-{'[0-9a-f]' * 32}*"
"""The names of copies: others may have files in a folder that an operator has named."""


class Published(NamedTuple):
    """A copy that all may open; see Replica. `entities` and `links` are those that were loaded."""

    name: str
    store_id: str | None
    foreign: int
    entities: int
    links: int
    version: str = _VERSION
    """The version of the program that made it: others may have other tables, or other rules."""


class Folder:
    """Where the processes of one server alone share a copy. `lasting`: also with the next one that is started on this
    machine.
    """

    def __init__(self, path: Path, *, lasting: bool) -> None:
        self.lasting = lasting
        self._path = path
        self._published = path / "published"

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for and hold the lock of who makes or opens a copy. The system gives it back where a process dies."""
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._path / "turn").open("w") as lock:
            while not _locked(lock):  # noqa: ASYNC110 - no event comes from another process
                await asyncio.sleep(LOOK_SECONDS)
            yield

    def published(self) -> Published | None:
        try:
            published = Published(*json.loads(self._published.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None  # or of another version, or cut off by a power cut
        return published if published.version == _VERSION and self.file(published.name).exists() else None

    def publish(self, published: Published) -> None:
        new = self._path / "new"
        new.write_text(json.dumps(published))
        new.replace(self._published)

    def clear(self) -> None:
        """Delete all copies: the one before, which who has it open may still read, and those of who died, or failed."""
        self._published.unlink(missing_ok=True)
        # SQLite's own files come after the one that they belong to, which cannot be opened without them then.
        for copy in sorted(self._path.glob(_COPIES)):
            copy.unlink(missing_ok=True)

    def new_name(self) -> str:
        return f"copy-{uuid4().hex}"

    def file(self, name: str) -> Path:
        return self._path / name


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
