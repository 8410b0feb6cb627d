"""Patches of kustomizations: each operation, what does not fit, and how much is followed."""

from pathlib import Path
from time import process_time

import pytest

from graph_api.catalog.snapshot import Severity, Snapshot
from graph_api.sources.reading import read_paths
from tests.sources.connectors import recorded

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {"a/b": kept}}
spec:
  template:
    spec:
      containers:
        - {name: first, image: example.org/first}
        - {name: second, image: example.org/second}
        - {name: third, image: example.org/third}
"""
CONTAINERS = "/spec/template/spec/containers"


def read(folder: Path, kustomization: str, objects: str = DEPLOYMENT) -> Snapshot:
    (folder / "web.yaml").write_text(objects, encoding="utf-8")
    (folder / "kustomization.yaml").write_text("resources: [web.yaml]\n" + kustomization, encoding="utf-8")
    (snapshot,) = read_paths([folder], source="tool", only=["kubernetes"])
    return snapshot


def images(snapshot: Snapshot) -> dict[str, str]:
    """Where each image that runs is stated."""
    runs = (link for link in snapshot.links.values() if link.key.relation == "RUNS_IMAGE")
    return {link.key.target.rpartition("-")[2]: link.location for link in runs}


def warnings(snapshot: Snapshot) -> list[str]:
    return [problem.message for problem in snapshot.problems if problem.severity is Severity.WARNING]


def operations(*lines: str) -> str:
    """A patch whose operations stand in a line each, from line 5 on."""
    return "patches:\n- target: {kind: Deployment}\n  patch: |\n" + "".join(f"    - {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([f"{{op: remove, path: {CONTAINERS}/0}}"], {"second": "web.yaml:9", "third": "web.yaml:10"}),
        (
            [f"{{op: add, path: {CONTAINERS}/1, value: {{name: new, image: example.org/new}}}}"],
            {
                "first": "web.yaml:8",
                "new": "kustomization.yaml:3",
                "second": "web.yaml:9",
                "third": "web.yaml:10",
            },
        ),
        (
            [f"{{op: move, from: {CONTAINERS}/2, path: {CONTAINERS}/0}}", f"{{op: remove, path: {CONTAINERS}/1}}"],
            {"third": "kustomization.yaml:3", "second": "web.yaml:9"},
        ),
        (
            [
                "{op: test, path: /metadata/labels/a~1b, value: kept}",
                f"{{op: copy, from: {CONTAINERS}/0/image, path: {CONTAINERS}/1/image}}",
                f"{{op: add, path: {CONTAINERS}/-, value: {{name: last, image: example.org/last}}}}",
            ],
            {"first": "web.yaml:8", "third": "web.yaml:10", "last": "kustomization.yaml:3"},
        ),
    ],
)
def test_operations_change_what_runs_and_everything_keeps_its_place(
    lines: list[str], expected: dict[str, str], tmp_path: Path
) -> None:
    snapshot = read(tmp_path, operations(*lines))
    assert images(snapshot) == expected
    assert warnings(snapshot) == []


@pytest.mark.parametrize(
    "line",
    [
        f"{{op: test, path: {CONTAINERS}/0/name, value: canary-secret}}",
        f"{{op: replace, path: {CONTAINERS}/3/image, value: canary-secret}}",
        f"{{op: add, path: {CONTAINERS}/01, value: canary-secret}}",
        f"{{op: move, path: {CONTAINERS}/0}}",
        "{op: remove, path: /spec/nothing/at/all}",
        "{op: add, path: /kind/of, value: canary-secret}",
    ],
)
def test_a_patch_that_does_not_fit_is_told_and_changes_nothing(line: str, tmp_path: Path) -> None:
    first = f"{{op: replace, path: {CONTAINERS}/0/image, value: example.org/never}}"
    snapshot = read(tmp_path, operations(first, line))
    assert set(images(snapshot)) == {"first", "second", "third"}
    (message,) = warnings(snapshot)
    assert "the patch is not applied: it does not fit an object here: operation 1" in message
    assert "canary" not in message


DEEPER = [f"{{op: copy, from: /x, path: /x{'/x' * 2**number}}}" for number in range(11)]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{op: add, path: /x, value: {}}", *DEEPER], "operation 6 nests values more than 50 deep"),
        ([f"{{op: remove, path: {'/x' * 51}}}"], "operation 0 has a pointer of more than 50 parts"),
        ([f"{{op: copy, from: {'/x' * 51}, path: /x}}"], "operation 0 has a pointer of more than 50 parts"),
    ],
)
def test_operations_nest_no_deeper_than_documents(lines: list[str], message: str, tmp_path: Path) -> None:
    snapshot = read(tmp_path, operations(*lines))
    assert warnings(snapshot) == [f"the patch is not applied: it does not fit an object here: {message}"]
    assert len(images(snapshot)) == 3


def test_copies_of_copies_count_as_all_that_they_hold(tmp_path: Path) -> None:
    labels = "/spec/template/metadata/labels"
    doubled = (f"{{op: copy, from: {labels}, path: {labels}/x{number}}}" for number in range(22))
    first = "{op: add, path: /spec/template/metadata, value: {labels: {}}}"
    snapshot = read(tmp_path, operations(first, *doubled))
    assert any("too many patches; some are not applied" in message for message in warnings(snapshot))
    assert len(images(snapshot)) == 3


def merge(containers: str, beside: str = "") -> str:
    """A patch that is laid over the pods."""
    body = f"{{spec: {{template: {{spec: {{{beside}containers: {containers}}}}}}}}}"
    return f"patches:\n- target: {{kind: Deployment}}\n  patch: |\n    {body}\n"


def test_an_item_that_is_not_there_is_deleted_without_another(tmp_path: Path) -> None:
    text = merge("[{name: gone, $patch: delete}, {name: side, image: example.org/side}]")
    snapshot = read(tmp_path, text)
    assert set(images(snapshot)) == {"first", "second", "third", "side"}
    assert warnings(snapshot) == []


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ("[{name: data, secret: {$patch: delete}}]", False),
        ("[{name: data, secret: {optional: true}}]", True),
        ("[{name: new, secret: {secretName: other, $patch: delete}}]", True),
    ],
)
def test_a_mapping_is_deleted_where_it_stands(volumes: str, expected: bool, tmp_path: Path) -> None:
    volume = "      volumes: [{name: data, secret: {secretName: password}}]\n"
    snapshot = read(tmp_path, merge("[]", f"volumes: {volumes}, "), DEPLOYMENT + volume)
    needed = {link.key.target for link in snapshot.links.values() if link.key.relation == "DEPENDS_ON"}
    assert needed == ({"resource:kubernetes-default/secret-password"} if expected else set())


@pytest.mark.parametrize("target", ["(a+)+$", "[wW]eb", "web{1}", "we\\b"])
def test_other_patterns_than_simple_ones_are_told_and_never_tried(target: str, tmp_path: Path) -> None:
    text = f"patches:\n- target: {{name: '{target}'}}\n  patch: '[{{op: remove, path: /spec}}]'\n"
    snapshot = read(tmp_path, text)
    assert warnings(snapshot) == ["the patch is not applied: the pattern in target.name is not followed"]
    assert len(images(snapshot)) == 3


def alternatives(count: int) -> str:
    return f"- target: {{name: '{'|'.join(f'a{number}.*' for number in range(count))}|web'}}\n"


def test_a_pattern_has_so_many_alternatives(tmp_path: Path) -> None:
    patch = "  patch: '[{op: remove, path: /spec}]'\n"
    assert not images(read(tmp_path, f"patches:\n{alternatives(99)}{patch}"))
    snapshot = read(tmp_path, f"patches:\n{alternatives(100)}{patch}")
    assert warnings(snapshot) == ["the patch is not applied: the pattern in target.name has more than 100 alternatives"]
    assert len(images(snapshot)) == 3


def test_alternatives_are_work(tmp_path: Path) -> None:
    row = alternatives(99).replace("|web", "|other") + "  patch: '[{op: remove, path: /spec}]'\n"
    objects = "---\n".join(DEPLOYMENT.replace("name: web", f"name: web-{number}") for number in range(200))
    snapshot = read(tmp_path, "patches:\n" + row * 101, objects)
    assert any("too many patches; some are not applied" in message for message in warnings(snapshot))


def test_too_many_patches_are_told_in_time(tmp_path: Path) -> None:
    row = "- {path: change.yaml, target: {name: '.*'}}\n"
    (tmp_path / "change.yaml").write_text("metadata: {labels: {a: b}}\napiVersion: v1\nkind: Any\n", encoding="utf-8")
    objects = "---\n".join(DEPLOYMENT.replace("name: web", f"name: web-{number}") for number in range(500))
    begun = process_time()
    snapshot = read(tmp_path, "patches:\n" + row * 1000, objects)
    assert process_time() - begun < 20
    assert any("too many patches; some are not applied" in message for message in warnings(snapshot))
    assert len([ref for ref in snapshot.entities if ref.startswith("component:")]) == 500


def test_each_overlay_makes_its_own_of_an_object_and_all_is_one_thing(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kustomization.yaml").write_text(
            f"namespace: {name}\nresources: [../base]\npatches:\n- patch: |\n"
            f"    {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web}}, spec: {{template: {{spec: "
            f"{{containers: [{{name: first, image: example.org/{name}}}]}}}}}}}}\n",
            encoding="utf-8",
        )
    (tmp_path / "base").mkdir()
    read(tmp_path / "base", "")
    (snapshot,) = read_paths([tmp_path], source="tool", only=["kubernetes"])
    assert set(images(snapshot)) == {"one", "two", "second", "third"}
    (web,) = (said for said in snapshot.entities.values() if said.kind == "Component")
    assert {name for name in web.identifiers if name.startswith("kubernetes:")} == {
        "kubernetes:one/web",
        "kubernetes:two/web",
    }


def test_what_only_kustomize_can_do_is_told(tmp_path: Path) -> None:
    keys = ("configMapGenerator", "generators", "helmCharts", "openapi", "replacements", "transformers", "vars")
    text = "".join(f"{key}: [{{name: canary-secret}}]\n" for key in keys)
    rename = "patches:\n- {path: web.yaml, options: {allowNameChange: true}}\n"
    snapshot = read(tmp_path, f"{text}components: ['https://canary-secret@git.example/x?ref=1']\n{rename}")
    told = [problem.message for problem in snapshot.problems]
    render = "; to have it, sync what `kustomize build` prints"
    assert [message for message in told if message.startswith("`")] == [
        f"`{key}` of kustomizations is not followed{render}" for key in keys
    ]
    assert f"what a kustomization has from the network is not read{render}" in told
    assert "changes of names are not followed" in told
    assert "canary-secret" not in repr(recorded.told(snapshot))


def test_a_file_may_be_called_kustomization_without_an_ending(tmp_path: Path) -> None:
    read(tmp_path, "namespace: billing\n")
    (tmp_path / "kustomization.yaml").rename(tmp_path / "Kustomization")
    (snapshot,) = read_paths([tmp_path], source="tool", only=["kubernetes"])
    assert "component:kubernetes-billing/web" in snapshot.entities
    (tmp_path / "Kustomization").write_text("resources: [", encoding="utf-8")
    (snapshot,) = read_paths([tmp_path], source="tool", only=["kubernetes"])
    assert [problem.path for problem in snapshot.problems if problem.severity is Severity.REFUSED] == ["Kustomization"]
