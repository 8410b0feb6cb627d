"""Whether the store under a running server is still the catalog that it has opened."""

from dataclasses import dataclass

from graph_api.errors import ReplacedError


@dataclass(frozen=True, slots=True)
class State:
    """What a store says of itself. `store` names one catalog for good; a restored one has another name."""

    format: int
    oldest: int
    store: str
    revision: int


def check_same(known: State | None, state: State) -> None:
    """Raise ReplacedError unless `state` is a later one of the catalog that was known."""
    if known and known.store != state.store:
        raise other_catalog()
    if known and known.revision > state.revision:
        raise ReplacedError("the store has gone back in time")


def other_catalog() -> ReplacedError:
    return ReplacedError("the store holds another catalog than the one that was opened")
