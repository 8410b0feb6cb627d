"""How a store of an older format becomes one of the newest, while others use it.

A change of the format is a numbered step. It is recorded in the store when it is done, and may be begun again after
its process died: whatever it had done by then must do no harm. Where programs of the format before can go on beside it
(it only adds what they do not look at: expand), `oldest` says so, and the old version serves until it is replaced; what
takes something away (contract) comes a version later. A program refuses a store whose `oldest` is above its own format.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from graph_api.errors import CatalogError, ErrorCode

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[R]):
    """A change of the format. `format`: that the store has afterwards. `oldest`: the oldest format whose programs may
    still use it then.
    """

    format: int
    oldest: int
    name: str
    run: Callable[..., R]


def pending(steps: Sequence[Step[R]], format_: int) -> list[Step[R]]:
    """Return the steps that a store of this format lacks, in order."""
    return sorted((step for step in steps if step.format > format_), key=lambda step: step.format)


def check_format(format_: int, oldest: int, ours: int) -> None:
    """Raise CatalogError UNAVAILABLE for a store that a newer version wrote and that this one cannot use."""
    if format_ > ours and oldest > ours:
        raise CatalogError(
            ErrorCode.UNAVAILABLE,
            f"the catalog was written by a newer version (format {format_}, this one reads up to {ours}); "
            "upgrade graph-api, or choose another store",
        )
