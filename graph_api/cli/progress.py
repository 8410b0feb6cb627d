"""A sign of life on standard error, for steps that take longer than a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import click

FIRST_SIGN = 1.0
NEXT_SIGN = 2.0


@contextmanager
def progress(step: str) -> Iterator[None]:
    """Name the step after a second, and add a dot every other second until it ends."""
    ended = Event()
    # A thread: the work of a step may keep the event loop busy.
    sign = Thread(target=_show, args=(step, ended), daemon=True)
    sign.start()
    try:
        yield
    finally:
        ended.set()
        sign.join()


def _show(step: str, ended: Event) -> None:
    if ended.wait(FIRST_SIGN):
        return
    click.echo(f"{step} ...", err=True, nl=False)
    while not ended.wait(NEXT_SIGN):
        click.echo(".", err=True, nl=False)
    click.echo(err=True)
