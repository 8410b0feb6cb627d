"""How much one caller may ask for in the long run: a bucket of tokens each, which fills as time goes by."""

from collections.abc import Callable
from time import monotonic

BURST = 10
"""Seconds' worth of tokens that a full bucket holds."""
OBJECTS_PER_TOKEN = 1000
MAX_CALLERS = 10_000


class Rates:
    """A request takes one token, and what its answer costs besides: the bucket may go below zero, and until it is
    filled again the caller is refused.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = monotonic) -> None:
        self._rate = per_second
        self._clock = clock
        self._full_at: dict[str, float] = {}
        """When the bucket of each caller will be full."""

    def seconds_to_wait(self, caller: str) -> float:
        """Return the seconds until the caller may ask; 0 for now."""
        missing = self._full_at.get(caller, 0) - self._clock()
        return max(0.0, missing - BURST + 1 / self._rate)

    def take(self, caller: str, tokens: float = 1) -> None:
        now = self._clock()
        if caller not in self._full_at and len(self._full_at) >= MAX_CALLERS:
            self._full_at = {name: full_at for name, full_at in self._full_at.items() if full_at > now}
        self._full_at[caller] = max(now, self._full_at.get(caller, now)) + tokens / self._rate

    def take_objects(self, caller: str, objects: int) -> None:
        self.take(caller, objects / OBJECTS_PER_TOKEN)
