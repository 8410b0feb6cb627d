import os
import time
from pathlib import Path

import pytest

from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity, Snapshot
from graph_api.sources.decisions import Decision, decisions
from graph_api.sources.files import read_files, source_name
from graph_api.sources.folders import MAX_FILE, SourceError
from graph_api.sources.registry import CONNECTORS
from tests.sources.folders import descriptor, write

INFO, WARNING, REFUSED = Severity.INFO, Severity.WARNING, Severity.REFUSED


def refs(snapshot: Snapshot) -> list[str]:
    return list(snapshot.entities)


def found(snapshot: Snapshot) -> list[tuple[str, str, str, int | None]]:
    return [(problem.code.value, problem.severity.value, problem.path, problem.line) for problem in snapshot.problems]


def test_decisions_tell_what_became_of_each_document(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.yaml": descriptor("Component", "a") + "---\n" + descriptor("Component", "${{ b }}"),
            "b.yaml": descriptor("Component", "A"),
            "c.yaml": "kind: Deployment\n",
            "d.yaml": descriptor("AiResource", "d") + "---\nopenapi: 3.1.0\n",
            "e.yaml": "apiVersion: backstage.io/v1alpha1\nkind: [\n",
        },
    )
    a = Ref("component:default/a")
    assert decisions(read_files([tmp_path])) == [
        Decision("a.yaml", 1, "Component", a, True, None),
        Decision("a.yaml", 11, None, None, False, ProblemCode.TEMPLATE),
        Decision("b.yaml", 1, "Component", a, False, ProblemCode.DUPLICATE),
        Decision("c.yaml", None, None, None, False, ProblemCode.NOT_A_DESCRIPTOR),
        Decision("d.yaml", 1, "AiResource", Ref("airesource:default/d"), True, None),
        Decision("d.yaml", 8, None, None, False, ProblemCode.NOT_A_DESCRIPTOR),
        Decision("e.yaml", 3, None, None, False, ProblemCode.BAD_YAML),
    ]


def test_the_first_by_path_and_line_wins(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "z.yaml": descriptor("Location", "z", "{target: ./b.yaml}"),
            "b.yaml": descriptor("Component", "x", "{owner: second, dependsOn: ['resource:b']}"),
            "a.yaml": descriptor("Component", "other") + "---\n" + descriptor("Component", "X", "{owner: first}"),
        },
    )
    snapshot = read_files([tmp_path])
    assert snapshot.entities[Ref("component:default/x")].location == "a.yaml:8"
    assert [link.target for link in snapshot.links] == ["group:default/first"]
    [problem] = snapshot.problems
    assert problem == Problem(
        code=ProblemCode.DUPLICATE,
        severity=REFUSED,
        message="component:default/x stands in a.yaml:8 already; this one is ignored",
        path="b.yaml",
        line=1,
        ref=Ref("component:default/x"),
    )


def test_a_link_said_from_both_ends_is_one_link_with_what_either_says(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.yaml": descriptor("Group", "a", "{ownerOf: ['component:x'], children: [b]}"),
            "b.yaml": descriptor("Group", "b", "{parent: {ref: a, confidence: 0.5, properties: {k: v}}}"),
            "x.yaml": descriptor("Component", "x", "{owner: a}"),
        },
    )
    snapshot = read_files([tmp_path])
    said = {key.relation: (link.location, link.confidence, link.properties) for key, link in snapshot.links.items()}
    assert said == {
        "CHILD_OF": ("a.yaml:6", 0.5, {"k": "v"}),
        "OWNED_BY": ("a.yaml:6", None, {"role": "OWNER", "primary": True}),
    }


