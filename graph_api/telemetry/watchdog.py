"""Whether the event loop comes round: while something computes in it, nobody is answered."""

import asyncio
import logging
from time import monotonic

from graph_api.telemetry.metrics import LOOP_LAG

EVERY = 0.25
WORTH_TELLING = 1.0

logger = logging.getLogger(__name__)


async def watch_loop() -> None:
    """Measure how late the event loop comes round, until it is cancelled."""
    while True:
        planned = monotonic() + EVERY
        await asyncio.sleep(EVERY)
        lag = max(0.0, monotonic() - planned)
        LOOP_LAG.observe(lag)
        if lag > WORTH_TELLING:
            logger.warning("The event loop was blocked for %.1f s", lag)
