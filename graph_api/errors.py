"""Every error that a client can meet: a stable code, and a message that says what, where and how to mend it."""

from enum import StrEnum
from typing import Any


class ErrorCode(StrEnum):
    BAD_REF = "BAD_REF"
    """A ref that is not of the form kind:namespace/name."""
    NOT_FOUND = "NOT_FOUND"
    """Refs (or a sync) that are neither declared nor pointed at; `refs` names all of them."""
    BAD_CURSOR = "BAD_CURSOR"
    """A cursor that was not made by this field with this filter and sort."""
    BAD_PAGE = "BAD_PAGE"
    """first / last out of range, or both."""
    BAD_INPUT = "BAD_INPUT"
    """An argument that cannot be answered as asked, such as a variable with a date that is none."""
    UNKNOWN_KIND = "UNKNOWN_KIND"
    """A kind that is neither registered nor present in the catalog."""
    TOO_DEEP = "TOO_DEEP"
    """maxDepth above 50, or a document nested too deeply."""
    TOO_LARGE = "TOO_LARGE"
    """A body, batch, document or sync above its limit."""
    BAD_REQUEST = "BAD_REQUEST"
    """A request that is no GraphQL request: broken JSON, wrong types, bad encoding."""
    GRAPHQL_INVALID = "GRAPHQL_INVALID"
    """A document that does not parse or validate against the schema."""
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    """A hash of a document that is not among the trusted ones."""
    UNTRUSTED_DOCUMENT = "UNTRUSTED_DOCUMENT"
    """A document that is not among the trusted ones, where only those are answered."""
    TOO_OLD = "TOO_OLD"
    """`since` is older than the removals that the catalog remembers: read everything again, from 0."""
    CONFLICT = "CONFLICT"
    """expectedRevision is not the entity's revision, or a held plan has changed since."""
    DECLARED_ELSEWHERE = "DECLARED_ELSEWHERE"
    """A removal of what another source states, or a write for a source that another connector feeds."""
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    """The idempotencyKey was used for another write within 24 hours; nothing was written."""
    INVALID = "INVALID"
    """An entity or link that breaks the descriptor format."""
    UNAUTHENTICATED = "UNAUTHENTICATED"
    """No token, or one that is not valid (any more); the answer's status is 401."""
    FORBIDDEN = "FORBIDDEN"
    """What the caller's roles and teams do not allow; nothing was written."""
    RATE_LIMITED = "RATE_LIMITED"
    """The caller asks more often than it may; Retry-After says when to ask again."""
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    """The answer took longer than the deadline; there is no partial answer."""
    UNAVAILABLE = "UNAVAILABLE"
    """The database does not answer, or the server ends; try again."""
    INTERNAL = "INTERNAL"
    """A defect of the server; the log has the details under errorId."""


UNREACHABLE = frozenset({ErrorCode.UNAVAILABLE, ErrorCode.DEADLINE_EXCEEDED})
"""What trying again later may mend."""


class CatalogError(Exception):
    """An error for the client. `details` become further GraphQL extensions."""

    def __init__(self, code: ErrorCode, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


class OvertakenError(CatalogError):
    """Whoever was at the same has been faster, and what this one would write is older."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.CONFLICT, message)


class ReplacedError(CatalogError):
    """The store is not the one that was opened, or is of an earlier time: what is known of it is wrong."""

    def __init__(self, what: str) -> None:
        super().__init__(ErrorCode.UNAVAILABLE, f"{what}, perhaps from a backup; restart the server")


class NoDatabaseError(CatalogError):
    """The server of databases answers, and has none of the name that the settings say."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.UNAVAILABLE, "there is no database of this name; see the setting neo4j_database")
