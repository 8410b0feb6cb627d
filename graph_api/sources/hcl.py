"""HCL (Terraform's language) as far as a catalog needs it: blocks, literal attributes and references, with lines.

Read in one pass and without recursion, so that no text takes long or breaks the stack.

https://developer.hashicorp.com/terraform/language/syntax/configuration
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_TOKENS = 1_000_000

_CODE = re.compile(
    r"(?P<blank>(?:[^\S\n]|#[^\n]*|//[^\n]*|/\*[\s\S]*?(?:\*/|\Z))+)|(?P<newline>\n)"
    r"|<<-?(?P<heredoc>[^\W\d][\w-]*)[^\S\n]*\n|(?P<quote>\")|(?P<name>[^\W\d][\w-]*)|(?P<number>\d\w*)"
    r"|(?P<mark>=>|==|!=|<=|>=|&&|\|\||\.\.\.|[^\s\w\"])"
)
_TEXT = re.compile(r"(?P<chunk>(?:[^\"\\$%\n]|\\.|\$\$\{|%%\{|[$%](?!\{))+)|(?P<open>[$%]\{)|(?P<end>\")")
_TEMPLATE = re.compile(r"(?P<chunk>(?:[^$%]|\$\$\{|%%\{|[$%](?!\{))+)|(?P<open>[$%]\{)")
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_LONGEST_INDEX = 8
"""Tokens between the brackets of `module.name["key"].output`."""


class HclError(Exception):
    """A text that is no HCL, or too much of it, with the line where that shows."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class Token(NamedTuple):
    """`kind`: name, number, mark, newline; quote, chunk, end of a text; open and close of `${...}` in it."""

    kind: str
    text: str
    line: int


Tokens = Sequence[Token]


@dataclass
class Block:
    """`attributes` and `blocks` are its own; `body` is all in an outermost block, nested ones included."""

    type: str
    labels: tuple[str, ...]
    line: int
    body: Tokens = ()
    attributes: dict[str, Tokens] = field(default_factory=dict)
    blocks: list["Block"] = field(default_factory=list)

    def first(self, type_: str) -> "Block | None":
        return next((block for block in self.blocks if block.type == type_), None)


def read_blocks(text: str) -> list[Block]:
    """The outermost blocks. HclError with a line if the text is no HCL."""
    tokens = _read(text, _CODE)
    pending, at = [(Block("", (), 1), 0)], 0
    while at < len(tokens):
        block, start = pending[-1]
        kind, word, line = tokens[at]
        if kind == "newline":
            at += 1
        elif word == "}" and len(pending) > 1:
            pending.pop()
            if len(pending) == 1:
                block.body = tokens[start:at]
            at += 1
        elif kind != "name":
            raise HclError("an attribute or a block is expected here", line)
        elif at + 1 < len(tokens) and tokens[at + 1].text == "=":
            end = _end_of_expression(tokens, at + 2)
            block.attributes[word] = tokens[at + 2 : end]
            at = end
        else:
            labels, at = _labels(tokens, at)
            block.blocks.append(Block(word, labels, line))
            pending.append((block.blocks[-1], at))
    if len(pending) > 1:
        raise HclError("this block is not closed", pending[-1][0].line)
    return pending[0][0].blocks


def references(tokens: Tokens) -> set[str]:
    """What the expressions refer to: `type.name`, `data.type.name`, `module.name.output`, `local.name`, `var.name`."""
    found = set()
    for place, token in enumerate(tokens):
        if token.kind == "name" and (place == 0 or tokens[place - 1].text != "."):
            found.add(reference(_names(tokens, place)))
    return found - {""}


def template_references(text: str) -> set[str]:
    """References of `${...}` in a text, or of the text itself where it is one. HclError if it is no template."""
    return references(_read(text, _TEMPLATE if "{" in text else _CODE))


def reference(names: Sequence[str]) -> str:
    """The address that the names of a traversal begin with; "" if they name nothing of a configuration."""
    length = 3 if names[:1] in (["data"], ["module"]) else 2
    return ".".join(names[:length]) if len(names) >= (2 if names[:1] == ["module"] else length) else ""


def literal(tokens: Tokens | None) -> str | None:
    """The text of an expression that is just that."""
    if tokens and len(tokens) == 3 and [token.kind for token in tokens] == ["quote", "chunk", "end"]:
        return tokens[1].text
    return None


