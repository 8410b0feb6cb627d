"""CODEOWNERS: who owns a path of a repository, by the rules of GitHub or by those of GitLab.

Written from the two hosts' own documentation, where they differ:

|                         | GITHUB                              | GITLAB                                           |
|-------------------------|-------------------------------------|--------------------------------------------------|
| which rules answer      | the last one that matches           | the last one that matches of each section        |
| rule without owners     | nobody owns it                      | the section's default owners, else nobody        |
| `a/b`                   | only at the root                    | at any depth                                     |
| `/docs`                 | the file, or all below the folder   | only an entry of that name; write `/docs/`       |
| `/docs/**`              | all below the folder                | as `/docs/*`: Ruby's fnmatch wants `/docs/**/*`  |
| `[a-z]`, `!path`, `\\#a` | not supported                       | a set, an exclusion, an escape                   |
| ` # text`               | a comment                           | more owners, mostly malformed ones               |
| a malformed owner       | the line is skipped                 | that owner is skipped                            |

Bitbucket Cloud's patterns are those of GitHub. Gitea's are Go regular expressions: neither dialect reads them.

https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
https://docs.gitlab.com/user/project/codeowners/reference/ and https://docs.gitlab.com/user/project/codeowners/advanced/
"""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Self

from graph_api.catalog.codeowners_patterns import github_matcher, gitlab_matcher

# Longer than a file name may be, of a character that none may hold: only a pattern open to any name matches it.
_ANY_FILE = "\0" * 256

_ENTRY = re.compile(r"(?P<pattern>(?:\\.|[^ \t\\])*\\?)(?P<rest>.*)", re.DOTALL)
_HEADING = re.compile(r"\^?\[(?P<name>[^\]]*)\](?:\[(?P<approvals>[^\]]*)\])?(?P<rest>(?:[ \t].*)?)")


class Dialect(StrEnum):
    GITHUB = "GITHUB"
    GITLAB = "GITLAB"


_NAME = r"\w(?:[\w.-]*[\w-])?"
_EMAIL = r"\w[^\s@]*@\w[^\s@]*"
_OWNER = {
    Dialect.GITHUB: re.compile(rf"@{_NAME}(?:/{_NAME})?|{_EMAIL}", re.ASCII),
    Dialect.GITLAB: re.compile(rf"@{_NAME}(?:/{_NAME})*|@@(?:developer|maintainer|owner)s?|{_EMAIL}", re.ASCII),
}

_MATCHERS = {Dialect.GITHUB: github_matcher, Dialect.GITLAB: gitlab_matcher}


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: a pattern as written and its owners as written (`@user`, `@org/team`, `@@role`, e-mail address).

    `owners` holds the section's defaults where the line has none of its own. `section` is None outside of any.
    A GitLab exclusion keeps its leading `!` and has no owners.
    """

    pattern: str
    owners: tuple[str, ...]
    line: int
    section: str | None

    @property
    def excludes(self) -> bool:
        return self.pattern.startswith("!")


@dataclass(frozen=True, slots=True)
class Section:
    """A GitLab section; headings of one name in any case are one section, named as the first of them writes it.

    Whether it is optional, and how many approvals it wants, says nothing of owners and is not kept.
    """

    name: str
    default_owners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """What the host would not read as it was meant; `line` counts from 1."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Match:
    """The rule that decides within a section, or within the whole file (None)."""

    rule: Rule
    section: Section | None

    @property
    def owners(self) -> tuple[str, ...]:
        """The owners by the rule; none where it says that nobody owns the path."""
        return self.rule.owners


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """A CODEOWNERS file; `rules` and `sections` are in file order and hold no line that the host ignores."""

    dialect: Dialect
    rules: tuple[Rule, ...]
    sections: tuple[Section, ...]
    problems: tuple[SyntaxProblem, ...]
    _matchers: tuple[re.Pattern[str], ...] = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str, dialect: Dialect) -> Self:
        """Read a whole file. Never fails: what cannot be read is in `problems`."""
        reader = _Reader(dialect)
        for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
            reader.read(number, line.removesuffix("\r").lstrip(" \t"))
        return cls(
            dialect,
            tuple(reader.rules),
            tuple(reader.sections.values()),
            tuple(reader.problems),
            tuple(reader.matchers),
        )

    def owners(self, path: str) -> tuple[Match, ...]:
        """The deciding rules for a path: on GitHub at most one, on GitLab at most one a section, the unnamed one first.

        `path` is relative to the root of the repository, with `/` between its parts, and is case-sensitive.
        One that ends in `/`, and `""`, is a folder. Hosts own files, not folders, so a folder is answered for
        what lies in it: as a file directly in it would be whose name nobody has thought of. `/docs/` and `/docs/*`
        thus answer for `docs/`; `/docs/*.md` and a rule for a folder below don't.
        """
        file = _file_of(path)
        matching: dict[str | None, list[Rule]] = {}
        for rule, matcher in zip(self.rules, self._matchers, strict=True):
            if matcher.match(file):
                matching.setdefault(rule.section, []).append(rule)
        return tuple(
            Match(rules[-1], section)
            for section in (None, *self.sections)
            if (rules := matching.get(section.name if section else None)) and not any(rule.excludes for rule in rules)
        )


