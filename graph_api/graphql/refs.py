"""Refs and global ids as clients send them, parsed or refused with BAD_REF."""

import base64
import binascii
from collections.abc import Sequence, Sized

from graph_api.catalog.ref import BadRefError, Ref, parse_ref
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.context import Info

MAX_REFS = 1_000


def parse_ref_input(text: str, *, kind: str | None = None) -> Ref:
    try:
        return parse_ref(text, kind=kind)
    except BadRefError as error:
        shown = text[:80].encode(errors="replace").decode()
        raise CatalogError(ErrorCode.BAD_REF, str(error), refs=[shown]) from None


def parse_ref_inputs(texts: list[str], *, kind: str | None = None) -> list[Ref]:
    """Return the refs in the given order, duplicates included."""
    _check_count(texts)
    return [parse_ref_input(text, kind=kind) for text in texts]


def _check_count(texts: Sized) -> None:
    if len(texts) > MAX_REFS:
        raise CatalogError(ErrorCode.TOO_LARGE, f"at most {MAX_REFS:,} refs or ids in one question; got {len(texts):,}")


async def check_exist(info: Info, refs: Sequence[Ref]) -> list[Ref]:
    """The refs that these entities stand under. Raises CatalogError NOT_FOUND that names all refs that nothing
    declares or points to.
    """
    found = await info.context.loaders.entity.load_many(refs)
    missing = sorted({ref for ref, row in zip(refs, found, strict=True) if row is None})
    if missing:
        message = f"nothing declares or points to {', '.join(missing)}" + await _called_so(info, missing)
        raise CatalogError(ErrorCode.NOT_FOUND, message, refs=missing)
    return [row.ref for row in found if row]


async def _called_so(info: Info, refs: Sequence[Ref]) -> str:
    """Return a text of what has one of them as another name, mostly a former one."""
    named = await info.context.loaders.named.load_many(refs)
    told = [f"{ref} is another name of {' and '.join(found)}" for ref, found in zip(refs, named, strict=True) if found]
    return "".join(f"; {text}" for text in told)


def global_id(ref: Ref) -> str:
    return base64.urlsafe_b64encode(f"entity|{ref}".encode()).decode().rstrip("=")


def parse_global_id(id_: str) -> Ref:
    try:
        text = base64.urlsafe_b64decode(id_ + "=" * (-len(id_) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    if not text.startswith("entity|"):
        shown = id_[:80].encode(errors="replace").decode()
        raise CatalogError(ErrorCode.BAD_REF, f"{shown!r} is no id of this server; take it from a field `id`")
    return parse_ref_input(text.removeprefix("entity|"))


def parse_global_ids(ids: Sequence[str]) -> list[Ref]:
    """Return the refs in the given order, duplicates included."""
    _check_count(ids)
    return [parse_global_id(id_) for id_ in ids]
