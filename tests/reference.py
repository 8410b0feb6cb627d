"""The naive reference: every question of the store contract answered in plain Python, slowly and plainly.

Written from the semantics, not from the stores. It holds whole rows in dicts and looks at all of them each time.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

from graph_api.catalog.audience import EVERYTHING, Visibility
from graph_api.catalog.entity import Criticality, Entity, EntityStatement, Link, LinkKey, LinkStatement, OwnerHow
from graph_api.catalog.filters import FIELDS, And, Compare, Filter, LinkFilter, Not, Or, Related, Words
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import (
    FACET_FIELDS,
    Bucket,
    Completeness,
    Cycle,
    Facet,
    Hit,
    IncompleteReason,
    Path,
    Paths,
    Severity,
    Step,
    Traversal,
    WalkAnswer,
    WalkRequest,
)
from graph_api.store.lookups import Referenced
from graph_api.store.protocol import ALL_LINKS, LinkPage, LinkPlace, Neighbour, PageRequest
from tests.reference_filters import compare, facet_values, field_values, has_words, link_matches
from tests.reference_order import in_order, place_of, precedes

T = TypeVar("T")

_NO_LIMIT = 10**9


class Reference:
    def __init__(self, entities: Iterable[Entity], links: Iterable[Link], *, whole: bool = True) -> None:
        self.entities: dict[Ref, Entity] = {entity.ref: entity for entity in entities}
        self.links: dict[LinkKey, Link] = {link.key: link for link in links}
        self._whole = whole

    def seen_by(self, visibility: Visibility) -> "Reference":
        """A catalog without what is hidden, without links at that, and without refs to it."""
        seen = [row for row in self.entities.values() if visibility.sees(row.audience, row.ref)]
        hidden = self.entities.keys() - {row.ref for row in seen}
        return Reference(
            (_without(row, hidden) for row in seen),
            (link for link in self.links.values() if hidden.isdisjoint((link.key.source, link.key.target))),
            whole=visibility == EVERYTHING,
        )

    # Filters

    def matches(self, entity: Entity, filter_: Filter) -> bool:
        match filter_:
            case And(items):
                return all(self.matches(entity, item) for item in items)
            case Or(items):
                return any(self.matches(entity, item) for item in items)
            case Not(item):
                return not self.matches(entity, item)
            case Words(words):
                return has_words(entity, words)
            case Related():
                return self._is_related(entity, filter_)
            case Compare():
                return compare(filter_, FIELDS[filter_.field], field_values(entity, filter_.field, filter_.key))

    def _is_related(self, entity: Entity, related: Related) -> bool:
        relations = {related.relation} if related.relation else {key.relation for key in self.links}
        others = (self.entities[other] for other, _ in self.links_of(entity.ref, related.direction, relations))
        return any(self.matches(other, related.filter) for other in others) != related.none

    def matching(self, filter_: Filter) -> list[Entity]:
        return [entity for entity in self.entities.values() if self.matches(entity, filter_)]

    # Lists

    def page(self, request: PageRequest) -> tuple[list[Entity], bool]:
        """The entities and whether there are more."""
        inside = [
            entity
            for entity in in_order(self.matching(request.filter), request.sort)
            if (request.after is None or precedes(request.after, place_of(entity, request.sort), request.sort))
            and (request.before is None or precedes(place_of(entity, request.sort), request.before, request.sort))
        ]
        return _cut(inside, request.limit, request.backward), len(inside) > request.limit

    def facets(self, filter_: Filter, fields: Sequence[str]) -> dict[str, Facet]:
        found = self.matching(filter_)
        return {field: _facet(field, [facet_values(entity, field) for entity in found]) for field in fields}

    def resolve(self, identifiers: Collection[str]) -> dict[str, list[Ref]]:
        """Only identifiers that resolve are keys."""
        found = {
            name: sorted(entity.ref for entity in self.entities.values() if name in entity.identifiers)
            for name in identifiers
        }
        return {name: refs for name, refs in found.items() if refs}

    # Links

    def links_of(self, ref: Ref, direction: Direction, relations: Collection[str]) -> Iterator[tuple[Ref, Link]]:
        """The other end and the link, of each link that leaves (OUT) or reaches (IN) the entity."""
        for link in self.links.values():
            near, far = _ends(link, direction)
            if near == ref and link.key.relation in relations:
                yield far, link

    def neighbours(
        self,
        ref: Ref,
        direction: Direction,
        relations: Collection[str],
        link_where: LinkFilter | None = None,
        page: LinkPage = ALL_LINKS,
    ) -> list[Neighbour]:
        found = [
            Neighbour(ref, link, self.entities[other])
            for other, link in self.links_of(ref, direction, relations)
            if link_matches(link, link_where)
        ]
        within = [
            item
            for item in sorted(found, key=_neighbour_order)
            if (page.after is None or _neighbour_order(item) > _place_order(page.after))
            and (page.before is None or _neighbour_order(item) < _place_order(page.before))
        ]
        if page.limit is None:
            return within
        return within[-page.limit :] if page.backward else within[: page.limit]

    def subgroups(self, groups: Collection[Ref]) -> list[Ref]:
        found = set(groups)
        while more := {link.key.source for link in self._all("CHILD_OF") if link.key.target in found} - found:
            found |= more
        return sorted(found)

    def _all(self, *relations: str) -> list[Link]:
        return [link for link in self.links.values() if link.key.relation in relations]

    # What a writer asks

    def said_by(self, source: str) -> tuple[dict[Ref, EntityStatement], dict[LinkKey, LinkStatement]]:
        entities = {ref: row.statements[source] for ref, row in self.entities.items() if source in row.statements}
        links = (said for link in self.links.values() for said in link.statements.get(source, ()))
        return entities, {said.key: said for said in links}

    def links_at(self, refs: Collection[Ref], relations: Collection[str], direction: Direction) -> set[LinkKey]:
        return {link.key for ref in refs for _, link in self.links_of(ref, direction, relations)}

    def referenced(self, ref: Ref) -> Referenced:
        inferring = (
            entity
            for entity in self.entities.values()
            if any(owner.ref == ref and owner.how is OwnerHow.INFERRED for owner in entity.owners)
        )
        return Referenced(
            links=sum(ref in (key.source, key.target) for key in self.links), inferred=len(list(inferring))
        )

    def in_repositories(self, repositories: Collection[Ref] | None) -> list[Ref]:
        rows = self.entities.values()
        if repositories is None:
            return sorted(row.ref for row in rows if row.repository or row.kind == "repository")
        return sorted(row.ref for row in rows if row.repository in repositories)

    # Walks

    def step_links(self, traversal: Traversal, near: Ref, far: Ref, *, hard_only: bool = False) -> tuple[Link, ...]:
        """All links that a walk may take from one entity to the next."""
        found = (
            link
            for other, link in self.links_of(near, traversal.direction, traversal.relations)
            if other == far and link_matches(link, traversal.link_where)
        )
        kept = (link for link in found if link.criticality is Criticality.HARD or not hard_only)
        return tuple(sorted(kept, key=_link_order))

    def next_refs(self, traversal: Traversal, ref: Ref, *, hard_only: bool = False) -> set[Ref]:
        return {
            other
            for other, _ in self.links_of(ref, traversal.direction, traversal.relations)
            if self.step_links(traversal, ref, other, hard_only=hard_only)
        }

    def expands(self, traversal: Traversal, ref: Ref) -> bool:
        return ref in traversal.start or self.matches(self.entities[ref], traversal.through)

    def distances(self, traversal: Traversal, *, hard_only: bool = False) -> dict[Ref, int]:
        """Everything within max_depth but the starts, whatever the budget."""
        found = dict.fromkeys(traversal.start, 0)
        level = set(traversal.start)
        depth = 0
        while level and depth != traversal.max_depth:
            depth += 1
            expanded = [ref for ref in level if self.expands(traversal, ref)]
            level = {to for ref in expanded for to in self.next_refs(traversal, ref, hard_only=hard_only)}
            level -= found.keys()
            found |= dict.fromkeys(level, depth)
        return {ref: distance for ref, distance in found.items() if ref not in traversal.start}

    def reached(self, traversal: Traversal) -> dict[Ref, int]:
        """The first `budget` of what is reachable, in the order (distance, ref)."""
        ordered = sorted(self.distances(traversal).items(), key=lambda item: (item[1], item[0]))
        return dict(ordered[: traversal.budget])

    def hits(self, traversal: Traversal) -> list[Hit]:
        """All of them, each with its severity."""
        hard = self.distances(traversal, hard_only=True)
        return [
            Hit(entity=entity, distance=distance, severity=Severity.DOWN if ref in hard else Severity.DEGRADED)
            for ref, distance in self.reached(traversal).items()
            if self.matches(entity := self.entities[ref], traversal.keep)
        ]

    def walk(self, request: WalkRequest) -> WalkAnswer:
        """With everything computed that can be asked for, and revision 0."""
        hits = self.hits(request.traversal)
        positions = [(hit.distance, hit.entity.ref) for hit in hits]
        after = (request.after.distance, request.after.ref) if request.after else (-1, Ref(""))
        before = (request.before.distance, request.before.ref) if request.before else (_NO_LIMIT, Ref(""))
        inside = [hit for hit, position in zip(hits, positions, strict=True) if after < position < before]
        page = _cut(inside, request.limit, request.backward)
        shown = [(hit.distance, hit.entity.ref) for hit in page]
        return WalkAnswer(
            revision=0,
            hits=page,
            more_before=any(position < shown[0] if shown else position <= after for position in positions),
            more_after=any(position > shown[-1] if shown else position >= before for position in positions),
            total=len(hits),
            facets={
                field: _facet(
                    field,
                    [{str(hit.severity)} if field == "severity" else facet_values(hit.entity, field) for hit in hits],
                )
                for field in request.facets
            },
            completeness=self.completeness(request.traversal),
        )

    def completeness(self, traversal: Traversal) -> Completeness:
        reached = self.reached(traversal)
        known = reached.keys() | set(traversal.start)
        open_ends = [
            ref
            for ref in reached
            if self.matches(self.entities[ref], traversal.through) and self.next_refs(traversal, ref) - known
        ]
        holds = {
            IncompleteReason.BUDGET: len(self.distances(traversal)) > traversal.budget,
            IncompleteReason.DEPTH: any(reached[ref] == traversal.max_depth for ref in open_ends),
            IncompleteReason.UNRESOLVED: any(not self.entities[ref].declared for ref in reached),
            IncompleteReason.HIDDEN: not self._whole,
        }
        return Completeness(tuple(reason for reason in IncompleteReason if holds[reason]), len(open_ends))

    def check_via(self, traversal: Traversal, ref: Ref, path: Path, *, hard_only: bool) -> None:
        """Assert that `path` is a shortest walk from a start to `ref` that obeys."""
        assert path.refs[0] in traversal.start
        assert path.refs[-1] == ref
        assert len(path.refs) - 1 == self.distances(traversal, hard_only=hard_only)[ref]
        assert all(self.expands(traversal, passed) for passed in path.refs[1:-1])
        assert path == self._path(traversal, path.refs, hard_only=hard_only)
        assert all(step.links for step in path.steps)

    def _path(self, traversal: Traversal, refs: tuple[Ref, ...], *, hard_only: bool = False) -> Path:
        return Path(
            refs,
            tuple(
                Step(near, far, self.step_links(traversal, near, far, hard_only=hard_only))
                for near, far in pairwise(refs)
            ),
        )

    def paths(self, from_: Ref, to: Ref, traversal: Traversal, first: int) -> Paths:
        """Walks without repetition grow by one link at a time until some arrive."""
        walks: list[tuple[Ref, ...]] = [(from_,)] if from_ != to else []
        depth = 0
        while walks and depth != traversal.max_depth:
            depth += 1
            walks = [
                (*walk, ref)
                for walk in walks
                if self.expands(traversal, walk[-1])
                for ref in self.next_refs(traversal, walk[-1])
                if ref not in walk
            ]
            if arrived := sorted(walk for walk in walks if walk[-1] == to):
                found = tuple(self._path(traversal, walk) for walk in arrived[:first])
                return Paths(found, len(arrived) > first)
        return Paths((), False)

    # Cycles

    def components(self, relations: Collection[str]) -> dict[tuple[Ref, ...], dict[Ref, int]]:
        """The members of each strongly connected component that holds a cycle, in the order of cycles(), and how
        many links the shortest cycle through each member has."""
        after = {ref: self._cycle_distances(ref, relations) for ref in self.entities}
        on_cycle = [ref for ref in self.entities if ref in after[ref]]
        components = {tuple(sorted(to for to in on_cycle if to in after[ref] and ref in after[to])) for ref in on_cycle}
        return {members: {ref: after[ref][ref] for ref in members} for members in sorted(components)}

    def _cycle_distances(self, ref: Ref, relations: Collection[str]) -> dict[Ref, int]:
        """How many links lead from one entity to each that it reaches, itself included if it lies on a cycle."""
        found: dict[Ref, int] = {}
        level, depth = {ref}, 0
        while level:
            depth += 1
            level = {to for near in level for to, _ in self.links_of(near, Direction.OUT, relations)} - found.keys()
            found |= dict.fromkeys(level, depth)
        return found

    def check_cycles(self, relations: Collection[str], cycles: Sequence[Cycle]) -> None:
        """Assert that these are all cycles, each with a shortest path that starts where it should."""
        components = self.components(relations)
        assert [cycle.members for cycle in cycles] == list(components)
        for cycle in cycles:
            lengths = components[cycle.members]
            shortest = min(lengths.values())
            assert cycle.path[0] == cycle.path[-1] == min(ref for ref in lengths if lengths[ref] == shortest)
            assert len(cycle.path) - 1 == shortest == len(set(cycle.path))
            pairs = {(link.key.source, link.key.target) for link in self._all(*relations)}
            assert set(pairwise(cycle.path)) <= pairs


def _without(entity: Entity, hidden: set[Ref]) -> Entity:
    owners = (
        replace(owner, through=tuple(ref for ref in owner.through if ref not in hidden), evidence=())
        if hidden & set(owner.through)
        else owner
        for owner in entity.owners
        if owner.ref not in hidden
    )
    return replace(
        entity,
        owners=tuple(owners),
        systems=tuple(ref for ref in entity.systems if ref not in hidden),
        domains=tuple(ref for ref in entity.domains if ref not in hidden),
        environments=tuple(ref for ref in entity.environments if ref not in hidden),
        repository=None if entity.repository in hidden else entity.repository,
    )


def _facet(field: str, values: list[set[str | None]]) -> Facet:
    counts = {value: sum(value in found for found in values) for found in values for value in found}
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, item[0] or ""))
    return Facet(field, tuple(Bucket(value, count) for value, count in ordered), FACET_FIELDS[field])


def _cut(items: list[T], limit: int, backward: bool) -> list[T]:
    return items[max(len(items) - limit, 0) :] if backward else items[:limit]


def _ends(link: Link, direction: Direction) -> tuple[Ref, Ref]:
    """Near and far end, walking in this direction."""
    source, target = link.key.source, link.key.target
    return (source, target) if direction is Direction.OUT else (target, source)


def _neighbour_order(item: Neighbour) -> tuple[str, str, bool, str]:
    key = item.link.key
    return _place_order(LinkPlace(item.entity.ref, key.relation, key.environment))


def _place_order(place: LinkPlace) -> tuple[str, str, bool, str]:
    return place.ref, place.relation, place.environment is not None, place.environment or ""


def _link_order(link: Link) -> tuple[str, bool, str, LinkKey]:
    """(relation, environment with none first); between a pair of entities these tell all links apart."""
    environment = link.key.environment
    return link.key.relation, environment is not None, environment or "", link.key
