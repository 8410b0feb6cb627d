"""Rows 21 to 32: documents. tests/web/test_bad_input.py has more of them, against a schema of its own."""

import json
import os
from pathlib import Path

import httpx
import pytest

from tests.attacks.conftest import Target
from tests.attacks.table import FINE, Attack, ask, check, post

INVALID, DEEP, LARGE = "GRAPHQL_INVALID", "TOO_DEEP", "TOO_LARGE"
PAGE_IN_PAGE = "entities(first: 100) { nodes { related(direction: IN, first: 100) { nodes { ref } } } }"


def fan_out(levels: int) -> str:
    fragments = (f"fragment F{n} on Entity {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    return '{ entity(ref: "a:b") { ...F0 } } ' + " ".join(fragments) + f" fragment F{levels} on Entity {{ ref }}"


def deep(levels: int) -> str:
    return '{ entity(ref: "a:b") {' + "systems {" * (levels - 2) + "ref" + "}" * (levels - 1) + "}"


def mutual(count: int) -> str:
    """Fragments of equal fields, each compared with each."""
    names = range(count)
    spread = " ".join(f"...F{n}" for n in names)
    fragments = " ".join(f"fragment F{n} on Entity {{ ref name systems {{ ref name }} }}" for n in names)
    return f'{{ entity(ref: "a:b") {{ {spread} }} }} {fragments}'


def introspection(levels: int) -> str:
    return "{ __schema { types" + " { fields { type" * levels + " { name }" + " } }" * levels + "} }"


ATTACKS = [
    Attack(21, "a fan-out of 2^21", ask(fan_out(21)), 200, LARGE),
    Attack(21, "a fan-out of 2^190", ask(fan_out(190)), 200, LARGE),
    Attack(22, "a fragment in itself", ask("{ ...A } fragment A on Query { ...A }"), 200, INVALID),
    Attack(
        22,
        "fragments in each other",
        ask("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"),
        200,
        INVALID,
    ),
    Attack(
        23,
        "depth in a fragment named __schema",
        ask("{ ...__schema } fragment __schema on Query " + deep(40)),
        200,
        DEEP,
    ),
    *(Attack(24, f"depth {levels}", ask(deep(levels)), 200, DEEP) for levels in (21, 150, 200, 450)),
    Attack(25, "200 inline fragments", ask("{" + "...{" * 200 + "__typename" + "}" * 201), 200, DEEP),
    Attack(25, "300 lists", ask("{ facets(fields: " + "[" * 300 + "]" * 300 + ") { field } }"), 200, DEEP),
    Attack(26, "200 aliases", ask("{" + " ".join(f"a{n}: __typename" for n in range(200)) + "}"), 200, LARGE),
    Attack(26, "300 equal fields", ask("{" + "__typename " * 300 + "}"), 200, LARGE),
    Attack(
        26,
        "an alias spread 100 times",
        ask("{" + "...A " * 100 + "} fragment A on Query { a: __typename }"),
        200,
        LARGE,
    ),
    Attack(
        26,
        "40 large pages of large pages",
        ask("{" + " ".join(f"a{n}: {PAGE_IN_PAGE}" for n in range(40)) + "}"),
        200,
        LARGE,
    ),
    Attack(27, "100 directives on a field", ask("{ __typename " + "@include(if: true) " * 100 + "}"), 200, LARGE),
    Attack(27, "the same directive twice", ask("{ __typename @include(if: true) @include(if: true) }"), 200, INVALID),
    Attack(29, "30 fragments of equal fields", ask(mutual(30)), 200),
    Attack(29, "300 fragments of equal fields", ask(mutual(300)), 200, LARGE),
    Attack(30, "introspection in circles", ask(introspection(5)), 200, INVALID),
    Attack(31, "an unknown fragment", ask("{ ...Nope }"), 200, INVALID),
    Attack(31, "two operations without names", ask("{ __typename } { __typename }"), 200, INVALID),
    Attack(
        31,
        "an unknown operation",
        post(b'{"query": "query A { __typename }", "operationName": "B"}'),
        400,
        "BAD_REQUEST",
    ),
    *(
        Attack(32, f"first: {first}", ask(f"{{ entities(first: {first}) {{ totalCount }} }}"), 200, code)
        for first, code in ((-1, "BAD_PAGE"), (0, "BAD_PAGE"), (101, "BAD_PAGE"), (2147483648, INVALID), ("null", FINE))
    ),
    Attack(32, "first and last", ask("{ entities(first: 1, last: 1) { totalCount } }"), 200, "BAD_PAGE"),
    Attack(
        32,
        "first of 2^63 as a variable",
        ask("query($n: Int) { entities(first: $n) { totalCount } }", n=2**63),
        200,
        "BAD_INPUT",
    ),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_attack(target: Target, attack: Attack) -> None:
    check(attack, target.url)


def test_27_errors_are_few(target: Target) -> None:
    answer = check(Attack(27, "", ask("{" + " ".join(f"nope{n}" for n in range(100)) + "}"), 200, INVALID), target.url)
    assert len(json.loads(answer.body)["errors"]) == 20


def test_31_unknown_names_are_told_in_standard_words(target: Target) -> None:
    answer = check(Attack(31, "", ask("{ ...Nope }"), 200, INVALID), target.url)
    assert json.loads(answer.body)["errors"][0]["message"] == "Unknown fragment 'Nope'."


def test_28_invalid_documents_leave_no_memory_behind(target: Target) -> None:
    """A quick look; the soak in reliability/ looks for longer."""
    with httpx.Client(base_url=target.url) as client:
        for n in range(100):
            _send_invalid(client, n)
        before = _resident(target.pid)
        for n in range(300):
            _send_invalid(client, n)
    assert _resident(target.pid) - before < 20_000_000


def _send_invalid(client: httpx.Client, salt: int) -> None:
    names = " ".join(f"nope{salt}x{n}" for n in range(100))
    assert client.post("/graphql", json={"query": f"{{ {names} }}"}).json()["errors"]


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
