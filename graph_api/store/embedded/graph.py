"""The compact graph: what walks need of every entity and link, as arrays by entity id, at one revision."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from graph_api.catalog.filters import Filter
from graph_api.catalog.traversal import Traversal
from graph_api.store.embedded.links import Links, Wanted
from graph_api.store.embedded.lists import Bools, Ints, Patched
from graph_api.store.embedded.sight import WHOLE, Sight
from graph_api.store.embedded.visited import Pool

CODED = ("kind", "type", "tier", "lifecycle", "namespace", "audience")
"""Fields with one value, held as a code an entity. The audience is the id of a term."""
LISTED = ("owner", "system", "domain", "environment", "tags", "source")
"""Fields with several values, held as terms."""

Codes: TypeAlias = npt.NDArray[np.integer]
S = TypeVar("S", bound=np.generic)

_FEW_RANKS = 5
"""Places that are counted with one look at all ranks each, which is faster than to put all in their places."""
_KEPT_MASKS = 32
_KEPT_WALKS = 64
_KEPT_HITS = 1_000_000
"""How many hits of the latest walks are kept together: 8 MiB."""


class Numbers(dict[Any, int]):
    """Values numbered in the order in which they are first asked for."""

    def __init__(self, known: Iterable[Any] = ()) -> None:
        super().__init__((value, number) for number, value in enumerate(known))

    def __missing__(self, value: Any) -> int:
        self[value] = number = len(self)
        return number

    def all(self, values: Iterable[Any]) -> Ints:
        return np.fromiter(map(self.__getitem__, values), np.int32)


@dataclass(frozen=True, slots=True)
class Coded:
    """One value for each entity: that of `id` is texts[codes[id]]."""

    codes: Codes
    texts: Sequence[str | None]

    @classmethod
    def of(cls, ids: Ints, values: "Coded", size: int) -> "Coded":
        return cls(np.zeros(0, np.uint8), ()).replaced(ids, values, size)

    def replaced(self, ids: Ints, values: "Coded", size: int) -> "Coded":
        """Return these codes with one value for each of these ids, or the same object if they say nothing new."""
        numbers = Numbers(self.texts)
        places = numbers.all(values.texts)
        type_ = np.result_type(self.codes.dtype, np.min_scalar_type(len(numbers)))
        codes = self.codes.astype(type_, copy=False)
        codes = replaced(codes, ids, places.astype(type_).take(values.codes), size)
        return self if codes is self.codes else Coded(codes, tuple(numbers))


@dataclass(frozen=True, slots=True)
class Terms:
    """Texts by term id, and for those of a field of LISTED its place there (others: -1)."""

    texts: Sequence[str]
    fields: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Ranks:
    """The place of each entity's ref among all refs, and the id at each place. What is not there has any place."""

    rank: Ints
    by_rank: Ints

    @classmethod
    def of(cls, by_rank: Ints, size: int) -> "Ranks":
        rank = np.zeros(size, np.int32)
        rank[by_rank] = np.arange(by_rank.size, dtype=np.int32)
        return cls(rank, by_rank)

    def without(self, ids: Ints) -> "Ranks":
        places = self.rank.take(ids)
        by_rank = np.delete(self.by_rank, places)
        if places.size > _FEW_RANKS:
            return Ranks.of(by_rank, self.rank.size)
        rank = self.rank.copy()
        for place in places:
            rank -= self.rank > place
        return Ranks(rank, by_rank)

    def inserted(self, ids: Sequence[int], places: Sequence[int], size: int) -> "Ranks":
        """Return ranks with each of these before what has that place now; both are in order."""
        by_rank = np.insert(self.by_rank, places, ids)
        if len(ids) > _FEW_RANKS:
            return Ranks.of(by_rank, size)
        rank = np.zeros(size, np.int32)
        known = rank[: self.rank.size]
        known[:] = self.rank
        for place in places:
            known += self.rank >= place
        rank[ids] = np.array(places) + np.arange(len(ids))
        return Ranks(rank, by_rank)


@dataclass(frozen=True, slots=True)
class Reached:
    """The first `budget` of what is reachable, in the order (distance, ref). `cut` says that there is more."""

    ids: Ints
    distances: Ints
    cut: bool


@dataclass(frozen=True)
class Graph:
    """Never changes: a newer revision is another graph that shares what has stayed the same.

    Arrays by id have gaps where `present` is false. Links lead also to what is `hidden` from the reader (None:
    nothing).
    """

    revision: int
    present: Bools
    declared: Bools
    ranks: Ranks
    coded: Mapping[str, Coded]
    listed: Mapping[str, Patched]
    """By field of LISTED, the terms of each entity."""
    terms: Terms
    links: Links
    reread: int = 0
    """How many entities were read again since all of it was read."""
    sight: Sight = WHOLE
    hidden: Bools | None = None
    pool: Pool = field(default_factory=Pool, repr=False, compare=False)
    views: dict[Sight, "Graph"] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The graph as readers see it who do not see everything."""
    _masks: dict[Filter, Bools] = field(default_factory=dict, init=False, repr=False, compare=False)
    _reached: dict[Traversal, Reached] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        """A number above all ids."""
        return self.present.size

    @property
    def rank(self) -> Ints:
        return self.ranks.rank

    def neighbours(self, wanted: Wanted) -> Patched:
        return self.links.kept_neighbours(wanted)

    def for_audiences(self, terms: Container[int]) -> Bools:
        """Return the mask of what is for one of these audiences; 0 stands for everybody."""
        coded = self.coded["audience"]
        # An empty catalog has room for an entity that has no code.
        wanted = [int(text or 0) in terms for text in coded.texts] or [False]
        found: Bools = np.array(wanted, np.bool_).take(coded.codes)
        return found & self.present

    def is_seen(self, ids: Ints) -> Bools:
        return np.ones(ids.size, np.bool_) if self.hidden is None else ~self.hidden.take(ids)

    def kept_mask(self, filter_: Filter, make: Callable[[], Bools]) -> Bools:
        """Return which entities match, as `make` tells; the latest masks are kept."""
        mask = self._masks.get(filter_)
        if mask is None:
            if len(self._masks) >= _KEPT_MASKS:
                self._masks.clear()
            mask = self._masks[filter_] = make()
        return mask

    def kept_reached(self, traversal: Traversal, walk: Callable[[], Reached]) -> Reached:
        """Return what is reached; the latest walks are kept, because their pages are asked for one after the other."""
        reached = self._reached.get(traversal)
        if reached is None:
            reached = walk()
            hits = reached.ids.size + sum(other.ids.size for other in list(self._reached.values()))
            if hits > _KEPT_HITS or len(self._reached) >= _KEPT_WALKS:
                self._reached.clear()
            self._reached[traversal] = reached
        return reached


def replaced(array: npt.NDArray[S], ids: Ints, values: npt.NDArray[S], size: int) -> npt.NDArray[S]:
    """Return the array with these values at these ids and zeros for other new ids, or itself if nothing is new."""
    if size == array.size and np.array_equal(array[ids], values):
        return array
    changed = np.zeros(size, array.dtype)
    changed[: array.size] = array
    changed[ids] = values
    return changed
