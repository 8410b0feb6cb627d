"""Refs that an entity had before: what still names them means the entity, unless somebody declares them again."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from graph_api.catalog.entity import Entity, EntityStatement
from graph_api.catalog.ref import BadRefError, Ref, parse_ref, split_ref

FORMER_REFS = "graph-api/former-refs"
"""The annotation: refs with commas or spaces between them; kind and namespace are the entity's own where they lack."""


def former_texts(text: str) -> list[str]:
    return [part for part in re.split(r"[,\s]+", text) if part]


def former_refs(said: EntityStatement) -> set[Ref]:
    """Without those that are none."""
    text = said.annotations.get(FORMER_REFS)
    return _parsed(said.ref, text) if text else set()


def _parsed(ref: Ref, text: str) -> set[Ref]:
    kind, namespace, _ = split_ref(ref)
    found = set()
    for part in former_texts(text):
        try:
            found.add(parse_ref(part, kind=kind, namespace=namespace))
        except BadRefError:
            continue
    return found - {ref}


def claimed(statements: Iterable[tuple[Ref, EntityStatement]]) -> dict[Ref, Ref]:
    """The entities that former refs mean, by the former ref, out of statements with the refs that they stand under.

    None for a ref that somebody declares, and for one that two entities had: it is never guessed.
    """
    stated, claims = set[Ref](), defaultdict[Ref, set[Ref]](set)
    for place, said in statements:
        stated.add(said.ref)
        for former in former_refs(said):
            claims[former].add(place)
    return {ref: min(places) for ref, places in claims.items() if len(places) == 1 and ref not in stated}


def renamed_in(named: Mapping[str, Iterable[Ref]], rows: Mapping[Ref, Entity]) -> dict[Ref, Entity]:
    """Of refs that nobody declares, the rows of what had them before; `named` are rows by identifier."""
    places = {ref for refs in named.values() for ref in refs if ref in rows}
    found = claimed((ref, said) for ref in places for said in rows[ref].statements.values())
    return {ref: rows[place] for ref, place in found.items() if ref in named}
