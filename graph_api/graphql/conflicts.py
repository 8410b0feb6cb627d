"""Where sources disagree about one entity."""

from collections.abc import Sequence
from typing import Any

import strawberry

from graph_api.catalog import entity as catalog
from graph_api.catalog.drift import disputed
from graph_api.catalog.merge import DEFAULT_ROLE, SourceOrder, role_of, sources_of_owners
from graph_api.sources.descriptor_links import flag_of

_FIELDS = ("type", "title", "description", "lifecycle", "tier", "tags")


@strawberry.type(description="What one source says.")
class ConflictingValue:
    source: str = strawberry.field(description="The source's name.")
    value: str = strawberry.field(description="What it says, as text; several owners and tags are joined by a comma.")


@strawberry.type(description="A field that sources state differently.")
class Conflict:
    field: str = strawberry.field(description="The field's name.")
    values: list[ConflictingValue] = strawberry.field(
        description="By priority. Of owners, which are compared role by role, the first are in force; of all else what "
        "the declaring source says, if anything: the first of `sources`."
    )


def find_conflicts(entity: catalog.Entity, owned_by: Sequence[catalog.Link], order: SourceOrder) -> list[Conflict]:
    found = [_conflict(field, _stated(entity, field)) for field in _FIELDS]
    found.append(_conflict("active", _stated_active(entity)))
    found.append(_conflict("owners", stated_owners(entity, disputed(owned_by), order)))
    return [conflict for conflict in found if conflict]


def _stated(entity: catalog.Entity, field: str) -> dict[str, Any]:
    values = {source: getattr(statement, field) for source, statement in entity.statements.items()}
    return {source: value for source, value in values.items() if value not in (None, ())}


def _stated_active(entity: catalog.Entity) -> dict[str, str]:
    """Return what each source says. Who says nothing is taken to be active, which is no statement."""
    flags = {source: said.active and flag_of(said.spec.get("active")) for source, said in entity.statements.items()}
    return {source: str(flag).lower() for source, flag in flags.items() if flag is not None}


def stated_owners(entity: catalog.Entity, owned_by: Sequence[catalog.Link], order: SourceOrder) -> dict[str, str]:
    """Return what each source says, as text, with roles other than OWNER; what is in force comes first."""
    owners: dict[str, set[str]] = {source: set() for source in sources_of_owners(entity, owned_by, order)}
    for link in owned_by:
        role = role_of(link.properties)
        for source in link.statements:
            owners[source].add(link.key.target if role == DEFAULT_ROLE else f"{link.key.target} ({role})")
    return {source: ", ".join(sorted(refs)) for source, refs in owners.items()}


def _conflict(field: str, values: dict[str, Any]) -> Conflict | None:
    if len({tuple(sorted(set(value))) if isinstance(value, tuple) else value for value in values.values()}) < 2:
        return None
    texts = {source: ", ".join(value) if isinstance(value, tuple) else str(value) for source, value in values.items()}
    return Conflict(field=field, values=[ConflictingValue(source=source, value=text) for source, text in texts.items()])
