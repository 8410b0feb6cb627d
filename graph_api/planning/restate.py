"""From one source's edit to all statements of what it touches."""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from graph_api.catalog.entity import Entity, EntityStatement, Link, LinkKey, LinkStatement
from graph_api.catalog.merge import SourceOrder
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import RELATIONS, Direction
from graph_api.planning.correlating import Standing, find_standing
from graph_api.standing import stated_rows
from graph_api.store.lookups import Said
from graph_api.store.protocol import WriteTransaction

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Edit:
    """New statements of one source under the refs that it gives; None withdraws."""

    source: str
    entities: Mapping[Ref, EntityStatement | None] = field(default_factory=dict)
    links: Mapping[LinkKey, LinkStatement | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Restated:
    """Statements by source, in the order of priority; none where nobody says it any more. `old` rows are as stored."""

    old: dict[Ref, Entity]
    old_links: Mapping[LinkKey, Link]
    entities: Mapping[Ref, Mapping[str, EntityStatement]]
    links: Mapping[LinkKey, Mapping[str, tuple[LinkStatement, ...]]]


async def restate(tx: WriteTransaction, edit: Edit, order: SourceOrder) -> Restated:
    ends = {end for key in edit.links for end in (key.source, key.target)}
    standing = await find_standing(tx, edit.source, edit.entities, ends, order)
    links = _Links(tx, standing)
    await links.move()
    await links.edit(edit)
    return await _restated(tx, standing, links, edit, order)


async def restate_all(tx: WriteTransaction, order: SourceOrder) -> Restated:
    """Restate everything that any source states, for another order or other rules."""
    refs: set[Ref] = set()
    keys: set[LinkKey] = set()
    for source in await tx.sources():
        async for said in each_said(tx, source):
            refs.update(said.entities)
            keys.update(said.links)
    standing = await find_standing(tx, "", {}, refs, order, everything=True)
    links = _Links(tx, standing)
    await links.move()
    await links.look_at({standing.key_before(key) for key in keys})
    return await _restated(tx, standing, links, Edit(""), order)


async def _restated(
    tx: WriteTransaction, standing: Standing, links: "_Links", edit: Edit, order: SourceOrder
) -> Restated:
    missing = {end for key in links.said for end in (key.source, key.target)} - standing.rows.keys()
    standing.rows.update(await tx.entities(missing) if missing else {})
    return Restated(
        standing.rows,
        links.old,
        {ref: _entity_in_order(said, order) for ref, said in _entities(standing, edit).items()},
        {key: by_priority(said, order) for key, said in links.said.items()},
    )


def _entities(standing: Standing, edit: Edit) -> dict[Ref, dict[str, EntityStatement]]:
    said: dict[Ref, dict[str, EntityStatement]] = {ref: {} for ref in (*standing.involved, *edit.entities)}
    for stated, statement in standing.statements.items():
        said.setdefault(standing.after.get(stated.ref, stated.ref), {})[stated.source] = statement
    return said


class _Links:
    """Links by the keys under which they stand after the edit; of what is touched only."""

    def __init__(self, tx: WriteTransaction, standing: Standing) -> None:
        self._tx = tx
        self._standing = standing
        self.old: dict[LinkKey, Link] = {}
        self.said: dict[LinkKey, dict[str, tuple[LinkStatement, ...]]] = {}

    async def move(self) -> None:
        """Take along the links of what stands elsewhere now, whichever source states them."""
        standing = self._standing
        places = {standing.before.get(ref, ref) for ref in standing.moved} & standing.rows.keys()
        touched: dict[LinkKey, Link] = {}
        for direction in Direction if places else ():
            found = await self._tx.links_at(places, tuple(RELATIONS), direction)
            touched |= {link.key: link for link in found}
        self.old |= touched
        going = [
            (link.key, place, source, statement)
            for link in touched.values()
            for source, statements in link.statements.items()
            for statement in statements
            if (place := standing.moved_to(link.key, statement.key)) != link.key
        ]
        await self._load({place for _, place, _, _ in going})
        for key, _, source, statement in going:
            self._withdraw(key, source, statement.key)
        for _, place, source, statement in going:
            self._put(place, source, statement)

    async def look_at(self, keys: Collection[LinkKey]) -> None:
        """Take up links as they are."""
        await self._load(keys)
        for key in keys:
            if key in self.old:
                self._at(key)

    async def edit(self, edit: Edit) -> None:
        standing = self._standing
        places = {key: dict.fromkeys((standing.key_before(key), standing.key_after(key))) for key in edit.links}
        await self._load({place for both in places.values() for place in both})
        for key, both in places.items():
            for place in both:
                self._withdraw(place, edit.source, key)
        for statement in edit.links.values():
            if statement:
                self._put(standing.key_after(statement.key), edit.source, statement)

    async def _load(self, keys: Collection[LinkKey]) -> None:
        rows = self._standing.rows
        ends = {end for key in keys for end in (key.source, key.target)} - rows.keys()
        rows.update(await self._tx.entities(ends) if ends else {})
        missing = [key for key in keys if key not in self.old and key.source in rows and key.target in rows]
        self.old |= await self._tx.links(missing) if missing else {}

    def _at(self, key: LinkKey) -> dict[str, tuple[LinkStatement, ...]]:
        if key not in self.said:
            self.said[key] = dict(self.old[key].statements) if key in self.old else {}
        return self.said[key]

    def _withdraw(self, place: LinkKey, source: str, stated: LinkKey) -> None:
        said = self._at(place)
        if source in said:
            left = tuple(row for row in said.pop(source) if row.key != stated)
            if left:
                said[source] = left

    def _put(self, place: LinkKey, source: str, statement: LinkStatement) -> None:
        said = self._at(place)
        others = said.get(source)
        said[source] = tuple(sorted((*others, statement), key=_key_order)) if others else (statement,)


def _key_order(statement: LinkStatement) -> tuple[str, str, str, str]:
    source, relation, target, environment = statement.key
    return source, relation, target, environment or ""


def by_priority(statements: Mapping[str, S], order: SourceOrder) -> Mapping[str, S]:
    return dict(sorted(statements.items(), key=lambda item: order(item[0]))) if len(statements) > 1 else statements


def _entity_in_order(said: Mapping[str, EntityStatement], order: SourceOrder) -> Mapping[str, EntityStatement]:
    return dict(sorted(said.items(), key=lambda item: order.of_statement(*item))) if len(said) > 1 else said


async def each_said(tx: WriteTransaction, source: str) -> AsyncIterator[Said]:
    """Yield all statements of one source, some at a time."""
    said = await tx.said_by(source)
    yield said
    while said.more is not None:
        said = await tx.said_by(source, said.more)
        yield said


async def stated_links(tx: WriteTransaction, source: str, keys: Collection[LinkKey]) -> dict[LinkKey, LinkStatement]:
    """Return what the source says of these links, wherever they stand."""
    rows = await stated_rows(tx, {end for key in keys for end in (key.source, key.target)})
    found = await tx.links(
        {
            key._replace(source=rows[key.source].ref, target=rows[key.target].ref)
            for key in keys
            if key.source in rows and key.target in rows
        }
    )
    said = (row for link in found.values() for row in link.statements.get(source, ()))
    return {row.key: row for row in said if row.key in keys}
