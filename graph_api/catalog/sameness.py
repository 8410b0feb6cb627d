"""Whether a row says the same as before, whatever its stamps."""

from dataclasses import fields

from graph_api.catalog.entity import Entity, Link

_KEPT = frozenset({"revision", "created_revision", "updated_at"})
_COMPARED = tuple(field.name for field in fields(Entity) if field.name not in _KEPT)


def same_link(link: Link | None, old: Link | None) -> bool:
    """Whether the link, which is given with the revision that it had before, says the same."""
    # Mappings are equal in any order, but that of the sources counts.
    return link == old and (link is None or old is None or tuple(link.statements) == tuple(old.statements))


def same_entity(row: Entity, old: Entity | None) -> bool:
    if row is old:
        return True
    if old is None or any(getattr(row, name) != getattr(old, name) for name in _COMPARED):
        return False
    # Of mappings, that of the sources counts in its order, as above.
    return row.sources == old.sources
