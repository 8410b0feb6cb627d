"""Where the statements that an edit touches stand: under which ref before it, and under which after it.

Sources' statements keep the refs that the sources gave. Those that are of one thing (catalog/correlation.py) stand
together in one row, under the ref of the highest priority; the other refs are identifiers of that row. So are its
former refs, which stand there as long as nothing else does or may (catalog/former_refs.py).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from graph_api.catalog.correlation import Stated, correlate, joining
from graph_api.catalog.entity import Entity, EntityStatement, LinkKey
from graph_api.catalog.former_refs import former_places, former_refs
from graph_api.catalog.merge import SourceOrder
from graph_api.catalog.ref import Ref
from graph_api.store.protocol import WriteTransaction


@dataclass(frozen=True, slots=True)
class Standing:
    """`rows` are stored ones, by their own refs; `statements` are those after the edit, of all rows involved."""

    rows: dict[Ref, Entity]
    statements: Mapping[Stated, EntityStatement]
    involved: frozenset[Ref]
    """The refs of the rows whose statements are all in `statements`."""
    before: Mapping[Ref, Ref]
    """Refs that stood under another one before the edit, and after it those that do."""
    after: Mapping[Ref, Ref]

    @property
    def moved(self) -> set[Ref]:
        """Return the stated refs that stand elsewhere after the edit."""
        refs = self.before.keys() | self.after.keys()
        return {ref for ref in refs if self.before.get(ref, ref) != self.after.get(ref, ref)}

    def key_before(self, key: LinkKey) -> LinkKey:
        return _placed(key, self.before)

    def key_after(self, key: LinkKey) -> LinkKey:
        return _placed(key, self.after)

    def moved_to(self, key: LinkKey, stated: LinkKey) -> LinkKey:
        """Return the key under which a link that stands at `key` stands after the edit."""
        source, target = self._moved_end(key.source, stated.source), self._moved_end(key.target, stated.target)
        return key._replace(source=source, target=target)

    def _moved_end(self, row: Ref, stated: Ref) -> Ref:
        return self.after.get(stated, stated) if row in self.involved else row


def _placed(key: LinkKey, places: Mapping[Ref, Ref]) -> LinkKey:
    if key.source not in places and key.target not in places:
        return key
    return key._replace(source=places.get(key.source, key.source), target=places.get(key.target, key.target))


async def find_standing(
    tx: WriteTransaction,
    source: str,
    edited: Mapping[Ref, EntityStatement | None],
    ends: Iterable[Ref],
    order: SourceOrder,
    *,
    everything: bool = False,
) -> Standing:
    """Return where statements stand before and after the edit. `edited` are the source's new statements, None for
    withdrawn ones; `ends` those of links that it edits.

    With `everything`, all that stands under `ends` is involved.
    """
    rows = await tx.entities({*edited, *ends})
    involved = {ref for ref in rows if everything or ref in edited}
    await _load_involved(tx, edited, ends, rows, involved, order)
    statements = {
        Stated(name, said.ref): said
        for ref in involved
        for name, said in rows[ref].statements.items()
        if not (name == source and said.ref in edited)
    }
    statements |= {Stated(source, ref): said for ref, said in edited.items() if said}
    return Standing(rows, statements, frozenset(involved), _places_before(rows, involved), _places(statements, order))


def _places_before(rows: Mapping[Ref, Entity], involved: Iterable[Ref]) -> dict[Ref, Ref]:
    """Return the refs that stand in another's row now, with that row's."""
    said = [(ref, statement) for ref in involved for statement in rows[ref].statements.values()]
    places = {statement.ref: ref for ref, statement in said if statement.ref != ref}
    former = former_places([statement for _, statement in said], places)
    # One that has a row was stored before former refs stood anywhere.
    return places | {ref: place for ref, place in former.items() if ref not in rows}


def _places(statements: Mapping[Stated, EntityStatement], order: SourceOrder) -> dict[Ref, Ref]:
    """Return the refs that stand under another one, with that one."""
    sources: dict[Ref, list[str]] = {}
    for stated in statements:
        sources.setdefault(stated.ref, []).append(stated.source)
    groups = correlate({stated: said.identifiers for stated, said in statements.items()}, order.rules)
    places: dict[Ref, Ref] = {}
    for group in groups:
        if len(group) > 1:
            _, first = min((min(map(order, sources[ref])), ref) for ref in group)
            places |= {ref: first for ref in group if ref != first}
    return places | former_places(statements.values(), places)


async def _load_involved(
    tx: WriteTransaction,
    edited: Mapping[Ref, EntityStatement | None],
    ends: Iterable[Ref],
    rows: dict[Ref, Entity],
    involved: set[Ref],
    order: SourceOrder,
) -> None:
    """Add rows that share joining identifiers with what is edited or involved, at any distance; and those that declare
    or claim a former ref of theirs, or are only pointed at by it.
    """
    # What has no row of its own may stand in another's, and so may what is withdrawn.
    wanted: set[str] = {ref for ref in ends if ref not in rows}
    wanted.update(ref for ref, said in edited.items() if said is None or ref not in rows)
    former: set[Ref] = set()
    for ref, said in edited.items():
        if said:
            wanted.update(joining(ref, said.identifiers, order.rules))
            former.update(former_refs(said))
    for ref in involved:
        wanted.update(joining(ref, rows[ref].identifiers, order.rules))
        former.update(_former_refs_of(rows[ref]))
    asked: set[str] = set()
    while wanted := (wanted | former) - asked:
        asked |= wanted
        found = {ref for refs in (await tx.resolve(wanted)).values() for ref in refs} | former
        missing = found - rows.keys()
        rows.update(await tx.entities(missing) if missing else {})
        found = (found & rows.keys()) - involved
        involved |= found
        wanted = {name for ref in found for name in joining(ref, rows[ref].identifiers, order.rules)}
        former = {name for ref in found for name in _former_refs_of(rows[ref])} - asked


def _former_refs_of(row: Entity) -> Iterator[Ref]:
    for said in row.statements.values():
        yield from former_refs(said)
