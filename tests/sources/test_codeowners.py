from pathlib import Path

import pytest

from graph_api.catalog.entity import EntityStatement
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import ProblemCode, Severity
from graph_api.sources.files import read_files
from tests.sources.folders import descriptor, write

SLUG = "{github.com/project-slug: Acme/Orders}"
REMOTE = '[remote "origin"]\n\turl = git@gitlab.example:Acme/Sub.Group/orders_v2.git\n'
ORDERS = Ref("repository:acme/orders")


def test_a_repository_that_nobody_declares_is_stated_by_its_code_owners(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "CODEOWNERS": "* @acme/crew\n",
            "catalog-info.yaml": descriptor("System", "shop", annotations=SLUG),
            "services/orders/catalog-info.yaml": descriptor("Component", "orders"),
        },
    )
    snapshot = read_files([tmp_path])
    assert snapshot.problems == ()
    assert snapshot.entities[ORDERS] == EntityStatement(
        ref=ORDERS,
        name="orders",
        kind="Repository",
        document="CODEOWNERS",
        location="CODEOWNERS:1",
        identifiers=("https://github.com/acme/orders",),
        repository=ORDERS,
        folder="",
        code_owners="* @acme/crew\n",
        code_owners_dialect="GITHUB",
        code_owners_path="CODEOWNERS",
        code_owners_document="CODEOWNERS",
    )
    places = {ref: (said.repository, said.folder) for ref, said in snapshot.entities.items()}
    assert places == {
        ORDERS: (ORDERS, ""),
        "system:default/shop": (ORDERS, ""),
        "component:default/orders": (ORDERS, "services/orders"),
    }


@pytest.mark.parametrize(
    ("files", "repo", "expected"),
    [
        ({}, None, None),
        ({}, "acme/orders", "repository:acme/orders"),
        ({}, "git@gitlab.example:a/b/c.git", "repository:gitlab-example-a-b/c"),
        ({".git/config": REMOTE}, None, "repository:gitlab-example-acme-sub-group/orders_v2"),
        ({".git/config": REMOTE}, "acme/orders", "repository:acme/orders"),
        ({".git/config": REMOTE, "a.yaml": descriptor("System", "a", annotations=SLUG)}, None,
         "repository:gitlab-example-acme-sub-group/orders_v2"),
        ({".git/config": "[core]\n", "a.yaml": descriptor("System", "a", annotations=SLUG)}, None,
         "repository:acme/orders"),
        ({"a.yaml": descriptor("System", "a", annotations="{backstage.io/source-location: "
          "'url:https://github.com/acme/orders/tree/main/x'}")}, None, "repository:acme/orders"),
        ({"a.yaml": descriptor("System", "a", annotations="{gitlab.com/project-slug: a/b/c}")}, None,
         "repository:gitlab-com-a-b/c"),
        ({"a.yaml": descriptor("System", "a", annotations=SLUG),
          "b/b.yaml": descriptor("System", "b", annotations="{github.com/project-slug: acme/other}")}, None,
         "repository:acme/orders"),
        ({"a/a.yaml": descriptor("System", "a", annotations=SLUG),
          "b/b.yaml": descriptor("System", "b", annotations="{github.com/project-slug: acme/other}")}, None, None),
    ],
)  # fmt: skip  # a table
def test_which_repository_a_folder_holds(
    tmp_path: Path, files: dict[str, str], repo: str | None, expected: str | None
) -> None:
    write(tmp_path, {"CODEOWNERS": "* @a\n", "x/x.yaml": descriptor("Component", "x")} | files)
    snapshot = read_files([tmp_path], repo=repo)
    inside = snapshot.entities[Ref("component:default/x")]
    if expected:
        assert (inside.repository, inside.folder) == (expected, "x")
        assert snapshot.entities[Ref(expected)].code_owners == "* @a\n"
        assert snapshot.problems == ()
    else:
        assert (inside.repository, inside.folder) == (None, None)
        [problem] = snapshot.problems
        assert (problem.code, problem.severity) == (ProblemCode.NO_REPOSITORY, Severity.WARNING)
        assert problem.path == "CODEOWNERS"