def literals(tokens: Tokens) -> list[str]:
    """The texts in an expression that hold no `${...}`."""
    return [
        token.text
        for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False)
        if (before.kind, token.kind, after.kind) == ("quote", "chunk", "end")
    ]


def pairs(tokens: Tokens) -> dict[str, str]:
    """Keys and values, both literal, of the objects in an expression."""
    words = [token for token in tokens if token.kind not in ("quote", "end", "newline")]
    kinds = {"name", "chunk"}
    found = {}
    for key, mark, value, after in zip(words, words[1:], words[2:], [*words[3:], None], strict=False):
        ends = after is None or after.kind in kinds or after.text in (",", "}", ")")
        if key.kind in kinds and mark.text in ("=", ":") and value.kind == "chunk" and ends:
            found[key.text] = value.text
    return found


def _names(tokens: Tokens, place: int) -> list[str]:
    """The names of a traversal, indexes left out."""
    names = [tokens[place].text]
    while len(names) < 3 and place + 1 < len(tokens):
        if tokens[place + 1].text == "[" and len(names) > 1:
            ends = range(place + 2, min(place + 2 + _LONGEST_INDEX, len(tokens)))
            place = next((end for end in ends if tokens[end].text == "]"), len(tokens))
        elif tokens[place + 1].text == "." and place + 2 < len(tokens) and tokens[place + 2].kind == "name":
            names.append(tokens[place + 2].text)
            place += 2
        else:
            break
    return names


def _labels(tokens: Tokens, at: int) -> tuple[tuple[str, ...], int]:
    """The labels of the block that is named here, and where its body begins."""
    labels: list[str] = []
    for place in range(at + 1, len(tokens)):
        kind, word, line = tokens[place]
        if word == "{" and kind == "mark":
            return tuple(labels), place + 1
        if kind in ("name", "chunk"):
            labels.append(word)
        elif kind not in ("quote", "end"):
            raise HclError("an attribute or a block is expected here", line)
    raise HclError("the file ends within a block", tokens[at].line)


def _end_of_expression(tokens: Tokens, at: int) -> int:
    depth = 0
    for place in range(at, len(tokens)):
        kind, word, _ = tokens[place]
        if kind == "open" or (kind == "mark" and word in _OPENING):
            depth += 1
        elif kind == "close" or (kind == "mark" and word in _CLOSING):
            depth -= 1
        if depth < 0 or (kind == "newline" and depth == 0):
            return place
    if depth:
        raise HclError("a bracket is not closed", tokens[at - 1].line)
    return len(tokens)


def _read(text: str, first: "re.Pattern[str]", line: int = 1) -> list[Token]:
    tokens: list[Token] = []
    for token in _tokens(text, first, line):
        if len(tokens) >= MAX_TOKENS:
            raise HclError(f"more than {MAX_TOKENS:,} words and signs", token.line)
        tokens.append(token)
    return tokens


def _tokens(text: str, first: "re.Pattern[str]", line: int) -> Iterator[Token]:
    modes, depths, at = [first], [0], 0
    while at < len(text):
        match = modes[-1].match(text, at)
        if match is None:
            raise HclError("this is no HCL", line)
        kind, begin, at = match.lastgroup or "", at, match.end()
        word = match[kind]
        if kind == "heredoc":
            end = re.compile(rf"^[^\S\n]*{re.escape(word)}[^\S\n]*$", re.MULTILINE).search(text, at)
            if end is None or first is not _CODE:
                raise HclError(f"the text <<{word} is not closed, or stands in another", line)
            yield from _tokens(text[at : end.start()], _TEMPLATE, line + 1)
            at = end.end()
        elif kind != "blank":
            yield Token("close" if _closes(word, modes, depths) else kind, word, line)
            _switch(kind, word, modes, depths)
        line += text.count("\n", begin, at)


def _closes(word: str, modes: "Sequence[re.Pattern[str]]", depths: Sequence[int]) -> bool:
    return word == "}" and modes[-1] is _CODE and len(depths) > 1 and depths[-1] == 0


def _switch(kind: str, word: str, modes: "list[re.Pattern[str]]", depths: list[int]) -> None:
    if kind == "quote":
        modes.append(_TEXT)
    elif kind == "open":
        modes.append(_CODE)
        depths.append(0)
    elif kind == "end":
        modes.pop()
    elif _closes(word, modes, depths):
        modes.pop()
        depths.pop()
    elif kind == "mark" and word in "{}":
        depths[-1] += 1 if word == "{" else -1
