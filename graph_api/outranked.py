"""What is stated in vain, since a source that comes first tells of the same entity."""

from collections.abc import Iterable

from graph_api.catalog.entity import Entity, EntityStatement
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity
from graph_api.planning.restate import Edit

_FIELDS = ("type", "title", "description", "lifecycle", "tier", "tags", "active")


def outranked(edit: Edit, rows: Iterable[Entity]) -> list[Problem]:
    """Of what the edit states, by entities as they are after it: `rows`, which may hold others."""
    owners: dict[Ref, set[Ref]] = {}
    for key, link in edit.links.items():
        if link and key.relation == "OWNED_BY":
            owners.setdefault(key.source, set()).add(key.target)
    # What not everybody sees may be hidden from whoever writes, too.
    shared = (row for row in rows if edit.source in row.sources[1:] and not row.audience)
    stated = ((row, row.statements[edit.source]) for row in shared)
    return [
        _problem(row, said, fields)
        for row, said in stated
        if edit.entities.get(said.ref) and (fields := _in_vain(row, said, owners.get(said.ref, set())))
    ]


def _in_vain(row: Entity, said: EntityStatement, owners: set[Ref]) -> list[str]:
    fields = [name for name in _FIELDS if _tells(said, name) and getattr(said, name) != getattr(row, name)]
    return fields if owners <= set(row.declared_owners) else [*fields, "owner"]


def _tells(said: EntityStatement, name: str) -> bool:
    value = getattr(said, name)
    return not value if name == "active" else value not in (None, ())


def _problem(row: Entity, said: EntityStatement, fields: list[str]) -> Problem:
    first = row.sources[0]
    return Problem(
        code=ProblemCode.OUTRANKED,
        severity=Severity.WARNING,
        message=f"{', '.join(fields)}: without effect as long as {first} tells of {row.ref}, whose word comes first; "
        "change it there, or the order of sources",
        path=said.document,
        ref=row.ref,
    )
