"""Documents with fragments are measured as the same ones with every fragment written out, which may be exponentially
longer.
"""

import random
import re
from typing import Any

import pytest
from graphql import FieldNode, InlineFragmentNode, OperationDefinitionNode, SelectionSetNode, parse

from graph_api.graphql.cost import estimate
from graph_api.graphql.document_size import find_excess
from graph_api.graphql.limits import Limits
from graph_api.graphql.schema import schema

FRAGMENTS = 6


def random_selection(dice: random.Random, level: int, fragments: int) -> str:
    """Of an entity. It spreads fragments below that number, so that none closes a circle."""
    parts = [dice.choice(["ref", "name", "a: ref", "ref @include(if: true)"])]
    for _ in range(dice.randint(0, 3)):
        if fragments and dice.random() < 0.5:
            parts.append(f"...F{dice.randrange(fragments)}")
        elif level:
            alias = dice.choice(["", "", f"b{dice.randrange(100)}: "])
            parts.append(f"{alias}systems {{ {random_selection(dice, level - 1, fragments)} }}")
    return " ".join(parts)


def written_out(selection: str, bodies: list[str]) -> str:
    return re.sub(r"\.\.\.F(\d+)", lambda spread: f"... {{ {written_out(bodies[int(spread[1])], bodies)} }}", selection)


def counted(selections: SelectionSetNode | None) -> dict[str, int]:
    """Field by field, without a memory."""
    total = {"depth": 0, "fields": 0, "aliases": 0, "directives": 0}
    for node in selections.selections if selections else ():
        assert isinstance(node, FieldNode | InlineFragmentNode)
        inner = counted(node.selection_set)
        is_field = isinstance(node, FieldNode)
        total["depth"] = max(total["depth"], inner["depth"] + is_field)
        total["fields"] += inner["fields"] + is_field
        total["aliases"] += inner["aliases"] + (isinstance(node, FieldNode) and node.alias is not None)
        total["directives"] += inner["directives"] + len(node.directives or ())
    return total


@pytest.mark.parametrize("seed", range(100))
def test_fragments_count_as_if_they_were_written_out(seed: int) -> None:
    dice = random.Random(seed)
    bodies = [random_selection(dice, 2, number) for number in range(FRAGMENTS)]
    selection = f"entities(first: {dice.randint(1, 9)}) {{ nodes {{ {random_selection(dice, 2, FRAGMENTS)} }} }}"
    fragments = " ".join(f"fragment F{number} on Entity {{ {body} }}" for number, body in enumerate(bodies))
    short, long = parse(f"{{ {selection} }} {fragments}"), parse(f"{{ {written_out(selection, bodies)} }}")
    # Fragments that nobody spreads count too.
    sizes = [measured(selection, bodies), *(measured(body, bodies) for body in bodies)]
    most = {name: max(size[name] for size in sizes) for name in sizes[0]}
    for name, count in most.items():
        others: dict[str, Any] = dict.fromkeys(most, 10**9)
        assert find_excess(short, Limits(**(others | {name: count}))) is None
        assert find_excess(short, Limits(**(others | {name: count - 1}))) is not None
    assert estimate(schema._schema, short, None, {}) == estimate(schema._schema, long, None, {})


def measured(selection: str, bodies: list[str]) -> dict[str, int]:
    (operation,) = parse(f"{{ {written_out(selection, bodies)} }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    return counted(operation.selection_set)
