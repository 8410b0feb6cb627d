"""The naive reference of drift: every link compared with every other."""

from collections.abc import Callable

from graph_api.catalog.drift import DriftFinding, DriftKind, DriftQuestion
from graph_api.catalog.entity import Entity, Link, LinkOrigin
from tests.reference import Reference

_NEEDS = {"CONSUMES_API", "DEPENDS_ON", "READS_FROM", "WRITTEN_BY"}
_EXPECTED = _NEEDS - {"WRITTEN_BY"}


class DriftReference:
    def __init__(self, catalog: Reference, question: DriftQuestion) -> None:
        self._catalog = catalog
        self._question = question

    def findings(self) -> list[DriftFinding]:
        """All of them, in order."""
        found = [
            DriftFinding(kind=kind, entity=self._catalog.entities[link.key.source], links=(link,))
            for link in self._catalog.links.values()
            for kind, drifts in ((DriftKind.UNDECLARED, self._undeclared), (DriftKind.UNOBSERVED, self._unobserved))
            if drifts(link)
        ]
        for entity in self._catalog.entities.values():
            owned = self._owned(entity)
            links = tuple(link for link in owned if _disputed([row for row in owned if _role(row) == _role(link)]))
            if links:
                found.append(DriftFinding(kind=DriftKind.OWNERS, entity=entity, links=links))
        asked = (row for row in found if row.kind in self._question.kinds)
        return sorted(
            (row for row in asked if self._catalog.matches(row.entity, self._question.filter_of(row.kind))),
            key=lambda row: (list(DriftKind).index(row.kind), *row.place[1:]),
        )

    def _undeclared(self, link: Link) -> bool:
        ends = [self._catalog.entities[ref] for ref in (link.key.source, link.key.target)]
        return (
            link.key.relation in _NEEDS
            and LinkOrigin.OBSERVED in _origins(link)
            and all(end.declared for end in ends)
            and ends[0] != ends[1]
            and not any(LinkOrigin.DECLARED in _origins(other) for other in self._same_need(link, _direct))
            and not any(
                LinkOrigin.DECLARED in _origins(other) and other.key.relation == "CONSUMES_API"
                for other in self._same_need(link, lambda one, other: self._provides(other, one))
            )
        )

    def _unobserved(self, link: Link) -> bool:
        return (
            link.key.relation in _EXPECTED
            and LinkOrigin.DECLARED in _origins(link)
            and self._is_watched(link)
            and not any(map(self._is_recent, self._same_need(link, _direct)))
            and not (
                link.key.relation == "CONSUMES_API" and any(map(self._is_recent, self._same_need(link, self._provides)))
            )
        )

    def _is_watched(self, link: Link) -> bool:
        observed = (
            other.key
            for other in self._catalog.links.values()
            if other.key.relation in _NEEDS and LinkOrigin.OBSERVED in _origins(other)
        )
        return any(link.key.source in (key.source, key.target) for key in observed)

    def _is_recent(self, link: Link) -> bool:
        at = max((row.observed_at or "" for rows in link.statements.values() for row in rows), default="")
        return LinkOrigin.OBSERVED in _origins(link) and (not at or at >= self._question.since)

    def _same_need(self, link: Link, same_target: Callable[[Link, Link], bool]) -> list[Link]:
        """Of the same entity in an environment that is not another one."""
        environment = link.key.environment
        return [
            other
            for other in self._catalog.links.values()
            if other.key.source == link.key.source
            and other.key.relation in _NEEDS
            and (other.key.environment == environment or None in (environment, other.key.environment))
            and same_target(link, other)
        ]

    def _provides(self, api_link: Link, link: Link) -> bool:
        """What the one link leads to provides the API that the first one leads to."""
        return any(
            other.key.relation == "PROVIDED_BY"
            and (other.key.source, other.key.target) == (api_link.key.target, link.key.target)
            for other in self._catalog.links.values()
        )

    def _owned(self, entity: Entity) -> list[Link]:
        links = [
            link
            for link in self._catalog.links.values()
            if (link.key.source, link.key.relation) == (entity.ref, "OWNED_BY")
        ]
        return sorted(links, key=lambda link: (link.key.target, link.key.environment or ""))


def _direct(one: Link, other: Link) -> bool:
    return one.key.target == other.key.target


def _origins(link: Link) -> set[LinkOrigin]:
    return {row.origin for rows in link.statements.values() for row in rows}


def _disputed(links: list[Link]) -> bool:
    sources = {source for link in links for source in link.statements}
    named = [{link.key.target for link in links if source in link.statements} for source in sources]
    return any(owners != named[0] for owners in named)


def _role(link: Link) -> str:
    role = link.properties.get("role")
    if _origins(link) == {LinkOrigin.INFERRED} or role == "" or not isinstance(role, str | int | float):
        return "OWNER"
    return str(role).lower() if isinstance(role, bool) else str(role)
