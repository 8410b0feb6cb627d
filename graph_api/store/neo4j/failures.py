"""What the database fails with, in our words: without server texts, which can quote data."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from neo4j.exceptions import ClientError, DriverError, Neo4jError

from graph_api.errors import CatalogError, ErrorCode, NoDatabaseError

RETRY_AFTER = 5
"""Seconds after which whoever comes while a write is applied in parts is to ask again."""
SLOW = "a question that is new to a database that has just started takes seconds: ask again, and then for less"


class LockedError(CatalogError):
    """Raised where somebody else writes for too long."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.UNAVAILABLE, "another write is running; try again when it is done")


def closing() -> CatalogError:
    return CatalogError(ErrorCode.UNAVAILABLE, "the catalog is closed")


def being_restored() -> CatalogError:
    message = "a backup is being restored; if nobody is at it any more, restore it again and replace"
    return CatalogError(ErrorCode.UNAVAILABLE, message)


def unsettled() -> CatalogError:
    message = "a large sync is being written and is not whole yet; ask again"
    return CatalogError(ErrorCode.UNAVAILABLE, message, retryAfter=RETRY_AFTER)


@asynccontextmanager
async def our_errors() -> AsyncIterator[None]:
    """Raise the driver's errors as ours, but not those that blame our own statement."""
    try:
        yield
    except (DriverError, Neo4jError) as error:
        code = getattr(error, "code", None) or type(error).__name__
        if "TransactionTimedOut" in code:
            raise CatalogError(
                ErrorCode.DEADLINE_EXCEEDED, f"the question took longer than its deadline; {SLOW}"
            ) from error
        if "DatabaseNotFound" in code:
            raise NoDatabaseError from error
        if isinstance(error, ClientError) and not ("Security" in code or "LockClient" in code or "Transaction" in code):
            raise
        raise CatalogError(ErrorCode.UNAVAILABLE, f"the database does not answer ({code}); try again") from error
