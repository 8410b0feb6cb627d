"""From one source's edit to all statements of what it touches."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from graph_api.catalog.entity import Entity, EntityStatement, Link, LinkKey, LinkStatement
from graph_api.catalog.merge import SourceOrder
from graph_api.catalog.ref import Ref
from graph_api.store.protocol import WriteTransaction

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Edit:
    """New statements of one source; None withdraws."""

    source: str
    entities: Mapping[Ref, EntityStatement | None] = field(default_factory=dict)
    links: Mapping[LinkKey, LinkStatement | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Restated:
    """Statements by source, in the order of priority; none where nobody says it any more. `old` rows are as stored."""

    old: dict[Ref, Entity]
    old_links: Mapping[LinkKey, Link]
    entities: Mapping[Ref, Mapping[str, EntityStatement]]
    links: Mapping[LinkKey, Mapping[str, LinkStatement]]
    order: SourceOrder


async def restate(tx: WriteTransaction, edit: Edit, order: SourceOrder) -> Restated:
    ends = {end for key in edit.links for end in (key.source, key.target)}
    old = await tx.entities(ends | edit.entities.keys())
    old_links = await tx.links([key for key in edit.links if key.source in old and key.target in old])
    entities = {
        ref: _laid_over(old[ref].statements if ref in old else {}, edit.source, statement, order)
        for ref, statement in edit.entities.items()
    }
    links = {
        key: _laid_over(old_links[key].statements if key in old_links else {}, edit.source, statement, order)
        for key, statement in edit.links.items()
    }
    return Restated(old, old_links, entities, links, order)


def _laid_over(before: Mapping[str, S], source: str, statement: S | None, order: SourceOrder) -> Mapping[str, S]:
    statements = {name: value for name, value in before.items() if name != source}
    if statement is not None:
        statements[source] = statement
    return in_order(statements, order)


def in_order(statements: Mapping[str, S], order: SourceOrder) -> Mapping[str, S]:
    return dict(sorted(statements.items(), key=lambda item: order(item[0]))) if len(statements) > 1 else statements
