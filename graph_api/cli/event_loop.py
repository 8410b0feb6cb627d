"""The event loop of a server: uvloop's, where there is one for this machine."""

import asyncio
from collections.abc import Coroutine
from typing import Any

try:
    import uvloop
except ModuleNotFoundError:  # not made for Windows
    _new_loop = asyncio.new_event_loop
else:
    _new_loop = uvloop.new_event_loop


def run(main: Coroutine[Any, Any, None]) -> None:
    """As asyncio.run()."""
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(main)
