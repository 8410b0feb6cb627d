"""Documents that an operator knows: the manifests that clients' build tools write, by the SHA-256 of each text."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from graphql import GraphQLError, parse
from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

PREFIX = "sha256:"


class TrustMode(StrEnum):
    OFF = "off"
    LOG = "log"
    ENFORCE = "enforce"


def load_documents(path: Path) -> dict[str, str]:
    """The texts by their hashes: of one manifest, or of all *.json in a folder. Raises ValueError."""
    if not path.exists():
        raise ValueError(f"there is no {path}")
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    return {hash_: text for file in files for hash_, text in _read(file)}


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read(file: Path) -> Iterator[tuple[str, str]]:
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} is no JSON that can be read") from error
    for hash_, text in _documents(manifest, file).items():
        plain = str(hash_).removeprefix(PREFIX).lower()
        if not isinstance(text, str) or plain != hash_of(text):
            raise ValueError(f"{file}: {hash_} is not the SHA-256 of its document")
        _check_graphql(text, f"{file}: {hash_}")
        yield plain, text


def _check_graphql(text: str, place: str) -> None:
    try:
        parse(text)
    except GraphQLError as error:
        raise ValueError(f"{place} is no GraphQL: {error.message}") from error


def _documents(manifest: Any, file: Path) -> Mapping[Any, Any]:
    """Return the documents by hash, of `{hash: document}` or Apollo's `{"operations": [{"id": hash, "body":
    document}]}`.
    """
    operations = manifest.get("operations") if isinstance(manifest, dict) else None
    if isinstance(operations, list) and all(isinstance(row, dict) for row in operations):
        return {row.get("id"): row.get("body") for row in operations}
    if not isinstance(manifest, dict):
        raise ValueError(f"{file} is no object of documents by their hashes")
    return manifest


def _check(path: Path | None) -> Path | None:
    if path:
        load_documents(path)
    return path


class DocumentSettings(BaseSettings):
    trusted_documents: TrustMode = Field(
        default=TrustMode.OFF,
        description="What happens to documents that are not in `trusted_documents_path`: off, log or enforce.",
    )
    trusted_documents_path: Annotated[Path | None, AfterValidator(_check)] = Field(
        default=None,
        description="A JSON manifest of documents by their SHA-256, or a folder of such; read when the server starts.",
    )
    get_trusted_only: bool = Field(default=False, description="Answer by GET only documents that are trusted.")


def check_documents(values: DocumentSettings) -> None:
    """Raise ValueError for settings that contradict each other."""
    if values.trusted_documents is TrustMode.ENFORCE and not values.trusted_documents_path:
        raise ValueError("trusted_documents: enforce needs trusted_documents_path: without it, all would be refused")
