"""Limits of a document and of its answer, on the catalog's own schema: each at the limit, and one over it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from graph_api.settings import Settings
from graph_api.store.embedded.store import EmbeddedStore
from tests.conftest import Run
from tests.graphql.conftest import Client

LIMITS = [
    ("max_depth", 5, "{ catalogSchema { relations { spellings { field } } } }", None),
    ("max_depth", 5, "{ entities { edges { node { systems { domains { ref } } } } } }", "TOO_DEEP"),
    ("max_fields", 10, "{ entities { nodes { " + "ref " * 8 + "} } }", None),
    ("max_fields", 10, "{ entities { nodes { " + "ref " * 9 + "} } }", "TOO_LARGE"),
    ("max_aliases", 2, "{ a: __typename b: __typename }", None),
    ("max_aliases", 2, "{ a: __typename b: __typename c: __typename }", "TOO_LARGE"),
    ("max_directives", 1, "{ __typename @include(if: true) }", None),
    ("max_directives", 1, "{ __typename @include(if: true) b: __typename @skip(if: false) }", "TOO_LARGE"),
    ("max_tokens", 100, "{ __typename }" + "#\n" * 97, None),
    ("max_tokens", 100, "{ __typename }" + "#\n" * 98, "TOO_LARGE"),
    ("max_page", 5, "{ entities(first: 5) { totalCount } }", None),
    ("max_page", 5, "{ entities(first: 6) { totalCount } }", "BAD_PAGE"),
    ("max_page", 5, "{ entities { totalCount } }", None),
    ("max_page", 5, "{ cycles { totalCount } }", None),
    ("max_page", 5, "{ cycles(first: 6) { totalCount } }", "BAD_PAGE"),
    # These are no page.
    ("max_page", 5, '{ paths(from: "component:a", to: "component:b", first: 100) { more } }', "NOT_FOUND"),
    ("max_page", 5, '{ impact(where: {name: {eq: "none"}}) { unowned { ref } } }', None),
    ("max_cost", 100, "{ entities(first: 99) { nodes { ref } } }", None),
    ("max_cost", 100, "{ entities(first: 100) { nodes { ref } } }", "TOO_LARGE"),
]


@contextmanager
def asking(folder: Path, run: Run, **settings: Any) -> Iterator[Client]:
    client = Client(EmbeddedStore(folder / "catalog.db"), run, Settings(insecure_anonymous=True, **settings))
    run(client.start())
    yield client
    run(client.stop())


@pytest.mark.parametrize(("setting", "limit", "query", "expected"), LIMITS)
def test_limits(setting: str, limit: int, query: str, expected: str | None, tmp_path: Path, run: Run) -> None:
    with asking(tmp_path, run, **{setting: limit}) as client:
        answer = client.post(query)
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    assert codes == ({expected} if expected else set())


FILTERS = {
    "entities": ("query($f: EntityFilter) { entities(filter: $f) { totalCount } }", {"tier": {"eq": 1}}),
    "links": (
        'query($f: LinkFilter) { entity(ref: "component:a") { dependents(linkWhere: $f) { totalCount } } }',
        {"confidence": {"lt": 0.5}},
    ),
}


@pytest.mark.parametrize("kind", FILTERS)
@pytest.mark.parametrize(("number", "expected"), [(200, None), (201, "TOO_LARGE"), (2_000, "TOO_LARGE")])
def test_filters_hold_so_many_conditions(
    kind: str, number: int, expected: str | None, tmp_path: Path, run: Run
) -> None:
    query, condition = FILTERS[kind]
    put = 'mutation { putEntities(entities: [{kind: "Component", name: "a"}]) { revision } }'
    with asking(tmp_path, run) as client:
        client.ask(put)
        answer = client.post(query, f={"or": [condition] * number})
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    assert codes == ({expected} if expected else set())


def test_what_a_question_is_given_is_counted_before_it_is_read(tmp_path: Path, run: Run) -> None:
    query = "query($f: EntityFilter) { entities(filter: $f) { totalCount } }"
    with asking(tmp_path, run) as client:
        assert "errors" not in client.post(query, f={"or": [{"tags": {"eq": "a"}}] * 100})
        (error,) = client.post(query, f={"or": [{"no such field": {}}] * 1_000})["errors"]
        assert (error["extensions"]["code"], error["message"][:24]) == ("TOO_LARGE", "The variables of a quest")
        names = [f"component:c{number}" for number in range(1_000)]
        ask = "query($refs: [String!]!) { entities(refs: $refs) { nodes { ref } } }"
        assert "errors" not in client.post(ask, refs=names)


def test_a_question_is_given_so_many_objects_and_no_more(tmp_path: Path, run: Run) -> None:
    """The variables themselves are none; a write is given more."""
    query = "query($f: EntityFilter) { entities(filter: $f) { totalCount } }"
    put = "mutation($it: [EntityInput!]!) { putEntities(entities: $it, dryRun: true) { userErrors { code } } }"

    def refused(query: str, **variables: Any) -> bool:
        return "The variables of a question" in str(client.post(query, **variables))

    with asking(tmp_path, run) as client:
        assert [refused(query, f={"or": [{}] * number}) for number in (1_999, 2_000)] == [False, True]
        assert not refused(put, it=[{"kind": "Component", "name": "c"}] * 2_001)


def test_lists_that_are_longer_than_assumed_end_at_the_limit(tmp_path: Path, run: Run) -> None:
    with asking(tmp_path, run, max_cost=110) as client:
        things = [
            {"kind": "Component", "name": f"c{n}", "spec": {"dependsOn": [f"component:c{(n + 1) % 120}"]}}
            for n in range(120)
        ]
        put = "mutation($it: [EntityInput!]!) { putEntities(entities: $it) { userErrors { message } } }"
        assert client.ask(put, it=things)["putEntities"]["userErrors"] == []
        answer = client.post("{ cycles(first: 1) { nodes { members { ref } } } }")
    assert answer["errors"][0]["extensions"]["code"] == "TOO_LARGE"


def test_the_schema_can_be_hidden_and_typename_never_is(tmp_path: Path, run: Run) -> None:
    for introspection, codes in ((True, ["", "", ""]), (False, ["GRAPHQL_INVALID", "GRAPHQL_INVALID", ""])):
        with asking(tmp_path, run, introspection=introspection) as client:
            queries = ("{ __schema { types { name } } }", '{ __type(name: "Service") { name } }', "{ __typename }")
            answers = [client.post(query) for query in queries]
        found = [answer["errors"][0]["extensions"]["code"] if "errors" in answer else "" for answer in answers]
        assert found == codes


def test_unknown_names_are_compared_with_known_ones_only_if_wanted(tmp_path: Path, run: Run) -> None:
    for wanted in (True, False):
        with asking(tmp_path, run, field_suggestions=wanted) as client:
            field = client.post("{ entiies }")
            value = client.post("query($k: FacetField!) { facets(fields: [$k]) { field } }", k="KIN")
        assert ["Did you mean" in str(answer) for answer in (field, value)] == [wanted, wanted]
