"""Labels of entities: their kind's, and those by which what one source states is found without a look at all others.

An entity has the label of each source that states it or a link that leaves it. Sources share few labels, since a new
name in the database would look like somebody else's write (see names.py); and a label stays when its source says no
more of the entity. So whoever follows them looks at the statements too.
"""

from collections.abc import Iterable
from functools import lru_cache
from zlib import crc32

from graph_api.catalog.entity import Entity, Link
from graph_api.catalog.kinds import BUILT_IN_KINDS
from graph_api.catalog.ref import Ref

KIND_LABELS = {key: kind.name for key, kind in BUILT_IN_KINDS.items()}
SAID_LABELS = tuple(f"Said{number}" for number in range(64))


def kind_labels(row: Entity) -> list[str]:
    return ["Entity", KIND_LABELS[row.kind]] if row.kind in KIND_LABELS else ["Entity"]


@lru_cache(maxsize=4096)
def label_of(source: str) -> str:
    return SAID_LABELS[crc32(source.encode()) % len(SAID_LABELS)]


def labels_by_ref(entities: Iterable[Entity], links: Iterable[Link]) -> dict[Ref, list[str]]:
    """Return the labels of sources, by ref, of these entities and of those that these links leave."""
    found: dict[Ref, set[str]] = {row.ref: set(map(label_of, row.statements)) for row in entities}
    for link in links:
        found.setdefault(link.key.source, set()).update(map(label_of, link.statements))
    return {ref: sorted(labels) for ref, labels in found.items()}
