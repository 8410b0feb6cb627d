"""The event loop of a server: uvloop's, where there is one for this machine. And that of a command that takes long."""

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, TypeVar

try:
    import uvloop
except ModuleNotFoundError:  # not made for Windows
    _new_loop = asyncio.new_event_loop
else:
    _new_loop = uvloop.new_event_loop

T = TypeVar("T")


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run as asyncio.run() does, in the event loop of a server."""
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(main)


def run_until_interrupted(main: Coroutine[Any, Any, T]) -> T:
    """Run as asyncio.run() does, but end at once on Ctrl+C, which waits there for whatever keeps the loop busy, such as
    thousands of files.
    """
    before = signal.signal(signal.SIGINT, _interrupt)
    try:
        return asyncio.run(main)
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
