"""Cycles that are long, or many, take no longer than their links are many."""

import pytest

from graph_api.catalog.cycles import find_cycles
from graph_api.catalog.ref import Ref
from graph_api.catalog.traversal import Cycle


def refs(text: str) -> tuple[Ref, ...]:
    return tuple(Ref(name) for name in text.split())


def find(text: str) -> list[Cycle]:
    """`ab` is a link from a to b."""
    return find_cycles([(Ref(pair[0]), Ref(pair[1])) for pair in text.split()])


@pytest.mark.parametrize(
    ("rule", "pairs", "expected"),
    [
        ("no links", "", []),
        ("no cycle", "ab bc ac", []),
        ("a self link is a cycle of one", "aa ab", [("a", "a a")]),
        ("the way there and back", "ab ba ab", [("a b", "a b a")]),
        ("components in the order of their members", "yx xy ba ab bx", [("a b", "a b a"), ("x y", "x y x")]),
        ("a shorter one elsewhere in the component", "ab bc ca cd dc", [("a b c d", "c d c")]),
        ("a self link is the shortest of all", "ab ba bb", [("a b", "b b")]),
        ("the smallest ref on any shortest one", "db bd ca ac bc cb", [("a b c d", "a c a")]),
        ("members off the shortest one", "ab bc cd da cb", [("a b c d", "b c b")]),
    ],
)
def test_find_cycles(rule: str, pairs: str, expected: list[tuple[str, str]]) -> None:
    assert find(pairs) == [Cycle(refs(members), refs(path)) for members, path in expected], rule


def test_one_long_ring_is_walked_once() -> None:
    names = [Ref(f"n{number:06}") for number in range(50_000)]
    steps: list[None] = []
    (cycle,) = find_cycles(list(zip(names, [*names[1:], names[0]], strict=True)), lambda: steps.append(None))
    assert cycle == Cycle(tuple(names), (*names, names[0]))
    assert len(steps) == 1
