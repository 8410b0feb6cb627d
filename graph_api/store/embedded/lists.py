"""Lists of integers by entity: all of them in two arrays, and beside these the ones that have changed since."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int32]
Bools: TypeAlias = npt.NDArray[np.bool_]

NONE: Ints = np.zeros(0, np.int32)

_LARGE_SHARE = 0.005
"""A share of all lists: when so many have changed, all of them are put together anew."""
_FEW = 1000


@dataclass(frozen=True)
class Lists:
    """A list of integers for each entity: that of `id` is values[starts[id]:starts[id + 1]], that of a later one empty.

    `take` picks from an array three times as fast as an index of integers does.
    """

    starts: Ints
    values: Ints

    @classmethod
    def grouped(cls, owners: Ints, values: Ints, size: int) -> "Lists":
        """Make lists of pairs sorted by owner; `size` is above all ids."""
        starts = np.zeros(size + 1, np.int32)
        np.cumsum(np.bincount(owners, minlength=size), out=starts[1:])
        return cls(starts, values)

    @property
    def size(self) -> int:
        return self.starts.size - 1

    def owners(self) -> Ints:
        """Return the id that each value belongs to."""
        return np.repeat(np.arange(self.size, dtype=np.int32), np.diff(self.starts))

    def lengths(self, ids: Ints) -> Ints:
        lengths: Ints = self.starts.take(ids + 1, mode="clip") - self.starts.take(ids, mode="clip")
        return lengths

    def of(self, ids: Ints) -> Ints:
        """Return the values of these lists, one list after the other."""
        lengths = self.lengths(ids)
        ends = np.cumsum(lengths, dtype=np.int32)
        shift = np.repeat(self.starts.take(ids, mode="clip") - ends + lengths, lengths)
        values: Ints = self.values.take(np.arange(shift.size, dtype=np.int32) + shift)
        return values

    def without(self, hidden: Bools) -> "Lists":
        """Return lists that have neither the lists of these ids nor the ids in other lists."""
        owners = self.owners()
        kept = ~(hidden[owners] | hidden[self.values])
        return Lists.grouped(owners[kept], self.values[kept], self.size)

    @cached_property
    def split(self) -> "Split":
        return Split.of(self)


@dataclass(frozen=True, slots=True)
class Split:
    """Lists of values above 0 by their first value (0 where there is none) and the others: most have one at most."""

    first: Ints
    rest: Lists
    longer: Bools
    """Which lists have other values than the first."""
    values: int
    """A number above all values."""

    @classmethod
    def of(cls, lists: Lists) -> "Split":
        lengths = np.diff(lists.starts)
        heads = lists.starts[:-1][lengths > 0]
        first = np.zeros(lists.size, np.int32)
        first[lengths > 0] = lists.values[heads]
        others = np.ones(lists.values.size, np.bool_)
        others[heads] = False
        rest = Lists.grouped(lists.owners()[others], lists.values[others], lists.size)
        return cls(first, rest, lengths > 1, int(lists.values.max(initial=0)) + 1)

    def counts(self, ids: Ints) -> npt.NDArray[np.intp]:
        """Return by value how many of these lists hold it; by 0, how many are empty."""
        counts = np.bincount(self.first.take(ids), minlength=self.values)
        longer = ids[self.longer.take(ids)]
        return counts + np.bincount(self.rest.of(longer), minlength=self.values) if longer.size else counts


@dataclass(frozen=True, slots=True)
class Patched:
    """Lists of which some have changed: that of changed[n] is the n-th of `lists` now. `changed` is sorted."""

    base: Lists
    changed: Ints = field(default_factory=lambda: NONE)
    lists: Lists = field(default_factory=lambda: Lists.grouped(NONE, NONE, 0))

    @classmethod
    def of_pairs(cls, base: Lists, ids: Ints, owners: Ints, values: Ints) -> "Patched":
        """The lists of `ids`, sorted, are what the pairs say, and those of all others what `base` says."""
        order = np.argsort(owners, kind="stable")
        places = np.searchsorted(ids, owners[order]).astype(np.int32)
        return cls(base, ids, Lists.grouped(places, values[order], ids.size))

    def replaced(self, ids: Ints, owners: Ints, values: Ints, size: int) -> "Patched":
        """Return lists of which those of these `ids`, sorted, are as the pairs say, or the same object if they say
        nothing new.
        """
        before_owners, before_values = self.pairs(ids)
        same = _same_pairs((before_owners, before_values), (owners, values))
        if same and (not ids.size or ids[-1] < self.base.size):
            return self
        others = self.changed[~np.isin(self.changed, ids)]
        kept_owners, kept_values = self.pairs(others)
        changed = np.union1d(others, ids).astype(np.int32)
        owners, values = np.concatenate((kept_owners, owners)), np.concatenate((kept_values, values))
        patched = Patched.of_pairs(self.base, changed, owners, values)
        return Patched(patched.merged(size)) if changed.size > _FEW + _LARGE_SHARE * self.base.size else patched

    def of(self, ids: Ints) -> Ints:
        """Return the values of these lists, one list after the other, in the order of pairs()."""
        if not self.changed.size:
            return self.base.of(ids)
        same, places = self._apart(ids)
        return np.concatenate((self.base.of(same), self.lists.of(places)))

    def pairs(self, ids: Ints) -> tuple[Ints, Ints]:
        """Return the id that each value belongs to, and the values."""
        same, places = self._apart(ids)
        owners = (
            np.repeat(same, self.base.lengths(same)),
            np.repeat(self.changed.take(places), self.lists.lengths(places)),
        )
        return np.concatenate(owners), self.of(ids)

    def counts(self, ids: Ints) -> npt.NDArray[np.intp]:
        """Return by value how many of these lists hold it; by 0, how many are empty. The values are above 0."""
        same, places = self._apart(ids)
        counts = self.base.split.counts(same)
        if not places.size:
            return counts
        more = np.bincount(self.lists.of(places), minlength=counts.size)
        more[0] = np.count_nonzero(self.lists.lengths(places) == 0)
        more[: counts.size] += counts
        return more

    def holding(self, wanted: Bools, size: int) -> Bools:
        """Whose lists hold one of the values that are wanted; `size` is above all ids."""
        found = np.zeros(size, np.bool_)
        found[self.base.owners()[wanted.take(self.base.values)]] = True
        found[self.changed] = False
        owners, values = self.pairs(self.changed)
        found[owners[wanted.take(values)]] = True
        return found

    def merged(self, size: int) -> Lists:
        """Return all of them in two arrays; `size` is above all ids."""
        if not self.changed.size and self.base.size == size:
            return self.base
        stale = np.zeros(size, np.bool_)
        stale[self.changed] = True
        owners = self.base.owners()
        kept = ~stale[owners]
        new = np.repeat(self.changed, self.lists.lengths(np.arange(self.changed.size, dtype=np.int32)))
        owners = np.concatenate((owners[kept], new))
        order = np.argsort(owners, kind="stable")
        values = np.concatenate((self.base.values[kept], self.lists.values))
        return Lists.grouped(owners[order], values[order], size)

    def _apart(self, ids: Ints) -> tuple[Ints, Ints]:
        """Return the ids whose lists are the old ones, and the places of the others among the changed."""
        if not self.changed.size:
            return ids, NONE
        places = np.searchsorted(self.changed, ids).astype(np.int32)
        is_changed = self.changed.take(places, mode="clip") == ids
        return ids[~is_changed], places[is_changed]


def _same_pairs(one: tuple[Ints, Ints], other: tuple[Ints, Ints]) -> bool:
    if one[0].size != other[0].size:
        return False
    orders = [np.lexsort((values, owners)) for owners, values in (one, other)]
    return all(np.array_equal(left[orders[0]], right[orders[1]]) for left, right in zip(one, other, strict=True))
