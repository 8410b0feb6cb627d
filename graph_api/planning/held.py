"""A held snapshot as bytes, so that it can be confirmed where its files are not at hand."""

import zlib

import orjson

from graph_api.catalog.snapshot import Snapshot
from graph_api.store.rows import (
    dump_entity_statements,
    dump_link_statements,
    load_entity_statements,
    load_link_statements,
)


def pack(snapshot: Snapshot) -> bytes:
    """Problems are left out: they are on the run already."""
    texts = {
        "source": snapshot.source,
        "connector": snapshot.connector,
        "entities": dump_entity_statements({str(n): said for n, said in enumerate(snapshot.entities.values())}),
        "links": dump_link_statements({str(n): (said,) for n, said in enumerate(snapshot.links.values())}),
        "unreadable": sorted(snapshot.unreadable),
    }
    return zlib.compress(orjson.dumps(texts), level=1)


def unpack(payload: bytes) -> Snapshot:
    texts = orjson.loads(zlib.decompress(payload))
    entities = load_entity_statements(texts["entities"]).values()
    links = load_link_statements(texts["links"]).values()
    return Snapshot(
        source=texts["source"],
        connector=texts["connector"],
        entities={statement.ref: statement for statement in entities},
        links={statement.key: statement for (statement,) in links},
        unreadable=frozenset(texts["unreadable"]),
    )
