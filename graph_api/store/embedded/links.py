"""Links as arrays: all of them at one revision, and beside these those of entities whose links have changed since."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from scipy.sparse import csr_array

from graph_api.catalog.entity import Criticality
from graph_api.catalog.filters import LinkFilter
from graph_api.catalog.relations import Direction
from graph_api.store.embedded.link_filters import LinkValues
from graph_api.store.embedded.link_times import NO_TIMES, Times, matching
from graph_api.store.embedded.lists import NONE, Bools, Ints, Lists, Patched

VariantKey: TypeAlias = tuple[int, int, int, int, int, float, str | None]
"""What tells links apart besides their ends and when they were observed, as SQLite has it: relation, environment,
whether it is hard, sources, origins, confidence, properties."""
Variants: TypeAlias = Mapping[VariantKey, LinkValues]

_KEPT_NEIGHBOURS = 8
_LARGE_SHARE = 0.002
"""A share of all links: when so many have changed, all of them are put together anew."""
_FEW = 1000


class Wanted(NamedTuple):
    """Which links are walked, and from which end."""

    direction: Direction
    relations: frozenset[str]
    where: LinkFilter | None
    hard_only: bool


class LinkRows(NamedTuple):
    """Columns by link, sorted by source. `variant` is the place among the variants of what it has besides its ends and
    time.
    """

    source: Ints
    target: Ints
    variant: Ints
    observed: Times

    def at(self, places: Ints | Bools) -> "LinkRows":
        return LinkRows(self.source[places], self.target[places], self.variant[places], self.observed[places])

    def places(self, sources: Ints) -> Ints:
        """Return the places of the links that leave these."""
        first = np.searchsorted(self.source, sources)
        lengths = np.searchsorted(self.source, sources, side="right") - first
        ends = np.cumsum(lengths)
        places: Ints = (np.arange(lengths.sum()) + np.repeat(first - ends + lengths, lengths)).astype(np.int32)
        return places

    def without(self, sources: Ints, size: int) -> "LinkRows":
        stale = np.zeros(size, np.bool_)
        stale[sources] = True
        return self.at(~stale[self.source])

    def joined(self, other: "LinkRows") -> "LinkRows":
        rows = LinkRows(*(np.concatenate(columns) for columns in zip(self, other, strict=True)))
        return rows.at(np.argsort(rows.source, kind="stable").astype(np.int32))

    def matching(self, wanted: Wanted, variants: Variants) -> Bools:
        def of_variants(matches: Callable[[LinkValues], bool]) -> Bools:
            found: Bools = np.fromiter(map(matches, variants.values()), np.bool_)[self.variant]
            return found

        found = of_variants(
            lambda values: (
                values.relation in wanted.relations and (not wanted.hard_only or values.criticality is Criticality.HARD)
            )
        )
        if wanted.where is None:
            return found
        return found & matching(wanted.where, self.observed, lambda part: of_variants(lambda row: row.match(part)))


NO_LINKS = LinkRows(NONE, NONE, NONE, NO_TIMES)


@dataclass(frozen=True)
class AllLinks:
    """All links at one revision. `size` is above all ids."""

    rows: LinkRows
    variants: Variants
    size: int

    @cached_property
    def kept_neighbours(self) -> Callable[[Wanted], Lists]:
        """neighbours(), keeping the latest answers."""
        return lru_cache(_KEPT_NEIGHBOURS)(self.neighbours)

    def neighbours(self, wanted: Wanted) -> Lists:
        """The far ends of the links that match, an end of parallel links several times."""
        matches = self.rows.matching(wanted, self.variants)
        source, target = self.rows.source[matches], self.rows.target[matches]
        out = Lists.grouped(source, target, self.size)
        if wanted.direction is Direction.OUT:
            return out
        # A transposition sorts by counting, many times faster than by comparing.
        links = csr_array((source, target, out.starts), shape=(self.size, self.size)).tocsc()
        return Lists(links.indptr.astype(np.int32), links.data)


@dataclass(frozen=True)
class Links:
    """`rows` are all that leave `changed` (sorted) now, instead of those in `base`. `size` is above all ids."""

    base: AllLinks
    variants: Variants
    size: int
    changed: Ints = field(default_factory=lambda: NONE)
    rows: LinkRows = NO_LINKS

    @cached_property
    def kept_neighbours(self) -> Callable[[Wanted], Patched]:
        """neighbours(), keeping the latest answers."""
        return lru_cache(_KEPT_NEIGHBOURS)(self.neighbours)

    def neighbours(self, wanted: Wanted) -> Patched:
        """The far ends of the links that match, an end of parallel links several times."""
        base = self.base.kept_neighbours(wanted)
        if not self.changed.size:
            return Patched(base)
        new = self.rows.at(self.rows.matching(wanted, self.variants))
        if wanted.direction is Direction.OUT:
            return Patched.of_pairs(base, self.changed, new.source, new.target)
        return self._reversed(base, new, wanted)

    def _reversed(self, base: Lists, new: LinkRows, wanted: Wanted) -> Patched:
        """All that led to what the changed ones lead to, before or now, but for what these lead to no more."""
        old = self.base.rows.at(self.base.rows.places(self.changed))
        old = old.at(old.matching(wanted, self.variants))
        ends = np.union1d(old.target, new.target).astype(np.int32)
        owners, values = Patched(base).pairs(ends)
        stale = np.zeros(self.size, np.bool_)
        stale[self.changed] = True
        kept = ~stale[values]
        owners, values = np.concatenate((owners[kept], new.target)), np.concatenate((values[kept], new.source))
        return Patched.of_pairs(base, ends, owners, values)

    def leaving(self, sources: Ints) -> LinkRows:
        is_changed = np.isin(sources, self.changed)
        same, changed = sources[~is_changed], sources[is_changed]
        return self.base.rows.at(self.base.rows.places(same)).joined(self.rows.at(self.rows.places(changed)))

    def replaced(self, sources: Ints, rows: LinkRows, variants: Variants, size: int) -> "Links":
        """Return links of which the sources (sorted) have these and no others, or the same object if that says nothing
        new.
        """
        differing = _differing(self.leaving(sources), rows)
        if not differing.size:
            return self if size == self.size else Links(self.base, variants, size, self.changed, self.rows)
        rows = rows.at(rows.places(differing))
        changed = np.union1d(self.changed, differing).astype(np.int32)
        patched = Links(self.base, variants, size, changed, self.rows.without(differing, size).joined(rows))
        return patched.merged() if patched._is_large else patched

    @property
    def _is_large(self) -> bool:
        return max(self.changed.size, self.rows.source.size) > _FEW + _LARGE_SHARE * self.base.rows.source.size

    def merged(self) -> "Links":
        """Return the same links with all of them in the base."""
        rows = self.base.rows.without(self.changed, self.size).joined(self.rows)
        return Links(AllLinks(rows, self.variants, self.size), self.variants, self.size)


def _differing(before: LinkRows, after: LinkRows) -> Ints:
    """Return the sources whose links are not the same."""
    both = [np.concatenate(columns) for columns in zip(before, after, strict=True)]
    order = np.lexsort(tuple(reversed(both)))
    source, target, variant, observed = (column[order] for column in both)
    # No two links of one side are the same: one that is on both sides is there twice, one after the other.
    same = (source[1:] == source[:-1]) & (target[1:] == target[:-1]) & (variant[1:] == variant[:-1])
    same &= (observed[1:] == observed[:-1]) | (np.isnat(observed[1:]) & np.isnat(observed[:-1]))
    alone = np.ones(order.size, np.bool_)
    alone[1:] &= ~same
    alone[:-1] &= ~same
    return np.unique(source[alone]).astype(np.int32)
