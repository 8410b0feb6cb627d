"""How much of the past a store keeps."""

from dataclasses import dataclass

from graph_api.errors import CatalogError, ErrorCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Pruned in the transaction that adds more. `runs`: the newest of each source; HELD ones stay besides.

    `removed`: the newest removals that `changes` tells of; those of the last write stay all.
    """

    runs: int = 100
    removed: int = 100_000


def check_since(since: int, horizon: int) -> None:
    """Raise CatalogError TOO_OLD where changes since then cannot be told whole. `horizon`: removals up to this revision
    may be forgotten. From the beginning none matters.
    """
    if 0 < since < horizon:
        raise CatalogError(
            ErrorCode.TOO_OLD,
            f"removals up to revision {horizon} are forgotten, so changes since {since} cannot be told whole; "
            "read everything again, from 0",
            horizon=horizon,
        )