def test_broken_files_are_named_and_say_nothing(tmp_path: Path) -> None:
    good = descriptor("Component", "good")
    write(
        tmp_path,
        {
            "broken.yaml": good + "---\n" + good + "oops: [",
            "chart/templates/role.yaml": "kind: Group\n{{- if .Values.rbac }}\n",
            "duplicate-key.yaml": good.replace("good", "dup") + "kind: API\n",
            "good.yaml": good,
            "nobody/values.yaml": "a: {{ b }}\n",
            "skeleton/catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\n{%- if a %}\nkind: Component\n",
        },
    )
    (tmp_path / "latin.yaml").write_bytes(good.encode() + b"# \xe9\n")
    (tmp_path / "latin-values.yaml").write_bytes(b"a: \xe9\n")
    (tmp_path / "utf-16.yaml").write_bytes(good.encode("utf-16"))
    (tmp_path / "large.yaml").write_bytes(good.encode() + b"#" * MAX_FILE)
    (tmp_path / "large-values.yaml").write_bytes(b"#" * (MAX_FILE + 1))
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "nowhere.yaml").symlink_to("missing.yaml")
    snapshot = read_files([tmp_path])
    assert refs(snapshot) == ["component:default/good"]
    assert found(snapshot) == [
        ("BAD_YAML", "REFUSED", "broken.yaml", 15),
        ("TEMPLATE", "INFO", "chart/templates/role.yaml", 3),
        ("BAD_YAML", "REFUSED", "duplicate-key.yaml", 7),
        ("TOO_LARGE", "INFO", "large-values.yaml", None),
        ("TOO_LARGE", "REFUSED", "large.yaml", None),
        ("NOT_A_DESCRIPTOR", "INFO", "latin-values.yaml", None),
        ("UNREADABLE", "REFUSED", "latin.yaml", None),
        ("NOT_A_DESCRIPTOR", "INFO", "nobody/values.yaml", None),
        ("UNREADABLE", "REFUSED", "nowhere.yaml", None),
        ("UNREADABLE", "REFUSED", "pipe.yaml", None),
        ("TEMPLATE", "REFUSED", "skeleton/catalog-info.yaml", 2),
        ("UNREADABLE", "REFUSED", "utf-16.yaml", None),
    ]
    silent = {"nobody/values.yaml", "latin-values.yaml"}
    assert snapshot.unreadable == {problem.path for problem in snapshot.problems} - silent


def test_only_yaml_in_visible_folders_is_looked_for(tmp_path: Path) -> None:
    places = ["a.yaml", "b.YML", ".c.yaml", ".github/d.yaml", ".gitlab/e.yaml", "f/g/h.yaml"]
    elsewhere = [".git/x.yaml", "node_modules/y/x.yaml", ".venv/x.yaml", ".cache/x.yaml", "x.json", "x.txt", "yaml"]
    write(tmp_path, {place: descriptor("Component", f"in{at}") for at, place in enumerate(places)})
    write(tmp_path, {place: descriptor("Component", f"not{at}") for at, place in enumerate(elsewhere)})
    snapshot = read_files([tmp_path])
    assert {entity.document for entity in snapshot.entities.values()} == set(places)
    assert snapshot.problems == ()


def test_symbolic_links_never_lead_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"outside/secret.yaml": descriptor("Component", "secret"), "in/real.yaml": descriptor("Component", "a")},
    )
    root = tmp_path / "in"
    (root / "secret.yaml").symlink_to("../outside/secret.yaml")
    (root / "folder").symlink_to("../outside")
    (root / "again.yaml").symlink_to("real.yaml")
    (root / "up").symlink_to(".")
    (root / "loop.yaml").symlink_to("loop.yaml")
    write(
        root, {"ways.yaml": descriptor("Location", "ways", "{targets: [../outside/secret.yaml, folder/secret.yaml]}")}
    )
    snapshot = read_files([root])
    assert refs(snapshot) == ["component:default/a", "location:default/ways"]
    assert snapshot.entities[Ref("component:default/a")].document == "again.yaml"
    assert found(snapshot) == [
        ("OUTSIDE_ROOT", "INFO", "folder", None),
        ("UNREADABLE", "REFUSED", "loop.yaml", None),
        ("OUTSIDE_ROOT", "REFUSED", "secret.yaml", None),
        ("OUTSIDE_ROOT", "WARNING", "ways.yaml", 6),
        ("OUTSIDE_ROOT", "WARNING", "ways.yaml", 6),
    ]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("./b/two.yaml", ["two"]),
        ("b/two.yaml", ["two"]),
        ("file:./b/two.yaml", ["two"]),
        ("../root/b/two.yaml", ["two"]),
        ("./b/*.yaml", ["three", "two"]),
        ("./**/three.yaml", ["three"]),
        ("./**/*.yaml", ["four", "three", "two"]),
        ("./b/t?o.yaml", ["two"]),
        ("./[bc]/**/t[hw]*.yaml", ["three", "two"]),
        ("./*/three.json", []),
        ("./b/extra.json", ["extra"]),
        ("./b/none.yaml", ("UNREADABLE", "WARNING")),
        ("./none/**/*.yaml", ("UNREADABLE", "INFO")),
        ("./b", ("UNREADABLE", "WARNING")),
        ("../other.yaml", ("OUTSIDE_ROOT", "WARNING")),
        ("../**/*.yaml", ("OUTSIDE_ROOT", "WARNING")),
        ("/etc/passwd", ("OUTSIDE_ROOT", "WARNING")),
        ("file:///etc/no-such-file", ("OUTSIDE_ROOT", "WARNING")),
        ("../../../../../../../../etc/shadow", ("OUTSIDE_ROOT", "WARNING")),
        ("http://169.254.169.254/latest", ("NOT_FETCHED", "INFO")),
        ("https://example.com/b/two.yaml", ("NOT_FETCHED", "INFO")),
        ("x" * 5000, ("UNREADABLE", "WARNING")),
        ("./one.yaml", ("CYCLE", "INFO")),
    ],
)
def test_where_a_location_leads(tmp_path: Path, target: str, expected: list[str] | tuple[str, str]) -> None:
    root = write(
        tmp_path / "root",
        {
            "one.yaml": descriptor("Location", "one", f"{{targets: ['{target}']}}"),
            "b/two.yaml": descriptor("Component", "two"),
            "b/three.yaml": descriptor("Component", "three"),
            "c/d/four.yaml": descriptor("Component", "four"),
            "b/extra.json": '{"apiVersion": "backstage.io/v1", "kind": "Component", "metadata": {"name": "extra"}}',
        },
    )
    snapshot = read_files([root / "one.yaml"])
    if isinstance(expected, tuple) or not expected:
        code, severity = expected or ("UNREADABLE", "INFO")
        assert found(snapshot) == [(code, severity, "one.yaml", 6)]
        assert refs(snapshot) == ["location:default/one"]
    else:
        assert refs(snapshot) == [*(f"component:default/{name}" for name in expected), "location:default/one"]
        assert snapshot.problems == ()


