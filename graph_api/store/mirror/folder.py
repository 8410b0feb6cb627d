"""Where the processes of one server find the copy that one of them has made."""

import asyncio
import fcntl
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, NamedTuple
from uuid import uuid4

LOOK_SECONDS = 0.05
"""Between two looks whether another process has made a copy."""


class Published(NamedTuple):
    """A copy that all may open; see Replica."""

    name: str
    store_id: str | None
    foreign: int


class Folder:
    """It is there while the server runs, for its processes alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._published = path / "published"

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Of who makes a copy. The system ends it where a process dies."""
        with (self._path / "turn").open("w") as lock:
            while not _locked(lock):  # noqa: ASYNC110 - no event comes from another process
                await asyncio.sleep(LOOK_SECONDS)
            yield

    def published(self) -> Published | None:
        try:
            return Published(*json.loads(self._published.read_text()))
        except FileNotFoundError:
            return None

    def publish(self, published: Published) -> None:
        """In the place of the one before, and of what those left who died while they made one."""
        new = self._path / "new"
        new.write_text(json.dumps(published))
        new.replace(self._published)
        for copy in self._path.glob("copy-*"):
            if not copy.name.startswith(published.name):
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
