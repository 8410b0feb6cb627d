"""The revisions that the parts of one answer were read at: each question to a store is answered at one, and several
questions make an answer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_READ_AT: ContextVar[set[int] | None] = ContextVar("read_at", default=None)


@contextmanager
def noting_revisions() -> Iterator[set[int]]:
    """Yield the set of revisions that are noted within, also in tasks that begin there."""
    noted: set[int] = set()
    token = _READ_AT.set(noted)
    try:
        yield noted
    finally:
        _READ_AT.reset(token)


def note_revision(revision: int | None) -> None:
    """Told by a store for each of its answers; None where it is of no revision."""
    noted = _READ_AT.get()
    if noted is not None and revision is not None:
        noted.add(revision)
