"""A held snapshot as bytes, so that it can be confirmed where its files are not at hand.

They are gzip of lines: what is said of the whole, then statements, some on each. Neither way needs more memory for more
statements than the bytes themselves.
"""

import gzip
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import islice
from typing import TypeVar

import orjson

from graph_api.catalog.entity import EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.spool import Spool
from graph_api.store.rows import (
    dump_entity_statements,
    dump_link_statements,
    load_entity_statements,
    load_link_statements,
)

_LINE = 500
"""Statements on a line."""
_ENTITIES, _LINKS = b"E", b"L"
_GZIP = b"\x1f\x8b"

S = TypeVar("S")


def pack(snapshot: Snapshot) -> bytes:
    """Return the snapshot as bytes. Problems are left out: they are on the run already."""
    packed = BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as file:
        for line in _lines(snapshot):
            file.write(line + b"\n")
    return packed.getvalue()


def unpack(payload: bytes) -> Snapshot | None:
    """Return the snapshot that pack() made bytes of; None if another version has packed it."""
    if not payload.startswith(_GZIP):
        return None
    entities, links = Spool[Ref, EntityStatement](), Spool[LinkKey, LinkStatement]()
    with gzip.GzipFile(fileobj=BytesIO(payload)) as file:
        whole = orjson.loads(file.readline())
        for line in file:
            text = line[1:].decode()
            if line.startswith(_ENTITIES):
                entities.update((said.ref, said) for said in load_entity_statements(text).values())
            else:
                links.update((said.key, said) for (said,) in load_link_statements(text).values())
    return Snapshot(
        source=whole["source"],
        connector=whole["connector"],
        entities=entities,
        links=links,
        unreadable=frozenset(whole["unreadable"]),
    )


def _lines(snapshot: Snapshot) -> Iterator[bytes]:
    """Yield the lines; JSON has no end of a line within a value."""
    unreadable = sorted(snapshot.unreadable)
    yield orjson.dumps({"source": snapshot.source, "connector": snapshot.connector, "unreadable": unreadable})
    for entities in _numbered(snapshot.entities.values()):
        yield _ENTITIES + dump_entity_statements(entities).encode()
    for links in _numbered(snapshot.links.values()):
        yield _LINKS + dump_link_statements({number: (said,) for number, said in links.items()}).encode()


def _numbered(statements: Iterable[S]) -> Iterator[dict[str, S]]:
    iterator = iter(statements)
    while some := list(islice(iterator, _LINE)):
        yield {str(number): said for number, said in enumerate(some)}
