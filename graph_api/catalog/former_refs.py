"""Refs that things had before: the annotation `graph-api/former-refs`, and which of them still lead somewhere.

A ref that no source declares, and that exactly one entity states as a former ref of its own kind, stands in that
entity: what still points to it means the entity. Otherwise it is itself: declared anew it is another thing, and where
two entities claim it, nobody can tell which is meant.
"""

import re
from collections.abc import Collection, Iterator, Mapping

from graph_api.catalog.entity import EntityStatement
from graph_api.catalog.ref import BadRefError, Ref, kind_of, parse_ref, split_ref

FORMER_REFS = "graph-api/former-refs"


def former_texts(value: str) -> Iterator[str]:
    """Yield the refs in the value of the annotation, as written."""
    return filter(None, re.split(r"[,\s]+", value))


def former_refs(said: EntityStatement) -> list[Ref]:
    """Return the refs of its kind that the thing had before, as its source says.

    The annotation tells them apart from identifiers of a scheme, such as the `dataset:shop/orders` of OpenLineage.
    """
    value = said.annotations.get(FORMER_REFS)
    if not value:
        return []
    kind, namespace, _ = split_ref(said.ref)
    found = [_parsed(text, kind, namespace) for text in former_texts(value)]
    return [ref for ref in found if ref and kind_of(ref) == kind and ref != said.ref and ref in said.identifiers]


def _parsed(text: str, kind: str, namespace: str) -> Ref | None:
    try:
        return parse_ref(text, kind=kind, namespace=namespace)
    except BadRefError:
        return None


def former_places(statements: Collection[EntityStatement], places: Mapping[Ref, Ref]) -> dict[Ref, Ref]:
    """Return the former refs that stand in an entity, with its ref. `places` are those of stated refs that stand under
    another one; of each former ref, the statements must be all that claim or declare it.
    """
    claims: dict[Ref, set[Ref]] = {}
    for said in statements:
        for ref in former_refs(said):
            claims.setdefault(ref, set()).add(places.get(said.ref, said.ref))
    declared = {said.ref for said in statements} if claims else set()
    return {ref: place for ref, (place, *others) in claims.items() if not others and ref not in declared}
