import time

import pytest

from graph_api.catalog.snapshot import ProblemCode
from graph_api.sources.parsing import TextError
from graph_api.sources.yaml_documents import MAX_DOCUMENT_DEPTH, MAX_NODES, plain_value, read_yaml

BAD, LARGE = ProblemCode.BAD_YAML, ProblemCode.TOO_LARGE


@pytest.mark.parametrize(
    "text",
    ["no", "Yes", "on", "True", "NULL", "1.10", "0777", "0x1f", "1e3", "-0", "+1", "1_000", "012", "2026-11-23",
     "12:30:45", ".5", "1.", ".inf", "NaN", "9007199254740993", "1" * 5000, "=", "3.14159265358979323846"],
)  # fmt: skip  # a list of words
def test_what_only_looks_like_a_value_stays_the_text_that_was_written(text: str) -> None:
    assert plain_value(text) == text
    assert read_yaml(f"key: {text}")[0].value == {"key": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("false", False), ("", None), ("~", None), ("null", None), ("0", 0), ("-17", -17), ("1.5", 1.5),
     ("9007199254740991", 9007199254740991), ("-0.25", -0.25)],
)  # fmt: skip  # a list of pairs
def test_a_plain_scalar_is_a_value_where_json_writes_it_so(text: str, value: object) -> None:
    read = read_yaml(f"key: {text}")[0].value["key"]
    assert read == value
    assert type(read) is type(value)
    assert read_yaml(f"key: '{text}'")[0].value == {"key": text}


def test_documents_know_the_line_of_every_key_and_item() -> None:
    text = "# head\na: 1\nb:\n  - x\n  - c: [p,\n      q]\n---\n\nd: |\n  two\n  lines\ne: {f: g}\n"
    first, second = read_yaml(text)
    assert first.value == {"a": 1, "b": ["x", {"c": ["p", "q"]}]}
    assert second.value == {"d": "two\nlines\n", "e": {"f": "g"}}
    assert (first.line, second.line) == (2, 9)
    paths: list[tuple[str | int, ...]] = [("a",), ("b",), ("b", 0), ("b", 1, "c"), ("b", 1, "c", 1), ("b", 1, "none")]
    assert [first.line_of(path) for path in paths] == [2, 3, 4, 5, 6, 5]
    assert second.line_of(("e", "f", "deeper", 3)) == 12


def test_json_is_yaml() -> None:
    assert read_yaml('{"a": [1, "1", true, null, {"b": "\\u00e9"}]}')[0].value == {
        "a": [1, "1", True, None, {"b": "é"}]
    }


def test_aliases_and_merge_keys_mean_what_they_stand_for() -> None:
    text = "base: &base {owner: a, tier: 1}\none:\n  <<: *base\n  owner: b\ntwo: *base\n"
    document = read_yaml(text + "three: {<<: [{x: 1}, {x: 2, y: 3}]}")[0]
    base = {"owner": "a", "tier": 1}
    assert document.value == {"base": base, "one": {"owner": "b", "tier": 1}, "two": base, "three": {"x": 1, "y": 3}}
    assert document.line_of(("one", "tier")) == 3


def test_empty_documents_are_none() -> None:
    assert [document.value for document in read_yaml("---\n---\na: b\n---\n# nothing\n")] == [None, {"a": "b"}, None]
    assert read_yaml("") == []


@pytest.mark.parametrize(
    ("text", "code", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3", BAD, 3, "'a' stands twice, first in line 1"),
        ("a: [1", BAD, 2, "not valid YAML"),
        ("a: b: c", BAD, 1, "not valid YAML"),
        ("ok: 1\n---\na: {{ name }}", BAD, 3, "a key must be text"),
        ("? [a, b]\n: c", BAD, 1, "a key must be text"),
        ("a: &x b\n*x : c", BAD, 2, "a key must be text"),
        ("a: !!python/object/apply:os.system [id]", BAD, 1, "python/object"),
        ("a: !!python/name:os.system", BAD, 1, "is not supported"),
        ("a: !Ref b", BAD, 1, "!Ref"),
        ("a: !!binary aGk=", BAD, 1, "binary"),
        ("a: &x [1, *x]", BAD, 1, "inside itself"),
        ("a: *nobody", BAD, 1, "stands for nothing"),
        ("a: &x 1\n---\nb: *x", BAD, 3, "stands for nothing"),
        ("<<: text", BAD, 1, "merge key"),
        ("a: \x07", BAD, None, "not valid YAML"),
        ("a: " + "[" * MAX_DOCUMENT_DEPTH + "]" * MAX_DOCUMENT_DEPTH, LARGE, 1, "nested"),
        ("a: " + "[" * 200_000, LARGE, 1, "nested"),
        ("- " * 100_000, LARGE, 1, "nested"),
        ("{a: " * 100_000, LARGE, 1, "nested"),
        ("a: &x " + "[" * 30 + "]" * 30 + "\nb: " + "[" * 30 + "*x" + "]" * 30, LARGE, 2, "nested"),
        ("\n".join(f"k{n}: v" for n in range(100_000)), LARGE, MAX_NODES // 2, "values"),
        ("---\n" * 20_001, LARGE, 20_001, "20,000 documents"),
        ("a: &x " + "y" * 1_000_000 + "\nb: [" + "*x, " * 1000 + "]", LARGE, 2, "aliases"),
    ],
)  # fmt: skip
def test_a_text_that_breaks_a_rule_is_refused_as_a_whole(
    text: str, code: ProblemCode, line: int | None, message: str
) -> None:
    with pytest.raises(TextError, match=message) as caught:
        read_yaml(text)
    assert (caught.value.code, caught.value.line) == (code, line)


def test_tags_that_one_program_knows_may_be_passed_over() -> None:
    text = "a: !Ref b\nc: !Sub\nd: !vault '1'\ne: !merge [1]\n? !key g\n: !set {h}"
    (document,) = read_yaml(text, any_tags=True)
    assert document.value == {"a": None, "c": None, "d": None, "e": [1], "g": {"h": None}}


@pytest.mark.parametrize(
    "value", ["!override [1]", "!reset null", "!!binary ZGI=", "!!set {a}", "!!python/object/apply:os.system [id]"]
)
def test_tags_that_say_something_to_every_reader_are_never_passed_over(value: str) -> None:
    with pytest.raises(TextError, match="is not supported") as caught:
        read_yaml(f"a: 1\nb: {value}", any_tags=True)
    assert (caught.value.code, caught.value.line) == (BAD, 2)


def test_a_bomb_of_aliases_costs_nothing() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    start = time.process_time()
    with pytest.raises(TextError, match="aliases") as caught:
        read_yaml("\n".join(levels))
    assert caught.value.code is LARGE
    assert time.process_time() - start < 0.5
