"""Which things that sources tell of are one and the same: a deterministic rule set over identifiers.

Every statement has the ref that its source gave it. Statements of one ref are one entity. Beyond that, statements of
different sources are joined where they share an identifier that names a thing for several tools:

| identifier                                                          | joins entities of kind                 |
|---------------------------------------------------------------------|----------------------------------------|
| an ARN; one of the schemes of `SCHEMES`, such as `service.name:cart` | any, of the same kind                  |
| a URL                                                               | repository                             |
| `@org/team`, `@login`, an e-mail address                            | group, user                            |
| a package URL                                                       | package                                |
| any (a CVE, a GHSA ...)                                             | vulnerability                          |

- An identifier joins nothing where one source gives it to two entities of a kind: then it is no name of one thing.
- Two entities of one source are never joined, not even through a third one's: the stronger identifier wins, in the
  order of the table and then of the texts.
- A bare name joins nothing, unless the operator says so for a kind (`join_names`).
- `image_mirrors` names pairs of registries, or of folders in them, that hold the same images: an `image:` below one is
  also the one below the other.
- `separate` names pairs of refs that are never joined.
- The joined entity has the ref that the source of the highest priority gave it.

Beside them stand in an entity the refs that it alone had before, as long as nobody declares them (former_refs.py).

The result depends on the statements alone, not on the order in which they came.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from graph_api.catalog.entity import Entity
from graph_api.catalog.former_refs import former_refs
from graph_api.catalog.kinds import OWNER_KINDS
from graph_api.catalog.ref import Ref, kind_of, split_ref

SCHEMES = (
    "kubernetes-id",
    "kubernetes",
    "service.name",
    "argocd",
    "image",
    "host",
    "dataset",
    "airflow",
    "grpc",
    "pagerduty",
    "jira",
    "pulumi",
    "qovery",
    "humanitec",
    "definition",
)
"""Schemes of identifiers that several tools write alike, strongest first."""

NAME_SCHEME = "name"

_ANY = frozenset({"vulnerability"})
_RANKS = {"arn": 0, **{scheme: place for place, scheme in enumerate(SCHEMES, start=1)}}
_LAST = len(_RANKS)


class Stated(NamedTuple):
    """A thing as one source tells of it."""

    source: str
    ref: Ref


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator says beyond the rule set."""

    join_names: frozenset[str] = frozenset()
    """Kinds, in lower case, whose entities of one name are one, whatever their namespace."""
    separate: frozenset[frozenset[Ref]] = frozenset()
    """Pairs of refs that are never joined."""
    image_mirrors: tuple[tuple[str, str], ...] = ()
    """Pairs of registries, or folders in them, in lower case, that hold the same images."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The rules as texts for a store to remember, none of which is a name of a source."""
        pairs = (" ".join(sorted(pair)) for pair in self.separate)
        return (
            *sorted(f"join {kind}" for kind in self.join_names),
            *sorted(f"separate {pair}" for pair in pairs),
            *sorted(f"mirror {one} {other}" for one, other in self.image_mirrors),
        )

    def mirrored(self, identifier: str) -> Iterator[str]:
        """Yield the same image in the registries that mirror the one it names."""
        for pair in self.image_mirrors:
            for one, other in (pair, pair[::-1]):
                if identifier.startswith(f"image:{one}/"):
                    yield f"image:{other}/{identifier.removeprefix(f'image:{one}/')}"


NO_RULES = Rules()


class Shared(NamedTuple):
    """An identifier that joins things of one kind."""

    identifier: str
    things: list[Stated]
    """What it joins, in order; of two refs at least."""


def joining(ref: Ref, identifiers: Iterable[str], rules: Rules) -> list[str]:
    """Return those of a thing's identifiers that can join it with others."""
    kind = kind_of(ref)
    found = [text for text in identifiers if _joins(kind, text)]
    found += [text for image in found for text in rules.mirrored(image)]
    if kind in rules.join_names:
        found.append(f"{NAME_SCHEME}:{split_ref(ref).name}")
    return found


def _joins(kind: str, identifier: str) -> bool:
    scheme = identifier.partition(":")[0]
    if kind in _ANY or scheme in _RANKS:
        return True
    if kind == "repository":
        return identifier.startswith("https://")
    if kind in OWNER_KINDS:
        return "@" in identifier
    return kind == "package" and scheme == "pkg"


