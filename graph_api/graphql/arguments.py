"""Arguments that many fields share, described once."""

from typing import Annotated, TypeAlias

import strawberry
from strawberry.types.arguments import StrawberryArgumentAnnotation

from graph_api.graphql import inputs


def described(description: str) -> StrawberryArgumentAnnotation:
    """Return the annotation that gives an argument its description."""
    return strawberry.argument(description=description)


First: TypeAlias = Annotated[int | None, described("How many, from the start (or after `after`); 20 when left out.")]
After: TypeAlias = Annotated[str | None, described("Only what comes after this cursor.")]
Last: TypeAlias = Annotated[int | None, described("How many, from the end (or before `before`); not beside `first`.")]
Before: TypeAlias = Annotated[str | None, described("Only what comes before this cursor.")]
FilterArgument: TypeAlias = Annotated[inputs.EntityFilter | None, described("Only entities that match.")]
SortArgument: TypeAlias = Annotated[inputs.EntitySort | None, described("By name when left out.")]
Relations: TypeAlias = Annotated[
    list[inputs.RelationName] | None,
    described("Only these relations; all that carry impact when left out."),
]
AllRelations: TypeAlias = Annotated[
    list[inputs.RelationName] | None,
    described("Only these relations; all, also those that carry no impact, when left out."),
]
LinkWhere: TypeAlias = Annotated[inputs.LinkFilter | None, described("Only links that match.")]
Refs: TypeAlias = Annotated[list[str], described("Refs, `kind:namespace/name`; at most 1,000.")]
DryRun: TypeAlias = Annotated[bool, described("Tell what would change, and write nothing.")]
IdempotencyKey: TypeAlias = Annotated[
    str | None,
    described(
        "A text of your own for this write, such as a UUID. Sent again with the same key within 24 hours it is not "
        "done again, and answered as before; with other arguments it is IDEMPOTENCY_MISMATCH. `dryRun` ignores it."
    ),
]
SourceName: TypeAlias = Annotated[str, described("The source that this write speaks for; none that a connector feeds.")]
SourceFilter: TypeAlias = Annotated[str | None, described("Only of this source.")]
