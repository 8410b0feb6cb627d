"""A mapping that is on disk answers as one in memory."""

import subprocess
import sys
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graph_api import spool
from graph_api.catalog.entity import LinkKey
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.cli.demo import seeds
from graph_api.sources.reading import read_paths
from graph_api.spool import Spool

TEXTS = st.sampled_from(["", "a", "group:a", "group:b", "groups:a", "user:a", "\U0001f600", "\ud800"])
LINK_KEYS = st.builds(LinkKey, TEXTS.map(Ref), TEXTS, TEXTS.map(Ref), st.none() | TEXTS)
KEYS = TEXTS | LINK_KEYS
STEPS = st.tuples(st.sampled_from(["set", "delete", "ask", "count"]), KEYS, st.integers())


@given(st.lists(STEPS, max_size=40), st.integers(0, 4))
def test_it_is_a_mapping(steps: list[tuple[str, str | LinkKey, int]], in_memory: int) -> None:
    expected: dict[str | LinkKey, int] = {}
    with patch.object(spool, "MOST", in_memory):
        found = Spool[str | LinkKey, int]()
        for step, key, value in steps:
            if step == "set":
                found[key] = expected[key] = value
            elif step == "delete" and key in expected:
                del found[key], expected[key]
            elif step == "count":
                assert len(found) == len(expected)
            assert (found.get(key), key in found) == (expected.get(key), key in expected)
    assert dict(found) == dict(found.items()) == dict(found.in_order()) == dict(found.ordered()) == expected
    assert sorted(found.values()) == sorted(expected.values())
    assert dict(found.in_order("group:")) == {key: expected[key] for key in expected if first(key).startswith("group:")}


def first(key: str | LinkKey) -> str:
    return key if isinstance(key, str) else key.source


@given(st.lists(LINK_KEYS, unique=True))
@example([LinkKey(Ref("a"), "", Ref(""), None), LinkKey(Ref("a"), "", Ref(""), "")])
def test_its_order_is_that_of_the_keys(keys: list[LinkKey]) -> None:
    with patch.object(spool, "MOST", 1):
        on_disk = [key for key, _ in Spool((key, None) for key in keys).in_order()]
    assert on_disk == sorted(keys, key=lambda key: (*key[:3], key.environment is not None, key.environment or ""))
    assert on_disk == [key for key, _ in Spool((key, None) for key in keys).in_order()]


def test_what_is_iterated_over_may_be_replaced() -> None:
    with patch.object(spool, "MOST", 2):
        numbers = Spool((str(number), number) for number in range(10_000))
        for key, number in numbers.items():
            numbers[key] = number + 1
    assert sorted(numbers.values()) == list(range(1, 10_001))
    with pytest.raises(KeyError):
        numbers["absent"]
    with pytest.raises(KeyError):
        del numbers["absent"]


def test_sources_say_the_same_from_disk() -> None:
    in_memory = read_paths([seeds()], source="files:demo")
    with patch.object(spool, "MOST", 0):
        on_disk = read_paths([seeds()], source="files:demo")
        assert [*facts(on_disk)] == [*facts(in_memory)]
    assert any(row.entities for row in in_memory)


def facts(snapshots: list[Snapshot]) -> Iterator[object]:
    for snapshot in snapshots:
        yield snapshot.source, dict(snapshot.entities), dict(snapshot.links), snapshot.problems, snapshot.unreadable


FULL = """
import resource
from graph_api import spool
from graph_api.errors import CatalogError

spool.MOST = 10
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    spool.Spool((str(number), "x" * 10_000) for number in range(4_000))
except CatalogError as error:
    print(error.code, error.message)
"""


def test_a_folder_that_is_full_is_told() -> None:
    ran = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("TOO_LARGE the temporary folder does not take what a large source says")
