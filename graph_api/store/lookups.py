"""What a plan reads of what it changes, inside its transaction."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from graph_api.catalog.entity import Entity, EntityStatement, Link, LinkKey, LinkStatement
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction


@dataclass(frozen=True, slots=True)
class Referenced:
    """What keeps an undeclared entity in the catalog: links at either end, and inferred ownerships."""

    links: int
    inferred: int


SaidPlace: TypeAlias = int | str | None
"""Where to go on reading what a source states; only the store knows what it means. None: the beginning."""


class Said(NamedTuple):
    """Statements of one source, and where there are more; None where there are none."""

    entities: dict[Ref, EntityStatement]
    links: dict[LinkKey, LinkStatement]
    more: SaidPlace


SAID = 20_000


class Lookups(Protocol):
    """What a plan reads of what it changes."""

    async def entities(self, refs: Collection[Ref]) -> dict[Ref, Entity]: ...

    async def links(self, keys: Collection[LinkKey]) -> dict[LinkKey, Link]: ...

    async def links_at(self, refs: Collection[Ref], relations: Collection[str], direction: Direction) -> list[Link]:
        """Links that leave (OUT) or reach (IN) the refs."""
        ...

    async def referenced(self, refs: Collection[Ref]) -> dict[Ref, Referenced]: ...

    async def in_repositories(self, repositories: Collection[Ref] | None) -> list[Ref]:
        """Entities whose document lies in one of these repositories; when None in any, and all repositories."""
        ...

    async def resolve(self, identifiers: Collection[str]) -> dict[str, list[Ref]]:
        """Entities by normalized identifier, sorted by ref."""
        ...

    async def said_by(self, source: str, after: SaidPlace = None, limit: int = SAID) -> Said:
        """The current statements of one source, of so many rows at a time with their outgoing links."""
        ...
