"""Where the catalog is now, and whether anybody but graph-api has written to its database."""

import base64
import binascii
from typing import NamedTuple

from graph_api.errors import CatalogError, ErrorCode
from graph_api.store.neo4j import mirror_cypher
from graph_api.store.neo4j.database import Database

SECONDS = 10.0
_ID = slice(19, None)
"""What follows the database's own id in a bookmark."""
_INTEGERS = {0xC8: 1, 0xC9: 2, 0xCA: 4, 0xCB: 8}
"""How many bytes a PackStream integer has, by its marker."""


class Watermark(NamedTuple):
    """`writes`: transactions that programs of ours have counted. `transactions`: all there were. While a write is
    `applying`, what is read is of no revision.
    """

    store: str | None
    revision: int
    restoring: bool
    applying: bool
    begun: int
    ended: int
    writes: int
    transactions: int

    @property
    def is_settled(self) -> bool:
        """Whether nobody is committing or restoring: what readers see is the revision's."""
        return self.begun == self.ended and not self.restoring

    @property
    def foreign(self) -> int:
        """Transactions that nobody counted. Right if `writes` is still the same in a later mark: a transaction is
        counted and seen at once, but somebody may commit between the two looks of one mark.
        """
        return self.transactions - self.writes


async def read_watermark(database: Database) -> Watermark:
    """Return where the catalog is. Raises CatalogError UNAVAILABLE, also where the database does not say how many
    transactions there were.
    """
    rows, bookmark = await database.glance(SECONDS, mirror_cypher.MARK)
    return Watermark(**rows[0], transactions=_transactions(bookmark))


async def count_entities(database: Database) -> int:
    rows, _ = await database.glance(SECONDS, mirror_cypher.SIZE)
    count: int = rows[0]["entities"]
    return count


def _transactions(bookmark: str) -> int:
    """Return the number of the newest transaction that readers see: `FB:` and, in base 64, a PackStream list of the
    database's id, the transaction's and more.
    """
    try:
        number = base64.b64decode(bookmark.removeprefix("FB:"), validate=False)[_ID]
        width = _INTEGERS.get(number[0], 0)
        return int.from_bytes(number[1 : 1 + width] if width else number[:1], "big", signed=True)
    except (binascii.Error, IndexError) as error:
        message = "the database does not say how many transactions it has seen"
        raise CatalogError(ErrorCode.UNAVAILABLE, message) from error
