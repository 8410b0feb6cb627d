"""A made-up organization of any size: the same seed gives the same catalog.

Software is numbered, and each piece needs earlier ones, popular ones most: that makes layers and hubs. A share of it
needs the hub, directly or through others, and nothing else does, so the size of the hub's impact is known beforehand.
"""

import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

from graph_api.catalog.entity import Criticality, EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.kinds import kind_name
from graph_api.catalog.ref import Ref, kind_of, make_ref, split_ref
from graph_api.catalog.snapshot import Snapshot

HUB = Ref("component:default/hub")
ROOT_GROUP = Ref("group:default/team-0")
MIN_ENTITIES, MAX_ENTITIES = 10_000, 1_000_000
SNAPSHOT_ENTITIES = 100_000
"""As many entities, with their links, as one sync may change."""

_IMPACT_SHARE = 0.4
_ENVIRONMENTS = ("development", "test", "staging", "production")
_LIFECYCLES = ("production", "production", "production", "experimental", "deprecated")
_SOFTWARE = (
    *[("component", "service")] * 8,
    *[("component", "website")] * 2,
    *[("component", "library")] * 2,
    *[("api", "openapi")] * 3,
    *[("resource", "database")] * 2,
    ("resource", "queue"),
    ("pipeline", "batch"),
    ("dataset", "table"),
)
_WORDS = ("checkout", "billing", "search", "payment", "stock", "profile", "invoice", "mail", "report", "route", "price")
_RELATIONS = {
    ("component", "api"): "CONSUMES_API",
    ("component", "resource"): "RUNS_ON",
    ("api", "component"): "PROVIDED_BY",
    ("pipeline", "dataset"): "READS_FROM",
    ("dataset", "pipeline"): "WRITTEN_BY",
}


def generate(entities: int = SNAPSHOT_ENTITIES, seed: int = 1, namespace: str = "default") -> Snapshot:
    """About 3.8 links an entity; the impact of HUB reaches about 40 % of all entities."""
    organization = _Organization(entities, random.Random(seed), namespace)  # noqa: S311 - no secret, and repeatable
    return Snapshot(source="generated", connector="benchmark", entities=organization.entities, links=organization.links)


def split(snapshot: Snapshot, entities: int = SNAPSHOT_ENTITIES) -> Iterator[Snapshot]:
    """The same as several sources, each small enough for one sync: links go with the entity that they leave."""
    refs = iter(snapshot.entities)
    part_of: dict[Ref, int] = {}
    parts: list[dict[Ref, EntityStatement]] = []
    while chunk := list(islice(refs, entities)):
        part_of |= dict.fromkeys(chunk, len(parts))
        parts.append({ref: snapshot.entities[ref] for ref in chunk})
    links: list[dict[LinkKey, LinkStatement]] = [{} for _ in parts]
    for key, link in snapshot.links.items():
        links[part_of[key.source]][key] = link
    for number, part in enumerate(parts):
        source = f"{snapshot.source}-{number}"
        yield Snapshot(source=source, connector=snapshot.connector, entities=part, links=links[number])


