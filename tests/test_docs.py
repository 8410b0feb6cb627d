"""The pages in docs/: whole, linked, and as true as what they show."""

import re
from pathlib import Path

import pytest

from graph_api.catalog.identifiers import NAMING, SCHEMED, SLUG_HOSTS
from graph_api.catalog.snapshot import ProblemCode
from graph_api.errors import ErrorCode
from graph_api.settings import load_settings
from graph_api.source_entries import FileSource, OnlineSource
from graph_api.sources.files import read_files
from graph_api.sources.registry import BY_NAME
from tests.documents import ROOT, blocks, commands, run_all
from tests.ports import free_port

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))

SOURCES = "docs/sources.md"
CONNECTORS = "docs/connectors.md"
DRIFT = "docs/drift.md"
OF_THE_DEMO = {DRIFT, "docs/operations.md", "docs/portal.md"}
"""What they ask is there after `make demo`."""


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_its_commands_run_in_this_order(page: str, tmp_path: Path) -> None:
    found = commands(page, "")
    assert found
    if page == SOURCES:
        (tmp_path / "graph-api.yaml").write_text(blocks(page, "yaml")[0], encoding="utf-8")
    if page == CONNECTORS:
        port = str(free_port())
        found = [command.replace("8020", port) for command in found]
        (tmp_path / "online.yaml").write_text(blocks(page, "yaml")[0].replace("8020", port), encoding="utf-8")
    if page == DRIFT:
        (tmp_path / "shop").mkdir()
        (tmp_path / "shop/catalog-info.yaml").write_text(blocks(page, "yaml")[0], encoding="utf-8")
        (tmp_path / "shop/dependencies.json").write_text(blocks(page, "json")[0], encoding="utf-8")
        (tmp_path / "drift.graphql").write_text(blocks(page, "graphql")[0], encoding="utf-8")
    if page in OF_THE_DEMO:
        found.insert(0, "graph-api sync seeds --source demo")
    run_all(found, tmp_path, here=True)


def test_every_connector_can_be_tried() -> None:
    tried = re.findall(r"tests/sources/connectors/(\w+)/input", "\n".join(commands(CONNECTORS, "graph-api sync")))
    assert set(tried) == set(BY_NAME)


@pytest.mark.parametrize("page", PAGES)
def test_it_is_linked_and_links_to_what_is_there(page: str) -> None:
    assert f"({page})" in text("README.md")
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", text(page))
    assert [target for target in targets if not (ROOT / page).parent.joinpath(target).exists()] == []


def test_every_problem_is_explained_with_the_way_to_mend_it() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", text("docs/descriptors.md"), re.MULTILINE)
    assert set(rows) == set(ProblemCode)


def test_every_error_is_documented() -> None:
    pages = text("schema/catalog.md") + "".join(map(text, PAGES))
    assert [code for code in ErrorCode if not re.search(rf"^\| `{code}` \|", pages, re.MULTILINE)] == []


def test_every_annotation_that_names_an_entity_is_listed() -> None:
    page = text("docs/descriptors.md")
    assert [key for key in sorted({*NAMING, *SCHEMED, *SLUG_HOSTS}) if f"`{key}`" not in page] == []


def test_the_descriptors_are_read_without_a_problem(tmp_path: Path) -> None:
    (document,) = blocks("docs/descriptors.md", "yaml")
    (tmp_path / "catalog-info.yaml").write_text(document, encoding="utf-8")
    snapshot = read_files([tmp_path])
    assert (snapshot.problems, len(snapshot.entities)) == ((), 2)


def test_the_settings_are_settings(tmp_path: Path) -> None:
    (example,) = blocks("docs/operations.md", "yaml")
    (tmp_path / "graph-api.yaml").write_text(example, encoding="utf-8")
    settings = load_settings(tmp_path / "graph-api.yaml")
    assert (settings.keep_runs, [kind.name for kind in settings.kinds]) == (20, ["Badge", "Stream"])
    (example,) = blocks("docs/portal.md", "yaml")
    (tmp_path / "graph-api.yaml").write_text(example, encoding="utf-8")
    assert load_settings(tmp_path / "graph-api.yaml").cors_origins == ("https://portal.example",)


def test_the_sources_are_sources(tmp_path: Path) -> None:
    config = tmp_path / "graph-api.yaml"
    found = []
    for example in blocks(SOURCES, "yaml"):
        config.write_text(example, encoding="utf-8")
        found += [entry.name for entry in load_settings(config).configured_sources]
    assert found == ["catalog", "platform", "acme", "traces", "lineage"]


def test_every_key_of_a_source_is_explained() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", text(SOURCES), re.MULTILINE)
    assert set(rows) == {*FileSource.model_fields, *OnlineSource.model_fields}
