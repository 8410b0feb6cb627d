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

The result depends on the statements alone, not on the order in which they came.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from graph_api.catalog.entity import Entity
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
        """For a store to remember, each of them no name of a source."""
        pairs = (" ".join(sorted(pair)) for pair in self.separate)
        return (
            *sorted(f"join {kind}" for kind in self.join_names),
            *sorted(f"separate {pair}" for pair in pairs),
            *sorted(f"mirror {one} {other}" for one, other in self.image_mirrors),
        )

    def mirrored(self, identifier: str) -> Iterator[str]:
        """The same image in the registries that mirror the one it names."""
        for pair in self.image_mirrors:
            for one, other in (pair, pair[::-1]):
                if identifier.startswith(f"image:{one}/"):
                    yield f"image:{other}/{identifier.removeprefix(f'image:{one}/')}"


NO_RULES = Rules()


class Bond(NamedTuple):
    """An identifier that joins two things."""

    identifier: str
    one: Stated
    other: Stated


def joining(ref: Ref, identifiers: Iterable[str], rules: Rules) -> list[str]:
    """Those of a thing's identifiers that can join it with others."""
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
    if kind in ("group", "user"):
        return "@" in identifier
    return kind == "package" and scheme == "pkg"


def bonds(things: Mapping[Stated, Iterable[str]], rules: Rules) -> list[Bond]:
    """What joins these things, given by their identifiers; strongest first."""
    named: dict[tuple[str, str], list[Stated]] = defaultdict(list)
    for thing, identifiers in things.items():
        for identifier in dict.fromkeys(joining(thing.ref, identifiers, rules)):
            named[kind_of(thing.ref), identifier].append(thing)
    found = [
        Bond(identifier, first, other)
        for (_, identifier), holders in named.items()
        if _names_one_thing(holders)
        for first, other in _chained(holders)
    ]
    return sorted(found, key=_strength)


def _names_one_thing(holders: Sequence[Stated]) -> bool:
    """No source calls two things so."""
    refs = defaultdict(set)
    for thing in holders:
        refs[thing.source].add(thing.ref)
    return all(len(found) == 1 for found in refs.values())


def _chained(holders: Sequence[Stated]) -> Iterator[tuple[Stated, Stated]]:
    """Every pair of different refs, so that one that may not be joined does not keep the others apart."""
    ordered = sorted(holders)
    for place, first in enumerate(ordered):
        for other in ordered[place + 1 :]:
            if first.ref != other.ref:
                yield first, other


def _strength(bond: Bond) -> tuple[int, str, Stated, Stated]:
    return _RANKS.get(bond.identifier.partition(":")[0], _LAST), bond.identifier, bond.one, bond.other


def correlate(things: Mapping[Stated, Iterable[str]], rules: Rules) -> list[set[Ref]]:
    """The refs that are one entity each, as sets; every ref is in exactly one."""
    groups = {thing.ref: {thing.ref} for thing in things}
    told_by: dict[Ref, set[str]] = defaultdict(set)
    for thing in things:
        told_by[thing.ref].add(thing.source)
    for bond in bonds(things, rules):
        one, other = groups[bond.one.ref], groups[bond.other.ref]
        if one is not other and _may_join(one, other, told_by, rules):
            one |= other
            for ref in other:
                groups[ref] = one
    return list({id(group): group for group in groups.values()}.values())


def _may_join(one: set[Ref], other: set[Ref], told_by: Mapping[Ref, set[str]], rules: Rules) -> bool:
    sources = [source for ref in (*one, *other) for source in told_by[ref]]
    if len(sources) != len(set(sources)):
        return False
    return not any({first, second} in rules.separate for first in one for second in other)


def standing_in(named: Mapping[str, Iterable[Ref]], rows: Mapping[Ref, Entity]) -> dict[Ref, Entity]:
    """By a ref that some source gave a thing, the row that it stands in; `named` are rows by identifier."""
    return {
        Ref(name): rows[ref]
        for name, refs in named.items()
        for ref in refs
        if ref in rows and any(said.ref == name for said in rows[ref].statements.values())
    }