class _Organization:
    def __init__(self, size: int, rng: random.Random, namespace: str) -> None:
        self.entities: dict[Ref, EntityStatement] = {}
        self.links: dict[LinkKey, LinkStatement] = {}
        self._rng = rng
        self._namespace = namespace
        self._environments = [self._add("environment", name, type="runtime") for name in _ENVIRONMENTS]
        self._groups = self._add_tree("group", "team", max(20, size // 200), "CHILD_OF", type="team")
        self._domains = self._add_tree("domain", "area", max(5, size // 1000), "PART_OF")
        self._systems = [self._add_system(number) for number in range(size // 50)]
        for number in range(size // 50):
            self._link(self._add("user", f"person-{number}"), "MEMBER_OF", rng.choice(self._groups))
        self._add_software(size - len(self.entities), size)

    def _add_tree(self, kind: str, name: str, size: int, relation: str, **fields: Any) -> list[Ref]:
        refs: list[Ref] = []
        for number in range(size):
            refs.append(self._add(kind, f"{name}-{number}", **fields))
            if number:
                self._link(refs[number], relation, refs[(number - 1) // 6])
        return refs

    def _add_system(self, number: int) -> Ref:
        ref = self._add("system", f"system-{number}")
        self._link(ref, "PART_OF", self._rng.choice(self._domains))
        self._link(ref, "OWNED_BY", self._rng.choice(self._groups))
        return ref

    def _add_software(self, count: int, size: int) -> None:
        """`needing` grows by what needs the hub, `free` by what does not; free ones need only free ones."""
        share = _IMPACT_SHARE * size / count
        hub = make_ref("component", self._namespace, split_ref(HUB).name)
        needing, free = [self._place(hub, "service")], [self._place(self._name(0, "component"), "service")]
        for number in range(1, count - 1):
            kind, type_ = self._rng.choice(_SOFTWARE)
            ref = self._place(self._name(number, kind), type_)
            group = needing if self._rng.random() < share else free
            self._need(ref, self._popular(group))
            for _ in range(self._rng.choice((0, 1, 1, 2))):
                self._need(ref, self._popular(self._rng.choice((needing, free)) if group is needing else free))
            group.append(ref)
        for _ in range(max(5, size // 5000)):  # an earlier one that needs a later one closes a cycle
            early, late = sorted(self._rng.sample(range(1, len(needing)), 2))
            self._need(needing[early], needing[late])

    def _name(self, number: int, kind: str) -> Ref:
        return make_ref(kind, self._namespace, f"{self._rng.choice(_WORDS)}-{self._rng.choice(_WORDS)}-{number}")

    def _popular(self, refs: list[Ref]) -> Ref:
        return refs[int(len(refs) * self._rng.random() ** 3)]

    def _place(self, ref: Ref, type_: str) -> Ref:
        """Declare a piece of software with a system, an owner of its own or of that system, and an environment."""
        rng = self._rng
        self._add(
            kind_of(ref),
            split_ref(ref).name,
            type=type_,
            lifecycle=rng.choice(_LIFECYCLES),
            tier=rng.choice((1, 2, 3, 4, None)),
            tags=tuple(sorted(rng.sample(_WORDS, 2))),
            description=f"Serves {rng.choice(_WORDS)} and {rng.choice(_WORDS)} to customers of the {type_}.",
        )
        if rng.random() < 0.9:
            self._link(ref, "PART_OF", rng.choice(self._systems))
        if rng.random() < 0.7:
            self._link(ref, "OWNED_BY", rng.choice(self._groups))
        if rng.random() < 0.35:
            self._link(ref, "DEPLOYED_TO", rng.choice(self._environments))
        return ref

    def _need(self, ref: Ref, needed: Ref) -> None:
        criticality = Criticality.SOFT if self._rng.random() < 0.15 else None
        self._link(ref, _RELATIONS.get((kind_of(ref), kind_of(needed)), "DEPENDS_ON"), needed, criticality)

    def _add(self, kind: str, name: str, **fields: Any) -> Ref:
        ref = make_ref(kind, self._namespace, name)
        document = f"catalog/{kind}/{name}.yaml"
        spec: dict[str, Any] = {field: fields[field] for field in ("type", "lifecycle") if field in fields}
        self.entities[ref] = EntityStatement(
            ref=ref, name=name, kind=kind_name(kind), document=document, location=f"{document}:1", spec=spec, **fields
        )
        return ref

    def _link(self, source: Ref, relation: str, target: Ref, criticality: Criticality | None = None) -> None:
        key = LinkKey(source, relation, target, None)
        document = self.entities[source].document
        self.links[key] = LinkStatement(key=key, document=document, location=f"{document}:9", criticality=criticality)