def test_locations_that_lead_in_circles_are_read_once(tmp_path: Path) -> None:
    chain = {f"l{at}.yaml": descriptor("Location", f"l{at}", f"{{target: ./l{at + 1}.yaml}}") for at in range(3000)}
    write(tmp_path, chain | {"l3000.yaml": descriptor("Location", "l3000", "{targets: [./l0.yaml, ./l1.yaml]}")})
    snapshot = read_files([tmp_path / "l0.yaml"])
    assert len(snapshot.entities) == 3001
    assert found(snapshot) == [("CYCLE", "INFO", "l3000.yaml", 6)] * 2


def test_many_locations_cannot_keep_us_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph_api.sources.file_reader.MAX_LOOKUPS", 100)
    targets = ", ".join(["'./**/*.yaml'"] * 60)
    write(tmp_path, {f"{name}.yaml": descriptor("Location", name, f"{{targets: [{targets}]}}") for name in "ab"})
    snapshot = read_files([tmp_path])
    assert {(problem.code, problem.severity) for problem in snapshot.problems} >= {(ProblemCode.TOO_LARGE, WARNING)}


def test_no_glob_takes_long(tmp_path: Path) -> None:
    deep = "/".join("a" * 60)
    stars = "/".join(["**", "a"] * 50) + "/b.yaml"
    letters = "*a" * 100 + "b.yaml"
    write(
        tmp_path,
        {
            f"{deep}/c.yaml": descriptor("Component", "c"),
            f"{'a' * 200}.yaml": descriptor("Component", "a"),
            "l.yaml": descriptor("Location", "l", f"{{targets: ['./{stars}', './{letters}']}}"),
        },
    )
    start = time.process_time()
    assert len(read_files([tmp_path]).entities) == 3
    assert time.process_time() - start < 2


def test_placeholders_are_read_from_inside_only(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "secret.txt": "secret",
            "in/api.yaml": """\
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: a}
spec:
  text: {$text: ./d/text.txt}
  json: {$json: ./d/data.json}
  yaml: {$yaml: d/data.yml}
  list: [{$text: d/text.txt}]
  out: {$text: ../secret.txt}
  url: {$text: 'https://example.com/a'}
  gone: {$text: ./gone.txt}
  bad: {$json: ./d/text.txt}
  deep: {$json: ./d/deep.json}
  bomb: {$yaml: ./d/bomb.txt}
  large: {$text: ./d/large.txt}
  other: {$text: d/text.txt, more: 1}
""",
            "in/d/text.txt": "hello",
            "in/d/data.json": '{"a": [1, "\\ud83d\\ude00"]}',
            "in/d/data.yml": "version: 1.10\n---\nsecond: x\n",
            "in/d/deep.json": "[" * 100_000 + "]" * 100_000,
            "in/d/bomb.txt": "a: &a [" + "x," * 1000 + "]\nb: &b [" + "*a," * 1000 + "]\n",
            "in/d/large.txt": "x" * (MAX_FILE - 3),
        },
    )
    snapshot = read_files([tmp_path / "in"])
    assert snapshot.entities[Ref("api:default/a")].spec == {
        "text": "hello",
        "json": {"a": [1, "\N{GRINNING FACE}"]},
        "yaml": {"version": "1.10"},
        "list": ["hello"],
        "out": {"$text": "../secret.txt"},
        "url": {"$text": "https://example.com/a"},
        "gone": {"$text": "./gone.txt"},
        "bad": {"$json": "./d/text.txt"},
        "deep": {"$json": "./d/deep.json"},
        "bomb": {"$yaml": "./d/bomb.txt"},
        "large": {"$text": "./d/large.txt"},
        "other": {"$text": "d/text.txt", "more": 1},
    }
    assert found(snapshot) == [
        ("OUTSIDE_ROOT", "WARNING", "api.yaml", 9),
        ("NOT_FETCHED", "INFO", "api.yaml", 10),
        ("UNREADABLE", "WARNING", "api.yaml", 11),
        ("BAD_YAML", "WARNING", "api.yaml", 12),
        ("TOO_LARGE", "WARNING", "api.yaml", 13),
        ("TOO_LARGE", "WARNING", "api.yaml", 14),
        ("TOO_LARGE", "WARNING", "api.yaml", 15),
        ("NOT_A_DESCRIPTOR", "INFO", "d/data.yml", None),
    ]


