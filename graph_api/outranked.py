"""What is stated in vain, since a source that comes first tells of the same entity."""

from collections.abc import Iterable

from graph_api.catalog.entity import Entity, EntityStatement, OwnerHow
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity
from graph_api.planning.restate import Edit
from graph_api.standing import stated_rows
from graph_api.store.protocol import WriteTransaction

_FIELDS = ("type", "title", "description", "lifecycle", "tier", "tags", "active")


async def outranked(tx: WriteTransaction, edit: Edit, rows: Iterable[Entity]) -> list[Problem]:
    """Return what the edit states in vain, by entities as they are after it: `rows`, which may hold others."""
    owners: dict[Ref, set[Ref]] = {}
    for key, link in edit.links.items():
        if link and key.relation == "OWNED_BY":
            owners.setdefault(key.source, set()).add(key.target)
    # What not everybody sees may be hidden from whoever writes, too.
    shared = (row for row in rows if edit.source in row.sources[1:] and not row.audience)
    stated = [(row, said) for row in shared if edit.entities.get((said := row.statements[edit.source]).ref)]
    named = {owner for row, said in stated for owner in owners.get(said.ref, set()) - set(row.declared_owners)}
    standing = await stated_rows(tx, named) if named else {}
    return [
        _problem(row, said, source, fields)
        for row, said in stated
        for source, fields in _in_vain(
            row, said, {standing[ref].ref if ref in standing else ref for ref in owners.get(said.ref, ())}
        ).items()
    ]


def _in_vain(row: Entity, said: EntityStatement, owners: set[Ref]) -> dict[str, list[str]]:
    """Return the fields that are stated in vain, by the source whose word comes first."""
    fields = [name for name in _FIELDS if _tells(said, name) and getattr(said, name) != getattr(row, name)]
    found = {row.sources[0]: fields} if fields else {}
    if not owners <= set(row.declared_owners):
        found.setdefault(_source_of_owners(row), []).append("owner")
    return found


def _source_of_owners(row: Entity) -> str:
    told = (owner.evidence[0].source for owner in row.owners if owner.how is OwnerHow.DECLARED)
    return next(told, row.sources[0])


def _tells(said: EntityStatement, name: str) -> bool:
    value = getattr(said, name)
    return not value if name == "active" else value not in (None, ())


def _problem(row: Entity, said: EntityStatement, source: str, fields: list[str]) -> Problem:
    return Problem(
        code=ProblemCode.OUTRANKED,
        severity=Severity.WARNING,
        message=f"{', '.join(fields)}: without effect as long as {source} tells of {row.ref}, whose word comes first; "
        "change it there, or the order of sources",
        path=said.document,
        ref=row.ref,
    )