def shared_identifiers(things: Mapping[Stated, Iterable[str]], rules: Rules) -> list[Shared]:
    """Return what joins these things, given by their identifiers; strongest first."""
    named: dict[tuple[str, str], list[Stated]] = defaultdict(list)
    for thing in sorted(things):
        for identifier in dict.fromkeys(joining(thing.ref, things[thing], rules)):
            named[identifier, kind_of(thing.ref)].append(thing)
    return [Shared(name[0], named[name]) for name in sorted(named, key=_strength) if _joins_things(named[name])]


def _strength(name: tuple[str, str]) -> tuple[int, str, str]:
    identifier, kind = name
    return _RANKS.get(identifier.partition(":")[0], _LAST), identifier, kind


def _joins_things(holders: Sequence[Stated]) -> bool:
    """Whether no source calls two things so, and not all have one ref."""
    refs = {thing.source: thing.ref for thing in holders}
    return len(refs) == len(holders) > 1 and len(set(refs.values())) > 1


def correlate(things: Mapping[Stated, Iterable[str]], rules: Rules) -> list[set[Ref]]:
    """The refs that are one entity each, as sets; every ref is in exactly one."""
    groups = _Groups(things, rules)
    for shared in shared_identifiers(things, rules):
        groups.join(thing.ref for thing in shared.things)
    return groups.found()


class _Group(NamedTuple):
    """Refs that are one entity, and the sources that tell of them: two things of one source are two."""

    refs: set[Ref]
    sources: set[str]


class _Groups:
    def __init__(self, things: Iterable[Stated], rules: Rules) -> None:
        self._apart: dict[Ref, set[Ref]] = {}
        for pair in rules.separate:
            for ref in pair:
                self._apart.setdefault(ref, set()).update(pair - {ref})
        self._of: dict[Ref, _Group] = {}
        for source, ref in things:
            self._of.setdefault(ref, _Group({ref}, set())).sources.add(source)

    def found(self) -> list[set[Ref]]:
        return [group.refs for group in _distinct(self._of.values())]

    def join(self, refs: Iterable[Ref]) -> None:
        """Join each with each, in their order, so that one that may not be joined does not keep the others apart.

        What is one already need not be tried twice: groups only grow, so that what may not be joined never may.
        """
        groups = _distinct(self._of[ref] for ref in refs)
        while groups:
            one, *others = groups
            groups = [other for other in others if not self._joined(one, other)]

    def _joined(self, one: _Group, other: _Group) -> bool:
        if not one.sources.isdisjoint(other.sources) or self._are_separate(one.refs, other.refs):
            return False
        one.refs.update(other.refs)
        one.sources.update(other.sources)
        self._of.update(dict.fromkeys(other.refs, one))
        return True

    def _are_separate(self, one: set[Ref], other: set[Ref]) -> bool:
        fewer, more = sorted((one, other), key=len)
        return any(not self._apart[ref].isdisjoint(more) for ref in fewer if ref in self._apart)


def _distinct(groups: Iterable[_Group]) -> list[_Group]:
    return list({id(group): group for group in groups}.values())


def standing_in(named: Mapping[str, Iterable[Ref]], rows: Mapping[Ref, Entity]) -> dict[Ref, Entity]:
    """Return, by a ref that no row has, the row that it stands in: some source gave it to a thing there, or it is the
    former ref of that row alone. `named` are rows by identifier.
    """
    found: dict[Ref, Entity] = {}
    for name, refs in named.items():
        ref = Ref(name)
        known = [rows[place] for place in refs if place in rows]
        standing = [row for row in known if is_given(row, ref)] or [row for row in known if _was(row, ref)]
        if len(standing) == 1:
            found[ref] = standing[0]
    return found


def is_given(row: Entity, ref: Ref) -> bool:
    """Whether a source calls so what stands in the row."""
    return any(said.ref == ref for said in row.statements.values())


def _was(row: Entity, ref: Ref) -> bool:
    """Whether a source says that what stands in the row was called so."""
    return any(ref in former_refs(said) for said in row.statements.values())
