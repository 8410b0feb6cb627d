"""Hypothesis strategies: small catalogs full of what goes wrong, and questions about them.

The pools are small so that filters, labels and links meet; the texts are those that databases compare differently
from Python: case folding that changes lengths, code points beyond 16 bits, wildcards, quotes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from graph_api.catalog.entity import (
    Criticality,
    Entity,
    EntityStatement,
    Evidence,
    Link,
    LinkKey,
    LinkStatement,
    Owner,
    OwnerHow,
    OwnerState,
    unresolved,
)
from graph_api.catalog.ref import Ref, split_ref

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
ENVIRONMENTS = ("prod", "test", "\U0001f600", "\uff21")
SCALARS = (80, "80", 1.5, True, "true", "ß", None, [1], {"a": 1})
GROUPS = (Ref("group:default/a"), Ref("group:default/b"), Ref("user:default/u"))
SYSTEMS = (Ref("system:default/s"), Ref("system:default/t"))
DOMAINS = (Ref("domain:default/d"), Ref("domain:default/e"))


@dataclass(frozen=True)
class Catalog:
    """`restated` are written once more, later, so that revisions and times differ."""

    entities: tuple[Entity, ...]
    links: tuple[Link, ...]
    restated: frozenset[Ref]
    times: tuple[str, str]


def maybe(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.sampled_from(values)


def some(values: Sequence[Any], at_most: int = 2, at_least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    """Different ones, in any order."""
    places = st.lists(st.integers(0, len(values) - 1), unique=True, min_size=at_least, max_size=at_most)
    return places.map(lambda chosen: tuple(values[place] for place in chosen))


def some_sorted(values: Sequence[Any], at_most: int = 2, at_least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    return some(values, at_most, at_least).map(lambda chosen: tuple(sorted(chosen)))


def maps(values: Sequence[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(KEYS), st.sampled_from(values), max_size=2)


_EVIDENCE = (
    Evidence("files", "catalog-info.yaml:3", TIMES[0]),
    Evidence("api", "https://git.example/a", TIMES[0], TIMES[1], stale=True),
)


def owners() -> st.SearchStrategy[tuple[Owner, ...]]:
    """A group may own in two roles."""
    owner = st.builds(
        Owner,
        ref=st.sampled_from(GROUPS),
        role=st.sampled_from(("OWNER", "MAINTAINER")),
        primary=st.booleans(),
        how=st.sampled_from(OwnerHow),
        through=some(REFS),
        evidence=some(_EVIDENCE),
    )
    return st.lists(owner, max_size=3, unique_by=lambda owner: (owner.ref, owner.role)).map(tuple)


def entity_statements(ref: Ref) -> st.SearchStrategy[dict[str, EntityStatement]]:
    statement = st.builds(
        EntityStatement,
        ref=st.just(ref),
        name=st.sampled_from(TEXTS),
        kind=st.just("Component"),
        document=st.just("catalog-info.yaml"),
        location=st.just("catalog-info.yaml:1"),
        tier=maybe((1, 2)),
        tags=some(TEXTS),
        labels=maps(VALUES),
        links=some(({"url": "https://a.example"}, {"url": "https://b.example", "title": "ß"}), 1),
        spec=maps(SCALARS),
        first_seen=maybe(TIMES),
        stale=st.booleans(),
    )
    return st.lists(
        st.tuples(st.sampled_from(SOURCES), statement), min_size=1, max_size=2, unique_by=lambda item: item[0]
    ).map(dict)


@st.composite
def entities(draw: st.DrawFn, ref: Ref) -> Entity:
    """One of four is only pointed at."""
    if draw(st.integers(0, 3)) == 3:
        return unresolved(ref)
    parts = split_ref(ref)
    return Entity(
        ref=ref,
        name=draw(st.sampled_from((parts.name, parts.name.upper(), *TEXTS))),
        kind=parts.kind,
        namespace=parts.namespace,
        declared=True,
        type=draw(maybe(("service", "Service", "library"))),
        title=draw(maybe(TEXTS)),
        description=draw(maybe(TEXTS)),
        lifecycle=draw(maybe(("production", "experimental"))),
        tier=draw(maybe((1, 2, 3))),
        active=draw(st.booleans()),
        tags=draw(some(TEXTS)),
        labels=draw(maps(VALUES)),
        annotations=draw(maps(VALUES)),
        identifiers=draw(some(IDENTIFIERS)),
        repository=draw(maybe(REPOSITORIES)),
        folder=draw(maybe(("", "a/b"))),
        statements=draw(entity_statements(ref)),
        owners=draw(owners()),
        systems=draw(some_sorted(SYSTEMS)),
        domains=draw(some_sorted(DOMAINS)),
        environments=draw(some_sorted(tuple(Ref(f"environment:default/{name}") for name in ("prod", "test")))),
        owner_state=draw(st.sampled_from(OwnerState)) if parts.kind in ("group", "user") else None,
    )


@st.composite
def links(draw: st.DrawFn, refs: Sequence[Ref], relations: Sequence[str] = RELATIONS) -> Link:
    """One of two depends, so that walks get long; all others are spread over the relations."""
    relation = draw(st.sampled_from((relations[0],) * len(relations) + tuple(relations)))
    environment = draw(st.none() | maybe(ENVIRONMENTS))
    key = LinkKey(draw(st.sampled_from(refs)), relation, draw(st.sampled_from(refs)), environment)
    statement = LinkStatement(
        key=key,
        document="catalog-info.yaml",
        location="catalog-info.yaml:1",
        criticality=draw(maybe(tuple(Criticality))),
        confidence=draw(maybe((0.0, 0.5))),
        properties=draw(maps(SCALARS)),
        first_seen=draw(maybe(TIMES)),
    )
    return Link(
        key=key,
        criticality=statement.criticality or Criticality.HARD,
        confidence=1.0 if statement.confidence is None else statement.confidence,
        properties=statement.properties,
        statements=dict.fromkeys(draw(some(SOURCES, at_least=1)), statement),
    )


@st.composite
def catalogs(draw: st.DrawFn, relations: Sequence[str] = RELATIONS) -> Catalog:
    """At most 12 entities and 25 links between them, with self links, parallel links and cycles among them."""
    # Hypothesis prefers short lists; drawing the size first gives long ones their share.
    size = draw(st.integers(1, 12))
    refs = draw(some(REFS, at_most=size, at_least=size))
    drawn = [draw(links(refs, relations)) for _ in range(draw(st.integers(0, 25)))]
    return Catalog(
        entities=tuple(draw(entities(ref)) for ref in refs),
        links=tuple({link.key: link for link in drawn}.values()),
        restated=frozenset(draw(some(refs, at_most=4))),
        times=(draw(st.sampled_from(TIMES)), draw(st.sampled_from(TIMES))),
    )
