"""Who may see what a write touches, once its effective owners are known."""

from collections.abc import Iterable

from graph_api.catalog.audience import Restriction, audience_of
from graph_api.catalog.copies import altered
from graph_api.catalog.entity import Entity
from graph_api.catalog.ref import Ref
from graph_api.planning.neighbourhood import Neighbourhood


def derive_audiences(around: Neighbourhood, rows: dict[Ref, Entity], restrictions: Iterable[Restriction]) -> None:
    """Derive the audiences of those rows whose own words or owners may have changed."""
    for ref, row in rows.items():
        old = around.old.get(ref)
        if ref in around.merged or old is None or old.owners != row.owners:
            rows[ref] = _with_audience(row, restrictions)


async def derive_pointed_at(
    around: Neighbourhood, rows: dict[Ref, Entity], restrictions: Iterable[Restriction]
) -> None:
    """Derive the audiences of all that nobody states: what links, or owners inferred from CODEOWNERS, point at."""
    await around.load({owner.ref for row in rows.values() for owner in row.owners})
    for ref, row in around.old.items():
        if ref not in rows and not row.declared and (new := _with_audience(row, restrictions)) is not row:
            rows[ref] = new


def _with_audience(row: Entity, restrictions: Iterable[Restriction]) -> Entity:
    audience = audience_of(row, restrictions)
    return row if row.audience == audience else altered(row, audience=audience)
