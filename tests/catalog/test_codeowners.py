import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_api.catalog.codeowners import CodeOwners, Dialect, Match, Rule, Section, SyntaxProblem
from graph_api.catalog.codeowners_patterns import MAX_PATTERN

GITHUB, GITLAB = Dialect.GITHUB, Dialect.GITLAB


def owners_of(text: str, dialect: Dialect, path: str) -> dict[str | None, tuple[str, ...]]:
    """Owners by section name, None for rules outside of any."""
    matches = CodeOwners.parse(text, dialect).owners(path)
    return {match.section.name if match.section else None: match.owners for match in matches}


def matches(pattern: str, dialect: Dialect, path: str) -> bool:
    return bool(CodeOwners.parse(f"{pattern} @someone", dialect).owners(path))


GITHUB_PATTERNS = [
    ("*", "README.md docs/a/b.md .env", ""),
    ("**", "README.md docs/a/b.md", ""),
    ("*.py", "setup.py src/shop/cart.py .py", "src/cart.pyc src/py"),
    ("Makefile", "Makefile src/Makefile Makefile/inner", "Makefile.old makefile src/GNUMakefile"),
    ("/Makefile", "Makefile Makefile/inner", "src/Makefile"),
    ("apps/", "apps/x apps/x/y src/apps/x", "apps src/apps myapps/x"),
    ("/apps/", "apps/x apps/x/y", "apps src/apps/x"),
    ("src/shop", "src/shop src/shop/cart.py", "lib/src/shop src/shopping"),
    ("src/shop/", "src/shop/cart.py", "src/shop lib/src/shop/cart.py"),
    ("docs/*", "docs/index.md docs/.hidden", "docs docs/api/index.md a/docs/index.md"),
    ("/*", "README.md", "docs/README.md"),
    ("/*/", "docs/README.md docs/api/x", "README.md"),
    ("/svc-*", "svc-a svc-a/main.go svc-/x/y", "svc a/svc-a"),
    ("docs/*.md", "docs/index.md", "docs/api/index.md docs/index.mdx"),
    ("*/go.sum", "api/go.sum", "go.sum a/b/go.sum"),
    ("src/*/test", "src/a/test src/a/test/x", "src/test src/a/b/test"),
    ("**/logs", "logs build/logs build/x/logs/y", "blogs logs.txt"),
    ("docs/**", "docs/a docs/a/b", "docs a/docs/b"),
    ("docs/**/img", "docs/img docs/a/img docs/a/b/img/x.png", "img docs/a/imgs a/docs/img"),
    ("docs/**/", "docs/a docs/a/b", "docs"),
    ("/docs/**/a*/*.md", "docs/api/x.md docs/v1/abc/x.md", "docs/x.md docs/api/x/y.md"),
    ("a**b", "ab axxb", "a/b a/x/b"),
    ("v?.txt", "v1.txt x/v2.txt", "v.txt v10.txt v/.txt"),
    (r"a\*b", "a*b", "axb"),
    (r"dir/a\#b", "dir/a#b", r"dir/a\#b"),
    (r"app/\[id\]", "app/[id] app/[id]/page.tsx", "app/i"),
    ("a.b+c(d)$", "a.b+c(d)$", "axb+c(d)$"),
]

GITLAB_PATTERNS = [
    ("*", "README.md docs/a/b.md .gitlab-ci.yml", ""),
    ("*.rb", "app.rb lib/a/.b.rb", "app.rbx"),
    ("README.md", "README.md a/b/README.md", "README.md.bak"),
    ("/README.md", "README.md", "a/README.md"),
    ("internal/README.md", "internal/README.md docs/api/internal/README.md", "internal/a/README.md"),
    ("docs", "docs a/docs", "docs/index.md"),
    ("/docs", "docs", "docs/index.md a/docs"),
    ("docs/", "docs/a docs/a/b src/docs/a", "docs src/docs"),
    ("/docs/", "docs/a docs/a/b", "docs src/docs/a"),
    ("/", "a a/b", ""),
    ("/docs/*", "docs/a", "docs docs/a/b"),
    ("/docs/**", "docs/a", "docs/a/b"),
    ("/docs/**/*", "docs/a docs/a/b", "docs"),
    ("/docs/**/index.md", "docs/index.md docs/a/b/index.md", "index.md a/docs/index.md"),
    ("/docs/*/README.md", "docs/api/README.md", "docs/README.md docs/a/b/README.md"),
    ("/docs/*spec*", "docs/spec docs/my_specs.rb", "docs/spec/x docs/spce"),
    ("/lib/[a-c]?.rb", "lib/ax.rb lib/cc.rb", "lib/dx.rb lib/a.rb lib/a/x.rb"),
    ("/lib/[!a-c].rb", "lib/d.rb", "lib/a.rb lib/.rb"),
    ("/lib/x[^0-9]y", "lib/xay", "lib/x1y lib/x/y"),
    (r"/lib/[\]\-]", "lib/] lib/-", r"lib/\ lib/a"),
    ("/a[+-9]b", "a+b a5b", "a/b"),
    (r"\#file.rb", "#file.rb a/#file.rb", "file.rb"),
    (r"\!important", "!important", "important"),
    ("{a,b}", "{a,b}", "a b"),
]