def test_several_paths_are_one_source(tmp_path: Path) -> None:
    write(tmp_path, {f"{name}/info.yaml": descriptor("Component", name) for name in ("a", "b", "c")})
    snapshot = read_files([tmp_path / "b", tmp_path / "a" / "info.yaml", tmp_path / "b" / "info.yaml"], source="mine")
    assert snapshot.source == "mine"
    assert [entity.location for entity in snapshot.entities.values()] == ["a/info.yaml:1", "b/info.yaml:1"]
    assert snapshot.problems == ()


def test_further_groups_can_be_named(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "apiVersion: Catalog.example/v1\nkind: Thing\nmetadata: {name: a}\n"})
    assert refs(read_files([tmp_path])) == []
    assert refs(read_files([tmp_path], groups=["catalog.Example"])) == ["thing:default/a"]


def test_names_that_are_no_text_can_be_told(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.yaml")
    write(tmp_path, {name: descriptor("Component", "a")})
    assert [entity.location for entity in read_files([tmp_path]).entities.values()] == ["caf\\xe9.yaml:1"]


def test_what_cannot_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="cannot read"):
        read_files([tmp_path / "gone"])
    with pytest.raises(SourceError, match="no path"):
        read_files([])
    with pytest.raises(SourceError, match="is no repository"):
        read_files([tmp_path], repo="what?")
    write(tmp_path, {f"{name}.yaml": "a: b\n" for name in "abc"})
    monkeypatch.setattr("graph_api.sources.folders.MAX_FILES", 2)
    with pytest.raises(SourceError, match="more than 2 files"):
        read_files([tmp_path])


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a/b/c.yaml": descriptor("Component", "c")})
    scandir = os.scandir

    def refuse(path: Path) -> "os._ScandirIterator[str]":
        if path.name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(str(path))

    # The tests may run as root, whom no permission stops.
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceError, match=r"cannot list .*b: Permission denied"):
        read_files([tmp_path])


@pytest.mark.parametrize(
    ("config", "inside", "expected"),
    [
        ('[remote "origin"]\n\turl = git@github.com:Acme/Orders.git\n', "", "files:github.com/acme/orders"),
        ('[remote "origin"]\n\turl = https://u:token@git.example/a/b\n', "c/d", "files:git.example/a/b/c/d"),
        (
            '[remote "up"]\nurl=https://a.example/a/b\n[remote "origin"]\nurl=https://o.example/a/b\n',
            "",
            "files:o.example/a/b",
        ),
        (
            '[core]\n\tbare = false\n[remote "up"]\n\tfetch = x\n\turl = ssh://git@up.example:22/a/b\n',
            "",
            "files:up.example/a/b",
        ),
        ('[remote "origin"]\n\turl = /srv/git/orders\n', "", "files:work"),
        ("", "c", "files:c"),
    ],
)
def test_a_source_is_named_after_its_remote_or_folder(tmp_path: Path, config: str, inside: str, expected: str) -> None:
    write(tmp_path / "work", {".git/config": config})
    folder = write(tmp_path / "work" / inside, {"a.yaml": descriptor("Component", "a")})
    assert source_name([folder]) == expected
    assert source_name([folder / "a.yaml"]) == expected


def test_a_linked_work_tree_has_the_remote_of_its_repository(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main/.git/config": '[remote "origin"]\n\turl = https://github.com/acme/orders\n',
            "main/.git/worktrees/side/commondir": "../..\n",
            "side/.git": "gitdir: ../main/.git/worktrees/side\n",
            "strange/.git": "gitdir: \0\n",
        },
    )
    assert source_name([tmp_path / "side"]) == "files:github.com/acme/orders"
    assert source_name([tmp_path / "strange"]) == "files:strange"


def test_the_connector_is_registered() -> None:
    assert read_files([Path(__file__)]).connector in CONNECTORS
