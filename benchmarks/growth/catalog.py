"""The generated catalog, and beside it a part that is the same at every size: what the questions are about."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.generate import generate, split
from graph_api.catalog.entity import Criticality, EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.kinds import kind_name
from graph_api.catalog.ref import Ref, make_ref
from graph_api.catalog.snapshot import Snapshot

ANCHOR = Ref("component:default/fixed-anchor")
TEAM = Ref("group:default/fixed-team")
RARE_WORD, COMMON_WORD = "zanzibar", "checkout"
"""What 20 entities say, and what some 15 % of all say."""

_DOCUMENT = "catalog/fixed.yaml"
_FAN, _LEVELS = 10, 3
_RARE = 20
_PART = 50_000
"""Entities of a source: a tenth of the changes that one sync may make, with their links."""
_MORE = 2_000
_SHARE = 100


def parts(entities: int) -> Iterator[Snapshot]:
    """The whole catalog as several sources."""
    yield _fixed()
    yield from split(generate(entities), _PART)


def more() -> Snapshot:
    """One more source, the same whatever the catalog holds already."""
    return replace(generate(_MORE, namespace="later"), source="later")


def changed(snapshot: Snapshot) -> Snapshot:
    """1 % of the entities say something else, and 1 % of the links are of the other criticality."""
    entities, links = dict(snapshot.entities), dict(snapshot.links)
    for ref in list(entities)[::_SHARE]:
        entities[ref] = replace(entities[ref], description="Said otherwise.")
    for key in list(links)[::_SHARE]:
        links[key] = replace(links[key], criticality=_other(links[key].criticality))
    return replace(snapshot, entities=entities, links=links)


def _other(criticality: Criticality | None) -> Criticality:
    return Criticality.HARD if criticality is Criticality.SOFT else Criticality.SOFT


def _fixed() -> Snapshot:
    """The anchor, 10 components that need it, 10 that need each of these, and 10 that need each of those."""
    entities: dict[Ref, EntityStatement] = {}
    links: dict[LinkKey, LinkStatement] = {}

    def add(kind: str, name: str, owner: Ref | None, *needed: tuple[str, Ref]) -> Ref:
        ref = make_ref(kind, "default", name)
        about = f"One of {RARE_WORD}." if kind == "component" and len(entities) <= _RARE + 1 else None
        entities[ref] = EntityStatement(
            ref=ref,
            name=name,
            kind=kind_name(kind),
            type="service" if kind == "component" else None,
            description=about,
            document=_DOCUMENT,
            location=_DOCUMENT,
        )
        for relation, target in (*needed, *((("OWNED_BY", owner),) if owner else ())):
            key = LinkKey(ref, relation, target, None)
            links[key] = LinkStatement(key=key, document=_DOCUMENT, location=_DOCUMENT)
        return ref

    team = add("group", "fixed-team", None)
    squad = add("group", "fixed-squad", None, ("CHILD_OF", team))
    level = [add("component", "fixed-anchor", squad)]
    for depth in range(1, _LEVELS + 1):
        level = [
            add("component", f"fixed-{depth}-{place}", squad, ("DEPENDS_ON", level[place // _FAN]))
            for place in range(_FAN**depth)
        ]
    return Snapshot(source="fixed", connector="benchmark", entities=entities, links=links)