@pytest.mark.parametrize(
    ("places", "repo", "text", "expected"),
    [
        ([".github/", "", "docs/"], "a/b", "* @x", (".github/CODEOWNERS", "GITHUB")),
        (["", "docs/", ".gitlab/"], "a/b", "* @x", ("CODEOWNERS", "GITHUB")),
        (["docs/"], "a/b", "* @x", ("docs/CODEOWNERS", "GITHUB")),
        ([".gitlab/"], "a/b", "* @x", (".gitlab/CODEOWNERS", "GITLAB")),
        ([".github/", "", "docs/", ".gitlab/"], "https://gitlab.example/a/b", "* @x", ("CODEOWNERS", "GITLAB")),
        (["docs/", ".gitlab/"], "https://gitlab.example/a/b", "* @x", ("docs/CODEOWNERS", "GITLAB")),
        ([""], "https://git.example/a/b", "[Docs]\n* @x", ("CODEOWNERS", "GITLAB")),
        ([""], "https://git.example/a/b", "^[Docs][2] @y\n* @x", ("CODEOWNERS", "GITLAB")),
        ([""], "https://git.example/a/b", "*.[ch] @x", ("CODEOWNERS", "GITHUB")),
        ([""], "https://github.com/a/b", "[Docs]\n* @x", ("CODEOWNERS", "GITHUB")),
        ([".github/"], "https://git.example/a/b", "[Docs]\n* @x", (".github/CODEOWNERS", "GITHUB")),
    ],
)
def test_the_file_and_dialect_that_the_host_reads(
    tmp_path: Path, places: list[str], repo: str, text: str, expected: tuple[str, str]
) -> None:
    write(tmp_path, {f"{place}CODEOWNERS": text for place in places})
    [said] = read_files([tmp_path], repo=repo).entities.values()
    assert (said.code_owners_path, said.code_owners_dialect) == expected


def test_a_declared_repository_is_found_by_its_url_wherever_it_stands(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "org/repositories.yaml": descriptor("Repository", "the-orders", "{owner: crew}", SLUG),
            "orders/.github/CODEOWNERS": "* @a\n",
            "orders/info.yaml": descriptor("Component", "orders", annotations=SLUG),
        },
    )
    snapshot = read_files([tmp_path])
    said = snapshot.entities[Ref("repository:default/the-orders")]
    assert (said.location, said.repository) == ("org/repositories.yaml:1", None)
    assert (said.code_owners, said.code_owners_path) == ("* @a\n", ".github/CODEOWNERS")
    orders = snapshot.entities[Ref("component:default/orders")]
    assert (orders.repository, orders.folder) == ("repository:default/the-orders", "")


def test_each_of_several_repositories_has_its_own_file(tmp_path: Path) -> None:
    slugs = {name: f"{{github.com/project-slug: acme/{name}}}" for name in ("a", "b", "c", "d")}
    write(
        tmp_path,
        {
            "a/.github/CODEOWNERS": "* @a\n",
            "a/info.yaml": descriptor("Component", "a", annotations=slugs["a"]),
            "b/.git/config": '[remote "origin"]\n\turl = https://github.com/acme/b\n',
            "b/docs/CODEOWNERS": "* @b\n",
            "b/packages/x/CODEOWNERS": "* @nobody\n",
            "b/packages/x/info.yaml": descriptor("Component", "b"),
            "c/.git/config": '[remote "origin"]\n\turl = https://github.com/acme/c\n',
            "c/info.yaml": descriptor("Repository", "c", annotations=slugs["c"]),
            "d/.git/config": '[remote "origin"]\n\turl = https://github.com/acme/d\n',
            "d/info.yaml": descriptor("Component", "d", annotations=slugs["d"]),
            "docs/.git/config": '[remote "origin"]\n\turl = https://github.com/acme/docs\n',
            "docs/CODEOWNERS": "* @docs\n",
        },
    )
    snapshot = read_files([tmp_path])
    assert snapshot.problems == ()
    owners = {ref: said.code_owners for ref, said in snapshot.entities.items() if said.kind == "Repository"}
    assert owners == {
        "repository:acme/a": "* @a\n",
        "repository:acme/b": "* @b\n",
        "repository:acme/docs": "* @docs\n",
        "repository:default/c": None,
    }
    places = {
        said.name: (said.repository, said.folder) for said in snapshot.entities.values() if said.kind != "Repository"
    }
    assert places == {
        "a": ("repository:acme/a", ""),
        "b": ("repository:acme/b", "packages/x"),
        "d": ("repository:acme/d", ""),
    }


