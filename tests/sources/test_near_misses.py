"""What is nearly a descriptor, or nearly a field of one, is never passed over in silence."""

from pathlib import Path

import pytest

from graph_api.catalog.kinds import Kind, register_kinds
from graph_api.catalog.snapshot import Problem
from graph_api.sources.decisions import decisions
from graph_api.sources.files import read_files
from tests.sources.folders import descriptor, write

NO_VERSION = "kind: {kind}\nmetadata: {{name: x}}\nspec: {spec}\n"


def problems(root: Path, text: str, name: str = "catalog-info.yaml") -> tuple[Problem, ...]:
    return read_files([write(root, {name: text})]).problems


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["catalog-info.yaml", "other.yml"])
def test_a_descriptor_in_utf_16_is_refused_by_name(tmp_path: Path, name: str, encoding: str) -> None:
    (tmp_path / name).write_bytes(descriptor("Component", "shop").encode(encoding))
    (problem,) = read_files([tmp_path]).problems
    assert (problem.code, problem.severity, problem.path) == ("UNREADABLE", "REFUSED", name)
    assert "UTF-16" in problem.message


def test_a_file_of_our_name_is_meant_for_us_whatever_it_holds(tmp_path: Path) -> None:
    (tmp_path / "catalog-info.yaml").write_bytes("köln: süd\n".encode("utf-16"))
    (tmp_path / "values.yaml").write_bytes("köln: süd\n".encode("utf-16"))
    found = read_files([tmp_path]).problems
    assert [(row.path, row.severity) for row in found] == [("catalog-info.yaml", "REFUSED"), ("values.yaml", "INFO")]


@pytest.mark.parametrize(("kind", "spec"), [("Component", "{type: service}"), ("dataset", "{owner: shop}")])
def test_a_descriptor_without_api_version_is_warned_of(tmp_path: Path, kind: str, spec: str) -> None:
    text = NO_VERSION.format(kind=kind, spec=spec)
    snapshot = read_files([write(tmp_path, {"a.yaml": f"{descriptor('System', 's')}---\n{text}", "b.yaml": text})])
    assert list(snapshot.entities) == ["system:default/s"]
    assert [(row.code, row.severity, row.path, row.line) for row in snapshot.problems] == [
        ("NO_API_VERSION", "WARNING", "a.yaml", 8),
        ("NO_API_VERSION", "WARNING", "b.yaml", 1),
    ]
    assert [row.accepted for row in decisions(snapshot)] == [True, False, False]


@pytest.mark.parametrize("kind", ["Kind: Component\n", "", "kind: [Component]\n", "kind: ''\n"])
def test_a_descriptor_without_a_kind_is_refused(tmp_path: Path, kind: str) -> None:
    text = f"apiVersion: backstage.io/v1alpha1\n{kind}metadata: {{name: x}}\nspec: {{type: service}}\n"
    (problem,) = problems(tmp_path, text, "types.yaml")
    assert (problem.code, problem.severity) == ("INVALID", "REFUSED")
    assert problem.message.startswith("kind ")


def test_a_list_of_descriptors_is_told(tmp_path: Path) -> None:
    listed = "- apiVersion: backstage.io/v1alpha1\n  kind: System\n  metadata: {name: x}\n"
    for name, text in {"mixed.yaml": f"{descriptor('System', 's')}---\n{listed}", "alone.yaml": listed}.items():
        (problem,) = problems(tmp_path / name, text, name)
        assert (problem.code, problem.severity) == ("INVALID", "REFUSED")
        assert "list of descriptors" in problem.message


@pytest.mark.parametrize(
    "text",
    [
        NO_VERSION.format(kind="Pipeline", spec="{stages: []}"),
        NO_VERSION.format(kind="Chart", spec="{type: service}"),
        "kind: Component\nspec: {type: service}\n",
        "apiVersion: v1\n" + NO_VERSION.format(kind="Component", spec="{type: service}"),
    ],
)
def test_what_is_something_else_is_left_alone(tmp_path: Path, text: str) -> None:
    assert [row.severity for row in problems(tmp_path, text)] == ["INFO"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("dependOn", "dependsOn"),
        ("dependson", "dependsOn"),
        ("providesApi", "providesApis"),
        ("ownr", "owner"),
        ("runOn", "runsOn"),
    ],
)
def test_a_field_that_is_nearly_a_relation_is_warned_of(tmp_path: Path, written: str, meant: str) -> None:
    (problem,) = problems(tmp_path, descriptor("Component", "shop", f"{{type: service, {written}: [x]}}"))
    assert (problem.code, problem.severity, problem.line) == ("MISSPELLED", "WARNING", 6)
    assert problem.message == f"spec.{written} is not known and says nothing; did you mean {meant}?"


def test_fields_of_other_words_are_not_warned_of(tmp_path: Path) -> None:
    fields = "{build: x, run: y, dependencies: [], deployment: z, team: a, targets: [], environments: [], notes: {}}"
    assert problems(tmp_path, descriptor("Component", "shop", fields)) == ()


def test_a_kind_that_is_nearly_one_is_warned_of_until_it_is_one(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, descriptor("Componet", "shop"))
    assert problem.code == "MISSPELLED"
    assert problem.message == "the kind Componet is not known; did you mean Component?"
    assert problems(tmp_path, descriptor("Badge", "gold")) == ()
    try:
        register_kinds([Kind("Componet")])
        assert problems(tmp_path, descriptor("Componet", "shop")) == ()
    finally:
        register_kinds(())