def _file_of(path: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.endswith("/") or not parts:
        parts.append(_ANY_FILE)
    return "/".join(parts)


@lru_cache(maxsize=32)
def parsed(text: str, dialect: Dialect) -> CodeOwners:
    """Return what CodeOwners.parse() does, keeping the latest answers: a file of 20,000 rules takes seconds."""
    return CodeOwners.parse(text, dialect)


class _Reader:
    """What has been read so far, line by line."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.rules: list[Rule] = []
        self.matchers: list[re.Pattern[str]] = []
        self.sections: dict[str, Section] = {}
        self.problems: list[SyntaxProblem] = []
        self._section: str | None = None
        self._defaults: tuple[str, ...] = ()

    def read(self, number: int, line: str) -> None:
        if not line or line.startswith("#"):
            return
        try:
            heading = _HEADING.fullmatch(line) if self.dialect is Dialect.GITLAB else None
            if heading:
                self._read_heading(number, heading)
            elif entry := _ENTRY.fullmatch(line):
                self._read_entry(number, entry["pattern"], entry["rest"])
        except ValueError as error:
            self._complain(number, f"{error}; the line is ignored")

    def _read_heading(self, number: int, heading: re.Match[str]) -> None:
        name = heading["name"].strip()
        if not name:
            raise ValueError("a section needs a name")
        owners = self._owners(number, heading["rest"])
        self._check_approvals(number, heading["approvals"])
        known = self.sections.get(name.casefold(), Section(name, owners))
        self.sections[name.casefold()] = merged = replace(known, default_owners=known.default_owners or owners)
        self._section, self._defaults = merged.name, owners or merged.default_owners

    def _read_entry(self, number: int, pattern: str, rest: str) -> None:
        matcher = _MATCHERS[self.dialect](pattern)
        if self.dialect is Dialect.GITLAB and pattern.startswith("!"):
            owners: tuple[str, ...] = ()
        elif self.dialect is Dialect.GITLAB:
            owners = self._owners(number, rest) if rest.strip() else self._defaults
            if not owners:
                self._complain(number, "the rule has no owners")
        else:
            owners = self._owners(number, rest)
        self.rules.append(Rule(pattern, owners, number, self._section))
        self.matchers.append(matcher)

    def _owners(self, number: int, text: str) -> tuple[str, ...]:
        words = text.split()
        if self.dialect is Dialect.GITHUB:
            comment = next((at for at, word in enumerate(words) if word.startswith("#")), len(words))
            words = words[:comment]
        grammar = _OWNER[self.dialect]
        malformed = next((word for word in words if not grammar.fullmatch(word)), None)
        if malformed:
            message = f"{malformed[:80]!r} is not an owner"
            if self.dialect is Dialect.GITHUB:
                raise ValueError(message)
            self._complain(number, f"{message} and is ignored")
        return tuple(dict.fromkeys(word for word in words if grammar.fullmatch(word)))

    def _check_approvals(self, number: int, text: str | None) -> None:
        if text is not None and not (re.fullmatch("[0-9]{1,9}", text) and int(text)):
            self._complain(number, f"{text[:80]!r} is not a number of approvals from 1; 1 is taken")

    def _complain(self, number: int, message: str) -> None:
        self.problems.append(SyntaxProblem(number, message))
