"""`graph-api query`: a document against a store, without a server."""

import json
from pathlib import Path

import pytest

from tests.commands import ask, run, write

COUNT = "{ entities(filter: {declared: true}) { totalCount } }"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_API_STORE", "embedded:catalog.db")


@pytest.mark.parametrize("how", ["argument", "file", "stdin"])
def test_a_query_is_given_in_any_of_three_ways(how: str) -> None:
    run("sync", write("checkout"))
    document = "query Q($ref: String!) { entity(ref: $ref) { name } }"
    Path("query.graphql").write_text(document, encoding="utf-8")
    given = {"argument": [document], "file": ["-f", "query.graphql"], "stdin": []}[how]
    variables = json.dumps({"ref": "component:checkout"})

    result = run("query", *given, "--variables", variables, stdin=document if how == "stdin" else None)

    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {"data": {"entity": {"name": "checkout"}}}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{ nothing }", "GRAPHQL_INVALID"),
        ("{", "GRAPHQL_INVALID"),
        ("{" + " __typename" * 6000 + "}", "TOO_LARGE"),
        ('{ entity(ref: "!") { name } }', "BAD_REF"),
        ("query A { __typename } query B { __typename }", "GRAPHQL_INVALID"),
    ],
)
def test_a_query_with_errors_prints_them_and_fails(document: str, code: str) -> None:
    run("sync", write("checkout"))
    result = run("query", document)
    assert result.exit_code == 1
    assert [error["extensions"]["code"] for error in json.loads(result.stdout)["errors"]] == [code]
    assert result.stderr == ""


@pytest.mark.parametrize("value", ["yesterday", "2026-13-01", "", 5])
def test_a_date_that_is_none_is_told_how_to_write_one(value: object) -> None:
    run("sync", write("checkout"))
    as_literal = f"{{ entities(filter: {{updatedAt: {{gt: {json.dumps(value)}}}}}) {{ totalCount }} }}"
    as_variable = "query($at: DateTime!) { entities(filter: {updatedAt: {gt: $at}}) { totalCount } }"
    for code, result in (
        ("GRAPHQL_INVALID", run("query", as_literal)),
        ("BAD_INPUT", run("query", as_variable, "--variables", json.dumps({"at": value}))),
    ):
        (error,) = json.loads(result.stdout)["errors"]
        assert error["extensions"]["code"] == code
        assert "write 2026-01-31 or 2026-01-31T12:00:00Z" in error["message"]
    assert ask('{ entities(filter: {updatedAt: {gt: "2026-01-31"}}) { totalCount } }')["entities"]["totalCount"] > 0


def test_of_several_operations_one_is_chosen() -> None:
    run("sync", write("checkout"))
    document = "query A { entities { totalCount } } query B { __typename }"
    assert json.loads(run("query", document, "--operation", "B").stdout) == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["subscription { changes { ref } }"], "a subscription needs a server"),
        (["query A { __typename } query B { __typename }", "--operation", "C"], "no such operation"),
        (["fragment F on Query { __typename }"], "no such operation"),
        (["-f", "latin"], "is not text in UTF-8"),
    ],
)
def test_what_cannot_be_asked_is_said_in_short(arguments: list[str], why: str) -> None:
    run("sync", write("checkout"))
    Path("latin").write_bytes('{ entity(ref: "Größe") { name } }'.encode("latin-1"))
    result = run("query", *arguments)
    assert (result.exit_code, why in result.stderr, result.stdout) == (2, True, ""), result.output


def test_a_mutation_writes_whatever_address_a_server_would_bind_to(monkeypatch: pytest.MonkeyPatch) -> None:
    run("sync", write("checkout"))
    monkeypatch.setenv("GRAPH_API_HOST", "0.0.0.0")
    put = 'mutation { putEntities(entities: [{kind: "Component", name: "mine"}]) { userErrors { message } } }'
    assert ask(put) == {"putEntities": {"userErrors": []}}
    assert ask(COUNT) == {"entities": {"totalCount": 2}}
