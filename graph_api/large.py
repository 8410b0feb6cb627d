"""A sync of more changes than one plan should hold: planned and written in parts, and one change all the same."""

from dataclasses import dataclass

from graph_api.access.audit import MAX_REFS, Attempt
from graph_api.access.authorize import Reach
from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.merge import SourceOrder
from graph_api.errors import CatalogError, ErrorCode
from graph_api.planning.parts import parts_of
from graph_api.planning.restate import Edit
from graph_api.planning.settle import settle
from graph_api.store.protocol import WriteTransaction
from graph_api.writing import MAX_CHANGES

PART = 20_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """`whole`: statements of the largest edit that is made in one piece; `part`: of a part of a larger one."""

    whole: int = MAX_CHANGES
    part: int = PART


SIZES = Sizes()


def is_large(edit: Edit, by: Attempt, sizes: Sizes) -> bool:
    """Whether it is made in parts. Raises CatalogError TOO_LARGE for who may not change everything: what of it belongs
    to whose teams is only known of a whole.
    """
    count = len(edit.entities) + len(edit.links)
    if count > sizes.whole and by.reach is Reach.OWNED:
        raise CatalogError(
            ErrorCode.TOO_LARGE,
            f"the sync of {edit.source} has {count:,} changes, at most {sizes.whole:,} can be made by who may change "
            "only what its teams own; split the source into several, or sync as admin or ingestor",
        )
    return count > sizes.whole


async def write_parts(tx: WriteTransaction, edit: Edit, order: SourceOrder, at: str, size: int) -> ChangeSet:
    """Write the edit in parts, and return the first of what changes: apply() is to end it."""
    for part in parts_of(edit, size):
        await tx.apply_part(await settle(tx, part, order), at)
    return await tx.applied_parts(None, MAX_REFS)
