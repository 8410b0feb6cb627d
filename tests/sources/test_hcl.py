"""HCL: blocks, literals and references with their lines, and no text that breaks or delays the reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_api.sources.hcl import HclError, literal, literals, pairs, read_blocks, references, template_references


def test_blocks_have_types_labels_lines_and_attributes() -> None:
    first, second = read_blocks('# one\nresource "aws_vpc" "main" { cidr = "10.0.0.0/8" }\n\nlocals {\n  a = 1\n}\n')
    assert (first.type, first.labels, first.line) == ("resource", ("aws_vpc", "main"), 2)
    assert literal(first.attributes["cidr"]) == "10.0.0.0/8"
    assert (second.type, second.labels, second.line, list(second.attributes)) == ("locals", (), 4, ["a"])


def test_nested_blocks_are_their_own() -> None:
    (block,) = read_blocks("a {\n  b {\n    c = d.e\n  }\n  f = 1\n}\n")
    assert [inner.type for inner in block.blocks] == ["b"]
    assert list(block.attributes) == ["f"]
    assert references(block.body) == {"d.e"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("aws_vpc.main.id", {"aws_vpc.main"}),
        ("aws_vpc.main[0].id", {"aws_vpc.main"}),
        ("[aws_vpc.a.id, aws_vpc.b.id]", {"aws_vpc.a", "aws_vpc.b"}),
        ('module.net["a.b"].subnets[*].id', {"module.net.subnets"}),
        ("module.net", {"module.net"}),
        ("data.aws_ami.linux.id", {"data.aws_ami.linux"}),
        ("data.aws_ami", set()),
        ("local.a ? var.b : each.value.c", {"local.a", "var.b", "each.value"}),
        ('"x-${aws_vpc.main.id}-${"y${local.z}"}"', {"aws_vpc.main", "local.z"}),
        ('"$${aws_vpc.main.id}"', set()),
        ('"aws_vpc.main" # aws_vpc.other', set()),
        ('merge(local.tags, {\n  Name = "x"\n})', {"local.tags"}),
        ("<<-EOT\n  ${aws_vpc.main.id} aws_vpc.text\n  EOT", {"aws_vpc.main"}),
        ("{ for key, value in var.all : key => value.id }", {"var.all", "value.id"}),
        ("f(x).name.more", set()),
    ],
)
def test_references_are_read_from_expressions(expression: str, expected: set[str]) -> None:
    (block,) = read_blocks(f"b {{\n  a = {expression}\n  last = 1\n}}\n")
    assert list(block.attributes) == ["a", "last"]
    assert references(block.body) == expected


def test_a_line_counts_what_texts_and_comments_span() -> None:
    blocks = read_blocks("/* a\nb */\na {\n  t = <<EOT\none\ntwo\nEOT\n}\nb {}\n")
    assert [block.line for block in blocks] == [3, 9]


def test_literals_are_told_from_expressions() -> None:
    (block,) = read_blocks(
        'b {\n  tags = merge(var.x, { Name = "a", "team" : "b", c = "d-${e.f}", g = "h" == var.i })\n'
        '  list = ["j", "k-${l.m}", n]\n  text = "o${p.q}"\n}\n'
    )
    assert pairs(block.attributes["tags"]) == {"Name": "a", "team": "b"}
    assert literals(block.attributes["list"]) == ["j"]
    assert literal(block.attributes["text"]) is None


def test_texts_of_json_configuration_are_templates() -> None:
    assert template_references("${aws_vpc.main.id}-x") == {"aws_vpc.main"}
    assert template_references("aws_vpc.main") == {"aws_vpc.main"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a {\n", 1),
        ("a {\n  b = [\n", 2),
        ("a {}\n}\n", 2),
        ('a "b\n', 1),
        ("\n= 1\n", 2),
        ("a {\n b = <<EOT\n text\n}\n", 2),
        ("a [1] {}", 1),
        ("a", 1),
        ("b = [" + "[" * 100_000, 1),
        ("a {\n" * 100_000, 100_000),
    ],
)
def test_what_is_no_hcl_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(HclError) as caught:
        read_blocks(text)
    assert caught.value.line == line


def test_a_comment_that_does_not_end_is_the_rest() -> None:
    assert [block.type for block in read_blocks("a {}\n" + "/* x" * 100_000)] == ["a"]


@given(st.text(alphabet='ab.=[]{}()"$%\\\n <E:,#/*', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        blocks = read_blocks(text)
    except HclError:
        return
    for block in blocks:
        references(block.body)
        for tokens in block.attributes.values():
            pairs(tokens)
            literals(tokens)