@pytest.mark.parametrize(
    ("dialect", "pattern", "hits", "misses"),
    [(GITHUB, *row) for row in GITHUB_PATTERNS] + [(GITLAB, *row) for row in GITLAB_PATTERNS],
)
def test_a_pattern_matches_as_its_host_documents(dialect: Dialect, pattern: str, hits: str, misses: str) -> None:
    for path in hits.split():
        assert matches(pattern, dialect, path), path
    for path in misses.split():
        assert not matches(pattern, dialect, path), path


@pytest.mark.parametrize("dialect", Dialect)
def test_a_pattern_may_be_as_long_as_a_path(dialect: Dialect) -> None:
    assert matches("x" * MAX_PATTERN, dialect, "x" * MAX_PATTERN)
    assert not matches("x" * (MAX_PATTERN + 1), dialect, "x" * (MAX_PATTERN + 1))


@pytest.mark.parametrize("dialect", Dialect)
def test_a_backslash_keeps_a_space_in_the_pattern(dialect: Dialect) -> None:
    assert matches(r"/path\ with\ spaces/", dialect, "path with spaces/a")
    assert not matches(r"/path\ with\ spaces/", dialect, "path/a")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", ("@root",)),
        ("/", ("@root",)),
        ("docs/", ("@docs",)),
        ("docs//", ("@docs",)),
        ("/docs/", ("@docs",)),
        ("docs/api/", ("@docs",)),
        ("docs/api/v1/", ("@v1",)),
        ("./docs/index.md", ("@writers",)),
        ("src/", ("@src",)),
        ("src/deep/", ("@root",)),
        ("shop/", ("@root",)),
        ("shop/x/", ("@root",)),
    ],
)
@pytest.mark.parametrize("dialect", Dialect)
def test_a_folder_has_the_owners_of_any_file_directly_in_it(
    dialect: Dialect, path: str, expected: tuple[str, ...]
) -> None:
    text = "* @root\n/docs/ @docs\n/docs/*.md @writers\n/docs/api/v1/ @v1\n/src/* @src\nshop/? @short\nshop/x @file\n"
    if dialect is GITHUB and path == "shop/x/":
        expected = ("@file",)  # the one place where the hosts differ: GitHub's pattern names the folder too
    assert owners_of(text, dialect, path) == {None: expected}


def test_on_github_the_last_match_wins_and_a_rule_without_owners_frees_the_path() -> None:
    text = """\
* @acme/all

  # a comment
/apps/\t@ann  docs@acme.example #why
/apps/free # nobody
*.md @acme/w_r @Ann @Ann\r
"""
    file = CodeOwners.parse(text, GITHUB)
    assert (file.sections, file.problems) == ((), ())
    assert file.rules == (
        Rule("*", ("@acme/all",), 1, None),
        Rule("/apps/", ("@ann", "docs@acme.example"), 4, None),
        Rule("/apps/free", (), 5, None),
        Rule("*.md", ("@acme/w_r", "@Ann"), 6, None),
    )
    decided = {path: file.owners(path) for path in ("a", "apps/a", "apps/free/a", "apps/free/a.md")}
    assert decided == {path: (Match(rule, None),) for path, rule in zip(decided, file.rules, strict=True)}


@pytest.mark.parametrize(
    ("line", "about"),
    [
        ("!docs @ann", "!"),
        (r"\#docs @ann", r"\#"),
        ("docs/[ab].md @ann", "[ ]"),
        ("docs/ab].md @ann", "[ ]"),
        ("[Section] @ann", "[ ]"),
        ("docs ann", "'ann'"),
        ("docs @ann, @bob", "'@ann,'"),
        ("docs @a/b/c", "'@a/b/c'"),
        ("docs @@developer", "'@@developer'"),
        ("docs @ann#comment", "'@ann#comment'"),
        ("docs @", "'@'"),
        ("docs ann@", "'ann@'"),
        ("/ @ann", "names no path"),
        ("docs\\", "\\ needs"),
        ("\\", "\\ needs"),
        ("x" * (MAX_PATTERN + 1) + " @ann", "characters"),
    ],
)
def test_github_ignores_a_line_that_it_cannot_read(line: str, about: str) -> None:
    file = CodeOwners.parse(f"\ufeff* @all\n{line}\n", GITHUB)
    assert [rule.line for rule in file.rules] == [1]
    (problem,) = file.problems
    assert problem.line == 2
    assert about in problem.message
    assert problem.message.endswith("; the line is ignored")