def test_a_second_file_for_one_repository_is_named_and_ignored(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".github/CODEOWNERS": "* @outer\n",
            "info.yaml": descriptor("Component", "outer", annotations=SLUG),
            "part/CODEOWNERS": "* @inner\n",
            "part/info.yaml": descriptor("Component", "inner", annotations=SLUG),
        },
    )
    snapshot = read_files([tmp_path])
    assert snapshot.entities[ORDERS].code_owners == "* @outer\n"
    inner = snapshot.entities[Ref("component:default/inner")]
    assert (inner.repository, inner.folder) == (ORDERS, "part")
    assert [(problem.code, problem.path) for problem in snapshot.problems] == [
        (ProblemCode.DUPLICATE, "part/CODEOWNERS")
    ]


def test_one_file_is_enough_to_find_the_code_owners_beside_it(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".git/config": '[remote "origin"]\n\turl = https://github.com/acme/orders\n',
            ".github/CODEOWNERS": "* @a\n",
            "catalog-info.yaml": descriptor("Component", "orders"),
            "other.yaml": descriptor("Component", "other"),
        },
    )
    snapshot = read_files([tmp_path / "catalog-info.yaml"])
    assert list(snapshot.entities) == ["component:default/orders", ORDERS]
    assert snapshot.entities[Ref("component:default/orders")].repository == ORDERS


def test_an_unreadable_file_keeps_what_it_said(tmp_path: Path) -> None:
    write(tmp_path, {"in/info.yaml": descriptor("Component", "x", annotations=SLUG), "secret": "* @a\n"})
    (tmp_path / "in" / "CODEOWNERS").symlink_to("../secret")
    snapshot = read_files([tmp_path / "in"])
    assert list(snapshot.entities) == ["component:default/x"]
    assert snapshot.entities[Ref("component:default/x")].repository == ORDERS
    assert snapshot.unreadable == {"CODEOWNERS"}
    assert [(problem.code, problem.severity) for problem in snapshot.problems] == [
        (ProblemCode.OUTSIDE_ROOT, Severity.REFUSED)
    ]


def test_strange_names_make_a_ref_that_keeps_the_grammar(tmp_path: Path) -> None:
    long = "x" * 70
    write(tmp_path, {"CODEOWNERS": "* @a\n"})
    for repo, expected in {
        "https://git.example/~ada/my%20repo..x": "repository:git-example-ada/my-20repo..x",
        f"https://git.example/{long}/{long}": f"repository:git-example-{long[:42]}-89a202aa/{long[:54]}-c71bd109",
        "https://git.example/-/--": "repository:git-example/d8156bae",
    }.items():
        snapshot = read_files([tmp_path], repo=repo)
        assert list(snapshot.entities) == [expected], repo


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ("{github.com/project-slug: Acme/Orders}", ("repository:acme/orders", "")),
        ("{backstage.io/source-location: 'url:https://github.com/acme/orders'}", ("repository:acme/orders", "")),
        (
            "{github.com/project-slug: acme/site, "
            "backstage.io/source-location: 'url:https://github.com/acme/orders/tree/main/Services/api/'}",
            ("repository:acme/orders", "Services/api"),
        ),
        (
            "{backstage.io/source-location: 'url:https://gitlab.com/a/b/c/-/blob/main/x/catalog-info.yaml'}",
            ("repository:gitlab-com-a-b/c", "x"),
        ),
        (
            "{backstage.io/source-location: 'url:https://gitlab.com/a/b/c/-/Raw/main/x/info.yaml?inline=false#y/z'}",
            ("repository:gitlab-com-a-b/c", "x"),
        ),
        (
            "{backstage.io/source-location: 'url:https://github.com/acme/known/tree/main/x'}",
            ("repository:default/k", "x"),
        ),
        ("{backstage.io/source-location: 'dir:./'}", (None, None)),
        ("{github.com/project-slug: acme/a, gitlab.com/project-slug: acme/b}", (None, None)),
        ("{}", (None, None)),
    ],
)
def test_annotations_name_the_repository_where_no_code_owners_do(
    tmp_path: Path, annotations: str, expected: tuple[str | None, str | None]
) -> None:
    known = descriptor("Repository", "k", annotations="{github.com/project-slug: acme/known}")
    write(tmp_path, {"a.yaml": descriptor("Component", "x", annotations=annotations), "k.yaml": known})
    said = read_files([tmp_path]).entities[Ref("component:default/x")]
    assert (said.repository, said.folder) == expected
