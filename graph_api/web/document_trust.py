"""Which document a request asks for, by its text or its hash, and whether it may."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from graphql import GraphQLError

from graph_api.errors import CatalogError, ErrorCode
from graph_api.trusted_documents import PREFIX, TrustMode, hash_of

logger = logging.getLogger(__name__)


class DocumentRefusedError(CatalogError):
    def __init__(self, status: HTTPStatus, code: ErrorCode, message: str) -> None:
        super().__init__(code, message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentTrust:
    mode: TrustMode = TrustMode.OFF
    documents: Mapping[str, str] = field(default_factory=dict)
    """Texts by hash. What clients send is never added."""
    get_trusted_only: bool = False

    def document(self, text: str | None, extensions: Mapping[str, Any] | None) -> str | None:
        """Return the text to run; None where the request names none. Raises DocumentRefusedError."""
        hash_ = _asked_hash(extensions or {})
        if not text:
            return self._known(hash_) if hash_ else text
        if hash_ and hash_ != hash_of(text):
            message = "The hash is not that of `query`."
            raise DocumentRefusedError(HTTPStatus.BAD_REQUEST, ErrorCode.BAD_REQUEST, message)
        return text

    def _known(self, hash_: str) -> str:
        if hash_ not in self.documents:
            message = "No trusted document has this hash; send the document itself, if the server takes such."
            raise DocumentRefusedError(HTTPStatus.BAD_REQUEST, ErrorCode.PERSISTED_QUERY_NOT_FOUND, message)
        return self.documents[hash_]

    def check(self, text: str, *, by_get: bool, principal: str) -> None:
        """Raise GraphQLError for a document that is not trusted, before anything of it is looked at, whichever way it
        came.
        """
        only_trusted = self.mode is TrustMode.ENFORCE or (self.get_trusted_only and by_get)
        if not only_trusted and self.mode is TrustMode.OFF:
            return
        hash_ = hash_of(text)
        if hash_ in self.documents:
            return
        if only_trusted:
            message = f"This document is not trusted here (SHA-256 {hash_}); its manifest must be given to the server."
            raise GraphQLError(message, extensions={"code": ErrorCode.UNTRUSTED_DOCUMENT})
        logger.info("Document %s of %r is not trusted", hash_, principal)


def _asked_hash(extensions: Mapping[str, Any]) -> str | None:
    """Return the hash that the request names, None where it names none. Raises DocumentRefusedError."""
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return None
    hash_ = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(hash_, str):
        message = "`persistedQuery` must be an object with the string `sha256Hash`."
        raise DocumentRefusedError(HTTPStatus.BAD_REQUEST, ErrorCode.BAD_REQUEST, message)
    return hash_.removeprefix(PREFIX).lower()
