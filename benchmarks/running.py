"""What every benchmark's command does: tell how far it is, and stop what it started."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from benchmarks.measure import free_port
from graph_api import local_neo4j

_HEAP = "4g"


def tell(message: str) -> None:
    click.echo(message, err=True)


def stop_when_told() -> None:
    """Ended from outside, a command still stops the servers that it started."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)


@contextmanager
def local_database(home: Path) -> Iterator[str]:
    """The address of a Neo4j of its own, with its data in this folder."""
    running = local_neo4j.start(home, progress=tell, bolt_port=free_port(), heap=_HEAP)
    try:
        yield running.uri
    finally:
        local_neo4j.stop(home)
