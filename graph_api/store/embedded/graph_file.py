"""The compact graph in a file beside the catalog's, so that a server starts with it instead of reading everything.

It may be deleted, and is made anew. The catalog's audit log, each record of which depends on all before it, tells
whether the file is of an earlier state of this very catalog.
"""

import logging
import mmap
import sqlite3
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import orjson

from graph_api.replacing import replacing
from graph_api.store.embedded import audit
from graph_api.store.embedded.graph import CODED, LISTED, Coded, Graph, Ranks, Terms
from graph_api.store.embedded.link_columns import variant_of
from graph_api.store.embedded.links import AllLinks, LinkRows, Links
from graph_api.store.embedded.lists import Lists, Patched

Array = npt.NDArray[Any]

_MAGIC = b"graph-api graph 1\n"
"""How the file begins: another layout has another number."""
_ALIGNMENT, _CHECK = 64, 4
"""Bytes: what parts are padded to a multiple of, and the length of the check at the end."""

logger = logging.getLogger(__name__)


def save(conn: sqlite3.Connection, graph: Graph, path: Path) -> None:
    """The graph at the revision of the connection's read transaction. A disk that is full only leaves a message."""
    head = audit.head(conn)
    if not head.sequence:
        return
    store = conn.execute("SELECT store FROM identity").fetchone()[0]
    try:
        _write(path, [store, head.sequence, head.hash], graph)
    except OSError as error:
        logger.info("%s is not written: %s", path, error.strerror)


def restored(conn: sqlite3.Connection, path: Path) -> Graph | None:
    """Return the graph that the file holds of an earlier state of the connection's catalog; None for a file of another
    catalog, or one that is bad or missing.
    """
    try:
        with path.open("rb") as file:
            head, arrays = _read(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
    except (OSError, ValueError, KeyError):
        return None
    store, sequence, hash_ = head["of"]
    known = conn.execute("SELECT i.store, a.hash FROM identity i, audit a WHERE a.sequence = ?", (sequence,)).fetchone()
    return _graph(head, arrays) if known == (store, hash_) else None


def _write(path: Path, of: list[object], graph: Graph) -> None:
    # Its check tells of what a power cut has spoilt.
    with replacing(path, durable=False) as file:
        check = 0
        for part in _parts(of, graph):
            file.write(part)
            check = crc32(part, check)
        file.write(check.to_bytes(_CHECK))


def _parts(of: list[object], graph: Graph) -> Iterator[bytes | memoryview]:
    """Yield what the file consists of; each thing is padded to a multiple of the alignment."""
    arrays = dict(_arrays(graph))
    head = orjson.dumps(
        {
            "of": of,
            "revision": graph.revision,
            "arrays": [(name, array.dtype.str, array.size) for name, array in arrays.items()],
            "texts": {name: graph.coded[name].texts for name in CODED},
            "terms": graph.terms.texts,
            "variants": list(graph.links.variants),
        }
    )
    yield _MAGIC + len(head).to_bytes(_ALIGNMENT - len(_MAGIC))
    for part in chain((head,), (array.tobytes() for array in arrays.values())):
        yield part
        yield bytes(-len(part) % _ALIGNMENT)


def _arrays(graph: Graph) -> Iterator[tuple[str, Array]]:
    yield "present", graph.present
    yield "declared", graph.declared
    yield "by_rank", graph.ranks.by_rank
    yield "term_fields", graph.terms.fields
    for name in CODED:
        yield f"codes {name}", graph.coded[name].codes
    for name in LISTED:
        lists = graph.listed[name].merged(graph.size)
        yield f"starts {name}", lists.starts
        yield f"values {name}", lists.values
    links = graph.links.merged() if graph.links.changed.size else graph.links
    yield from links.base.rows._asdict().items()


def _read(content: memoryview) -> tuple[dict[str, Any], dict[str, Array]]:
    """The head and the arrays. Raises ValueError for what is no such file, or not whole."""
    body = content[:-_CHECK]
    if body[: len(_MAGIC)] != _MAGIC or crc32(body) != int.from_bytes(content[-_CHECK:]):
        raise ValueError
    length = int.from_bytes(body[len(_MAGIC) : _ALIGNMENT])
    head = orjson.loads(body[_ALIGNMENT : _ALIGNMENT + length])
    arrays, at = {}, _ALIGNMENT + _aligned(length)
    for name, type_, size in head["arrays"]:
        arrays[name] = np.frombuffer(body, np.dtype(type_), size, at)
        at += _aligned(arrays[name].nbytes)
    return head, arrays


def _aligned(length: int) -> int:
    return length + -length % _ALIGNMENT


def _graph(head: dict[str, Any], arrays: dict[str, Array]) -> Graph:
    size = arrays["present"].size
    terms = Terms(tuple(head["terms"]), arrays["term_fields"])
    variants = {key: variant_of(key, terms) for key in map(tuple, head["variants"])}
    rows = LinkRows(*(arrays[name] for name in LinkRows._fields))
    return Graph(
        revision=head["revision"],
        present=arrays["present"],
        declared=arrays["declared"],
        ranks=Ranks.of(arrays["by_rank"], size),
        coded={name: Coded(arrays[f"codes {name}"], tuple(head["texts"][name])) for name in CODED},
        listed={name: Patched(Lists(arrays[f"starts {name}"], arrays[f"values {name}"])) for name in LISTED},
        terms=terms,
        links=Links(AllLinks(rows, variants, size), variants, size),
    )
