"""The compact graph: what walks need of every entity and link, as arrays by entity id, at one revision."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from graph_api.catalog.entity import Criticality
from graph_api.catalog.filters import Filter, LinkFilter
from graph_api.catalog.relations import Direction
from graph_api.store.embedded.link_filters import LinkValues
from graph_api.store.embedded.link_times import Times, matching
from graph_api.store.embedded.sight import WHOLE, Sight

Ints: TypeAlias = npt.NDArray[np.int32]
Bools: TypeAlias = npt.NDArray[np.bool_]

VariantKey: TypeAlias = tuple[int, int, int, float, int, int, str | None]
"""What tells links apart besides their ends and when they were observed, as SQLite has it."""

CODED = ("kind", "type", "tier", "lifecycle", "namespace", "audience")
"""Fields with one value, held as a code an entity. The audience is the id of a term."""
LISTED = ("owner", "system", "domain", "environment", "tags", "source")
"""Fields with several values, held as terms."""

_KEPT_NEIGHBOURS = 8
_KEPT_MASKS = 32


@dataclass(frozen=True, slots=True)
class Lists:
    """A list of integers for each entity: that of `id` is values[starts[id]:starts[id + 1]].

    `take` picks from an array three times as fast as an index of integers does.
    """

    starts: Ints
    values: Ints

    @classmethod
    def grouped(cls, owners: Ints, values: Ints, size: int) -> "Lists":
        """From pairs sorted by owner; `size` is above all ids."""
        starts = np.zeros(size + 1, np.int32)
        np.cumsum(np.bincount(owners, minlength=size), out=starts[1:])
        return cls(starts, values)

    def owners(self) -> Ints:
        """The id that each value belongs to."""
        return np.repeat(np.arange(self.starts.size - 1, dtype=np.int32), np.diff(self.starts))

    def lengths(self, ids: Ints) -> Ints:
        lengths: Ints = self.starts.take(ids + 1) - self.starts.take(ids)
        return lengths

    def positions(self, ids: Ints) -> Ints:
        """Where the values of these ids are, one list after the other."""
        lengths = self.lengths(ids)
        ends = np.cumsum(lengths, dtype=np.int32)
        shift = np.repeat(self.starts.take(ids) - ends + lengths, lengths)
        return np.arange(shift.size, dtype=np.int32) + shift

    def without(self, hidden: Bools) -> "Lists":
        """Neither lists of these ids nor the ids in other lists."""
        owners = self.owners()
        kept = ~(hidden[owners] | hidden[self.values])
        return Lists.grouped(owners[kept], self.values[kept], self.starts.size - 1)

    def of(self, ids: Ints) -> Ints:
        values: Ints = self.values.take(self.positions(ids))
        return values


@dataclass(frozen=True, slots=True)
class Split:
    """Lists of values above 0 by their first value (0 where there is none) and the others: most have one at most."""

    first: Ints
    rest: Lists
    longer: Bools
    """Whose lists have others."""
    values: int
    """Above all values."""

    @classmethod
    def of(cls, lists: Lists) -> "Split":
        size = lists.starts.size - 1
        lengths = np.diff(lists.starts)
        heads = lists.starts[:-1][lengths > 0]
        first = np.zeros(size, np.int32)
        first[lengths > 0] = lists.values[heads]
        others = np.ones(lists.values.size, np.bool_)
        others[heads] = False
        rest = Lists.grouped(lists.owners()[others], lists.values[others], size)
        return cls(first, rest, lengths > 1, int(lists.values.max(initial=0)) + 1)

    def counts(self, ids: Ints) -> npt.NDArray[np.intp]:
        """By value, how many of these lists hold it; by 0, how many are empty."""
        counts = np.bincount(self.first.take(ids), minlength=self.values)
        longer = ids[self.longer.take(ids)]
        return counts + np.bincount(self.rest.of(longer), minlength=self.values) if longer.size else counts


@dataclass(frozen=True, slots=True)
class Coded:
    """One value for each entity: that of `id` is texts[codes[id]]."""

    codes: Ints
    texts: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Terms:
    """Texts by term id, and for those of a field of LISTED its place there (others: -1)."""

    texts: Sequence[str]
    fields: npt.NDArray[np.int8]


@dataclass(frozen=True)
class Links:
    """By link, sorted by source. `variant` is the place in `variants` of what it has besides its ends and time."""

    source: Ints
    target: Ints
    variant: Ints
    observed: Times
    variants: Mapping[VariantKey, LinkValues]
    size: int
    """Above all ids."""

    @cached_property
    def kept_neighbours(self) -> Callable[[Direction, frozenset[str], LinkFilter | None, bool], Lists]:
        """neighbours(), keeping the latest answers."""
        return lru_cache(_KEPT_NEIGHBOURS)(self.neighbours)

    def neighbours(
        self, direction: Direction, relations: frozenset[str], where: LinkFilter | None, hard_only: bool
    ) -> Lists:
        """The far ends of the links that match, an end of parallel links several times."""
        matching = self._matching(relations, where, hard_only)
        source, target = self.source[matching], self.target[matching]
        out = Lists.grouped(source, target, self.size)
        if direction is Direction.OUT:
            return out
        # A transposition sorts by counting, many times faster than by comparing.
        links = csr_array((source, target, out.starts), shape=(self.size, self.size)).tocsc()
        return Lists(links.indptr.astype(np.int32), links.data)

    def _matching(self, relations: frozenset[str], where: LinkFilter | None, hard_only: bool) -> Bools:
        found = self._of_variants(
            lambda values: values.relation in relations and (not hard_only or values.criticality is Criticality.HARD)
        )
        if where is None:
            return found
        return found & matching(where, self.observed, lambda part: self._of_variants(lambda row: row.match(part)))

    def _of_variants(self, matches: Callable[[LinkValues], bool]) -> Bools:
        found: Bools = np.fromiter(map(matches, self.variants.values()), np.bool_)[self.variant]
        return found


@dataclass(frozen=True)
class Graph:
    """Never changes: a newer revision is another graph that shares what has stayed the same.

    Arrays by id have gaps where `present` is false. `rank` is the place of an entity's ref among all refs. Links lead
    also to what is `hidden` from the reader (None: nothing).
    """

    revision: int
    present: Bools
    declared: Bools
    rank: Ints
    coded: Mapping[str, Coded]
    listed: Mapping[str, Lists]
    """By field of LISTED, the terms of each entity."""
    terms: Terms
    links: Links
    sight: Sight = WHOLE
    hidden: Bools | None = None
    whole: "Graph | None" = None
    """What it is a view of."""
    views: dict[Sight, "Graph"] = field(default_factory=dict, init=False, repr=False, compare=False)
    """As readers see it who do not see everything."""
    _masks: dict[Filter, Bools] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Above all ids."""
        return self.present.size

    @cached_property
    def by_rank(self) -> Ints:
        """The id at each rank."""
        if self.whole:
            return self.whole.by_rank
        ids = np.flatnonzero(self.present).astype(np.int32)
        by_rank = np.empty_like(ids)
        by_rank[self.rank[ids]] = ids
        return by_rank

    @cached_property
    def split(self) -> Callable[[str], Split]:
        """A field of `listed`, split."""
        if self.whole and self.whole.listed is self.listed:
            return self.whole.split
        return cache(lambda field: Split.of(self.listed[field]))

    @property
    def neighbours(self) -> Callable[[Direction, frozenset[str], LinkFilter | None, bool], Lists]:
        return self.links.kept_neighbours

    def for_audiences(self, terms: Container[int]) -> Bools:
        """What is for one of these; 0 stands for everybody."""
        coded = self.coded["audience"]
        # An empty catalog has room for an entity that has no code.
        wanted = [int(text or 0) in terms for text in coded.texts] or [False]
        found: Bools = np.array(wanted, np.bool_).take(coded.codes)
        return found & self.present

    def hidden_mask(self) -> Bools:
        """For the caller to write in."""
        return np.zeros(self.size, np.bool_) if self.hidden is None else self.hidden.copy()

    def kept_mask(self, filter_: Filter, make: Callable[[], Bools]) -> Bools:
        """Which entities match; the latest masks are kept."""
        mask = self._masks.get(filter_)
        if mask is None:
            if len(self._masks) >= _KEPT_MASKS:
                self._masks.clear()
            mask = self._masks[filter_] = make()
        return mask
