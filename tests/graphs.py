"""Hypothesis strategies: small catalogs full of what goes wrong, and questions about them.

The pools are small so that filters, labels and links meet; the texts are those that databases compare differently
from Python: case folding that changes lengths, code points beyond 16 bits, wildcards, quotes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter

from graph_api.catalog.entity import (
    Criticality,
    Entity,
    EntityStatement,
    Evidence,
    Link,
    LinkKey,
    LinkOrigin,
    LinkStatement,
    Owner,
    OwnerHow,
    OwnerState,
    unresolved,
)
from graph_api.catalog.ref import Ref, split_ref

T = TypeVar("T")

TEXTS = ("", "a", "A", "ab", "Ab C", "ß", "SS", "İ", "i̇", "é", "e\u0301", "z_%", "*a'b\"\\`", "\uff21", "\U0001f600")
REFS = tuple(
    Ref(text)
    for text in (
        "api:default/a",
        "component:default/a",
        "component:default/a-b",
        "component:default/b",
        "component:default/c",
        "component:shop/a",
        "component:shop/d",
        "dataset:default/orders",
        "environment:default/prod",
        "group:default/a",
        "group:default/b",
        "repository:default/a",
        "resource:default/db",
        "system:default/s",
        "user:default/u",
        "widget:default/x.y_z",
    )
)
RELATIONS = ("DEPENDS_ON", "CONSUMES_API", "READS_FROM", "PART_OF", "CHILD_OF")
SOURCES = ("Zeta", "api", "files")
KEYS = ("a", "a=b", "x.io/y", "x y")
VALUES = ("", "a", "b=c", "c", "ß", "\U0001f600")
TIMES = ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z", "2026-03-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z")
IDENTIFIERS = ("arn:aws:s3:::a", "https://git.example/a", "host.example", "ß")
REPOSITORIES = (Ref("repository:default/a"), Ref("repository:default/b"))
THROUGH = (Ref("system:default/s"), Ref("environment:default/prod"), *REPOSITORIES)
ENVIRONMENTS = ("prod", "test", "\U0001f600", "\uff21")
SCALARS = (80, "80", 1.5, True, "true", "ß", None, [1], {"a": 1})
GROUPS = (Ref("group:default/a"), Ref("group:default/b"), Ref("user:default/u"))
SYSTEMS = (Ref("system:default/s"), Ref("system:default/t"))
DOMAINS = (Ref("domain:default/d"), Ref("domain:default/e"))
DEPLOYMENTS = (Ref("environment:default/prod"), Ref("environment:default/test"))
AUDIENCES = ("group:default/a", "affected role:security", "group:default/a role:viewer user:default/u", "nobody")
TOKENS = ("group:default/a", "group:default/b", "role:viewer", "user:default/u")


@dataclass(frozen=True)
class Catalog:
    """`restated` are written once more, later, so that revisions and times differ."""

    entities: tuple[Entity, ...]
    links: tuple[Link, ...]
    restated: frozenset[Ref]
    times: tuple[str, str]

    def _repr_pretty_(self, printer: RepresentationPrinter, _cycle: bool) -> None:
        """What Hypothesis prints. Short: a failure shows the rows that differ anyway."""
        refs = " ".join(entity.ref for entity in self.entities)
        links = " ".join("|".join(map(str, link.key)) for link in self.links)
        printer.text(f"<Catalog {refs}; {links}; restated {' '.join(sorted(self.restated))}>")


_EVIDENCE = (
    Evidence("files", "catalog-info.yaml:3", TIMES[0]),
    Evidence("api", "https://git.example/a", TIMES[0], TIMES[1], stale=True),
)


def maybe(random: Random, values: Sequence[T]) -> T | None:
    return random.choice((None, *values))


def some(random: Random, values: Sequence[T], at_most: int = 2, at_least: int = 0) -> tuple[T, ...]:
    """Different ones, in any order."""
    return tuple(random.sample(values, random.randint(at_least, at_most)))


def map_of(random: Random, values: Sequence[T]) -> dict[str, T]:
    return {key: random.choice(values) for key in some(random, KEYS)}


def roles(random: Random) -> dict[str, object]:
    """The property of a link that tells the role of an owner, on half of the links."""
    return {"role": random.choice(("OWNER", "ON_CALL", "", None, [1], True, 0, 1.5))} if random.randrange(2) else {}


def owners(random: Random) -> tuple[Owner, ...]:
    """All come from one place, so in one way; a group may own in two roles."""
    held = some(random, [(ref, role) for ref in GROUPS for role in ("OWNER", "MAINTAINER")], at_most=3)
    how = random.choice(tuple(OwnerHow))
    return tuple(
        Owner(
            ref=ref,
            role=role,
            primary=random.choice((True, False)),
            how=how,
            through=some(random, THROUGH),
            evidence=some(random, _EVIDENCE),
        )
        for ref, role in held
    )


def entity_statement(random: Random, ref: Ref) -> EntityStatement:
    return EntityStatement(
        ref=ref,
        name=random.choice(TEXTS),
        kind="Component",
        document="catalog-info.yaml",
        location="catalog-info.yaml:1",
        tier=maybe(random, (1, 2)),
        tags=some(random, TEXTS),
        labels=map_of(random, VALUES),
        links=some(random, ({"url": "https://a.example"}, {"url": "https://b.example", "title": "ß"})),
        spec=map_of(random, SCALARS),
        first_seen=maybe(random, TIMES),
        stale=random.choice((True, False)),
    )


def entity(random: Random, ref: Ref) -> Entity:
    """One of four is only pointed at, and one of three is not for everybody."""
    audience = "" if random.randrange(3) else random.choice(AUDIENCES)
    if random.randrange(4) == 0:
        return replace(unresolved(ref), audience=audience)
    parts = split_ref(ref)
    return Entity(
        ref=ref,
        name=random.choice((parts.name, parts.name.upper(), *TEXTS)),
        kind=parts.kind,
        namespace=parts.namespace,
        declared=True,
        type=maybe(random, ("service", "Service", "library")),
        title=maybe(random, TEXTS),
        description=maybe(random, TEXTS),
        lifecycle=maybe(random, ("production", "experimental")),
        tier=maybe(random, (1, 2, 3)),
        active=random.choice((True, False)),
        tags=some(random, TEXTS),
        labels=map_of(random, VALUES),
        annotations=map_of(random, VALUES),
        identifiers=some(random, IDENTIFIERS),
        repository=maybe(random, REPOSITORIES),
        folder=maybe(random, ("", "a/b")),
        statements={source: entity_statement(random, ref) for source in some(random, SOURCES, at_least=1)},
        owners=owners(random),
        systems=tuple(sorted(some(random, SYSTEMS))),
        domains=tuple(sorted(some(random, DOMAINS))),
        environments=tuple(sorted(some(random, DEPLOYMENTS))),
        owner_state=random.choice(tuple(OwnerState)) if parts.kind in ("group", "user") else None,
        audience=audience,
    )


def link(random: Random, source: Ref, relation: str, target: Ref) -> Link:
    key = LinkKey(source, relation, target, maybe(random, ENVIRONMENTS) if random.randrange(2) else None)
    plain = LinkStatement(
        key=key,
        document="catalog-info.yaml",
        location="catalog-info.yaml:1",
        criticality=maybe(random, tuple(Criticality)),
        confidence=maybe(random, (0.0, 0.5)),
        properties=map_of(random, SCALARS) | roles(random),
        first_seen=maybe(random, TIMES),
    )
    sources = some(random, SOURCES, at_least=1)
    aliased = replace(plain, key=key._replace(target=Ref(f"{target}-alias")))
    statements = {
        source: tuple(
            replace(row, origin=random.choice(tuple(LinkOrigin)), observed_at=maybe(random, TIMES))
            for row in ([plain], [aliased], [plain, aliased])[random.randrange(3)]
        )
        for source in sources
    }
    said = [row for rows in statements.values() for row in rows]
    return Link(
        key=key,
        criticality=plain.criticality or Criticality.HARD,
        confidence=1.0 if plain.confidence is None else plain.confidence,
        properties=plain.properties,
        origins=tuple(sorted({row.origin for row in said}, key=list(LinkOrigin).index)),
        observed_at=max(row.observed_at or "" for row in said) or None,
        statements=statements,
    )


@st.composite
def catalogs(draw: st.DrawFn, relations: Sequence[str] = ("DEPENDS_ON", *RELATIONS)) -> Catalog:
    """At most 12 entities and 25 links between them, with self links, parallel links and cycles among them.

    Hypothesis draws, and shrinks, what is linked to what; all that rows hold comes out of one seed, which is fast.
    """
    # Hypothesis prefers short lists; drawing the size first gives long ones their share.
    size = draw(st.integers(1, 12))
    refs = draw(st.lists(st.sampled_from(REFS), unique=True, min_size=size, max_size=size))
    ends = st.tuples(st.sampled_from(refs), st.sampled_from(relations), st.sampled_from(refs))
    size = draw(st.integers(0, 25))
    drawn = draw(st.lists(ends, min_size=size, max_size=size))
    random = draw(st.randoms(use_true_random=True))
    return Catalog(
        entities=tuple(entity(random, ref) for ref in refs),
        links=tuple({row.key: row for row in (link(random, *of) for of in drawn)}.values()),
        restated=frozenset(ref for ref in refs if random.randrange(4) == 0),
        times=(random.choice(TIMES), random.choice(TIMES)),
    )