SECTIONS = """\
* @admin
README.md @top

[Docs][2] @docs @writers
docs/
README.md
docs/legal.md @legal

^[Go]
*.go @gophers

[DOCS]
/docs/api/ @api
guide/

^[Db][x] dba @dba
db/
"""


def test_gitlab_sections_are_merged_by_name_and_give_default_owners() -> None:
    file = CodeOwners.parse(SECTIONS, GITLAB)
    assert file.sections == (
        Section("Docs", default_owners=("@docs", "@writers")),
        Section("Go", default_owners=()),
        Section("Db", default_owners=("@dba",)),
    )
    assert [(rule.pattern, rule.owners) for rule in file.rules if rule.section == "Docs"] == [
        ("docs/", ("@docs", "@writers")),
        ("README.md", ("@docs", "@writers")),
        ("docs/legal.md", ("@legal",)),
        ("/docs/api/", ("@api",)),
        ("guide/", ("@docs", "@writers")),
    ]
    assert file.problems == (
        SyntaxProblem(16, "'dba' is not an owner and is ignored"),
        SyntaxProblem(16, "'x' is not a number of approvals from 1; 1 is taken"),
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("main.c", {None: ("@admin",)}),
        ("main.go", {None: ("@admin",), "Go": ("@gophers",)}),
        ("a/README.md", {None: ("@top",), "Docs": ("@docs", "@writers")}),
        ("docs/legal.md", {None: ("@admin",), "Docs": ("@legal",)}),
        ("docs/api/x.go", {None: ("@admin",), "Docs": ("@api",), "Go": ("@gophers",)}),
        ("db/x.sql", {None: ("@admin",), "Db": ("@dba",)}),
    ],
)
def test_on_gitlab_the_last_match_of_each_section_counts(
    path: str, expected: dict[str | None, tuple[str, ...]]
) -> None:
    found = owners_of(SECTIONS, GITLAB, path)
    assert list(found.items()) == list(expected.items())


@pytest.mark.parametrize(
    ("approvals", "problems"),
    [
        ("1", []),
        ("999999999", []),
        ("0", ["'0' is not a number of approvals from 1; 1 is taken"]),
        ("", ["'' is not a number of approvals from 1; 1 is taken"]),
    ],
)
def test_a_section_wants_one_approval_at_least(approvals: str, problems: list[str]) -> None:
    file = CodeOwners.parse(f"[A][{approvals}] @x\none\n", GITLAB)
    assert [problem.message for problem in file.problems] == problems
    assert file.sections == (Section("A", default_owners=("@x",)),)


def test_a_section_has_the_default_owners_of_its_first_heading_that_names_any() -> None:
    (section,) = CodeOwners.parse("^[A]\n[a][3] @x\n^[A][2] @y\n", GITLAB).sections
    assert section == Section("A", default_owners=("@x",))


def test_the_owners_of_a_repeated_heading_are_the_defaults_below_it() -> None:
    text = "[A] @x\none\n[a] @y\ntwo\n"
    assert owners_of(text, GITLAB, "one") == {"A": ("@x",)}
    assert owners_of(text, GITLAB, "two") == {"A": ("@y",)}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.py", {None: ("@all",)}),
        ("pom.xml", {}),
        ("a.rb", {None: ("@all",), "Ruby": ("@ruby",)}),
        ("config/routes.rb", {None: ("@all",)}),
        ("config/", {None: ("@all",)}),
    ],
)
def test_a_gitlab_exclusion_is_final_within_its_section(path: str, expected: dict[str | None, tuple[str, ...]]) -> None:
    text = """\
* @all
!pom.xml  # by a machine
pom.xml @late

[Ruby]
*.rb @ruby
!/config/**/*.rb
/config/routes.rb @ops
"""
    file = CodeOwners.parse(text, GITLAB)
    assert owners_of(text, GITLAB, path) == expected
    assert [(rule.pattern, rule.owners) for rule in file.rules if rule.excludes] == [
        ("!pom.xml", ()),
        ("!/config/**/*.rb", ()),
    ]
    assert file.problems == ()


@pytest.mark.parametrize(
    ("line", "owners", "problems"),
    [
        ("x @g/sub/sub.group @u_1 ann@acme.example", ("@g/sub/sub.group", "@u_1", "ann@acme.example"), ()),
        (
            "x @@developer @@Owners @@owners",
            ("@@developer", "@@owners"),
            ("'@@Owners' is not an owner and is ignored",),
        ),
        ("x @g name @u", ("@g", "@u"), ("'name' is not an owner and is ignored",)),
        ("x @g # and @u", ("@g", "@u"), ("'#' is not an owner and is ignored",)),
        ("x name", (), ("'name' is not an owner and is ignored", "the rule has no owners")),
        ("x", (), ("the rule has no owners",)),
    ],
)
def test_gitlab_keeps_the_well_formed_owners_of_a_line(
    line: str, owners: tuple[str, ...], problems: tuple[str, ...]
) -> None:
    file = CodeOwners.parse(f"* @all\n{line}", GITLAB)
    assert owners_of(f"* @all\n{line}", GITLAB, "x") == {None: owners}
    assert file.problems == tuple(SyntaxProblem(2, problem) for problem in problems)


def test_the_default_owners_of_a_section_are_not_those_of_a_line_that_names_some_malformed() -> None:
    assert owners_of("[A] @x\none name\ntwo", GITLAB, "one") == {"A": ()}
    assert owners_of("[A] @x\none name\ntwo", GITLAB, "two") == {"A": ("@x",)}


@pytest.mark.parametrize("heading", ["[Broken", "^[Broken", "[]", "[ ] @x", "[z-a]x @x", "! @x"])
def test_a_heading_or_pattern_that_gitlab_cannot_read_leaves_the_section_as_it_was(heading: str) -> None:
    file = CodeOwners.parse(f"[Docs]\na @a\n{heading}\nb @b\n", GITLAB)
    assert [(rule.pattern, rule.section) for rule in file.rules] == [("a", "Docs"), ("b", "Docs")]
    assert [problem.line for problem in file.problems] == [3]


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "   \r\n"])
def test_a_file_that_says_nothing_owns_nothing(text: str, dialect: Dialect) -> None:
    file = CodeOwners.parse(text, dialect)
    assert (file.rules, file.sections, file.problems, file.owners("a")) == ((), (), (), ())


def naive(parts: list[str], names: list[str]) -> bool:
    """Globs by trying everything; `**` stands for any number of names."""
    if not parts:
        return not names
    if parts[0] == "**":
        return naive(parts[1:], names) or (bool(names) and naive(parts, names[1:]))
    return bool(names) and naive_name(parts[0], names[0]) and naive(parts[1:], names[1:])


def naive_name(glob: str, name: str) -> bool:
    if not glob:
        return not name
    if glob[0] == "*":
        return naive_name(glob[1:], name) or (bool(name) and naive_name(glob, name[1:]))
    return bool(name) and glob[0] in ("?", name[0]) and naive_name(glob[1:], name[1:])


@given(
    parts=st.lists(st.just("**") | st.text("ab*?", min_size=1, max_size=5), min_size=1, max_size=4),
    names=st.lists(st.text("ab", min_size=1, max_size=5), min_size=1, max_size=5),
)
def test_matching_without_backtracking_loses_no_match(parts: list[str], names: list[str]) -> None:
    pattern, path = "/" + "/".join([*parts, "z"]), "/".join([*names, "z"])
    parts = [part if part == "**" else re.sub(r"\*+", "*", part) for part in parts]
    for dialect in Dialect:
        assert matches(pattern, dialect, path) is naive([*parts, "z"], [*names, "z"])


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 2000 + "b", "a" * 5000),
        ("?*" * 2000 + "b", "a" * 5000),
        ("**/a/" * 800 + "b", "a/" * 2000 + "c"),
        ("**/" + "*a*a*/" * 600 + "b", "aaaaaaaa/" * 1000 + "c"),
        ("*a*" * 4000, "a" * 10_000),
        ("a" * 10_000, "a"),
        ("[" * 4000, "a"),
        ("a @" + "b." * 5000, "c"),
        ("a @" + "b/" * 5000, "c"),
        ("a " + "b@" * 5000, "c"),
    ],
)
def test_a_hostile_line_costs_little(pattern: str, path: str, dialect: Dialect) -> None:
    started = time.process_time()
    assert not matches(pattern, dialect, path)
    assert time.process_time() - started < 5  # the point is that it ends: backtracking would take longer than a life
