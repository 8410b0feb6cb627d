"""The generated files: up to date, and true."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from graphql import build_schema

from graph_api.catalog.kinds import KINDS
from graph_api.catalog.relations import RELATIONS, SPELLINGS
from graph_api.catalog.snapshot import ProblemCode
from graph_api.cli import main
from graph_api.errors import ErrorCode
from graph_api.reference import member_docs
from graph_api.settings import Settings
from graph_api.sources.registry import CONNECTORS
from graph_api.sources.yaml_documents import read_yaml

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "schema"


@pytest.fixture(scope="module")
def descriptors() -> jsonschema.Draft7Validator:
    schema = json.loads((SCHEMA / "catalog.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def test_the_files_in_schema_are_those_that_the_program_writes() -> None:
    result = CliRunner().invoke(main, ["export-schema", "--check", str(SCHEMA)])
    assert (result.exit_code, result.output) == (0, "")


def test_check_shows_the_difference_and_fails(tmp_path: Path) -> None:
    folder = tmp_path / "schema"
    assert CliRunner().invoke(main, ["export-schema", str(folder)]).exit_code == 0
    sdl = folder / "schema.graphql"
    sdl.write_text(sdl.read_text(encoding="utf-8").replace("type Query {", "type Question {"), encoding="utf-8")
    (folder / "graph.cypher").unlink()

    result = CliRunner().invoke(main, ["export-schema", "--check", str(folder)])

    assert result.exit_code == 1
    assert "-type Question {\n+type Query {" in result.stdout
    assert "+CREATE CONSTRAINT entity_ref" in result.stdout
    assert f"run `graph-api export-schema {folder}`" in result.stderr


def test_the_printed_schema_is_a_schema() -> None:
    schema = build_schema((SCHEMA / "schema.graphql").read_text(encoding="utf-8"))
    assert schema.query_type
    assert {"impact", "entity", "ownershipGaps"} <= schema.query_type.fields.keys()


def test_the_reference_names_everything_and_describes_every_code() -> None:
    text = (SCHEMA / "catalog.md").read_text(encoding="utf-8")
    named = [kind.name for kind in KINDS.values()]
    named += [*RELATIONS, *SPELLINGS, *ErrorCode, *ProblemCode, *CONNECTORS, *Settings.model_fields]
    assert [name for name in named if f"`{name}`" not in text] == []
    assert member_docs(ErrorCode).keys() == set(ErrorCode.__members__)
    assert member_docs(ProblemCode).keys() == set(ProblemCode.__members__)
    assert all(field.description for field in Settings.model_fields.values())


def test_editors_accept_every_document_of_the_demo_organization_but_those_that_are_wrong_on_purpose(
    descriptors: jsonschema.Draft7Validator,
) -> None:
    refused = [
        (path.relative_to(ROOT).as_posix(), list(error.absolute_path))
        for path in sorted((ROOT / "seeds").rglob("*.yaml"))
        for document in read_yaml(path.read_text(encoding="utf-8"))
        if isinstance(document.value, dict) and "backstage.io" in str(document.value.get("apiVersion"))
        for error in descriptors.iter_errors(document.value)
    ]
    assert refused == [
        ("seeds/fulfilment/depot-edge/catalog-info.yaml", ["spec", "owner"]),
        ("seeds/platform/service-skeleton/skeleton/catalog-info.yaml", ["metadata", "name"]),
        ("seeds/platform/service-skeleton/skeleton/catalog-info.yaml", ["spec", "owner"]),
    ]


@pytest.mark.parametrize(
    "spec",
    [
        {"dependsOn": "api:default/x"},
        {"dependsOn": ["resource:db", {"ref": "api:x", "criticality": "SOFT", "confidence": 0.5}]},
        {"owners": [{"ref": "team", "role": "ON_CALL", "primary": True}, "user:ann"]},
        {"tier": 1, "active": False, "anything": {"else": "is kept"}},
    ],
)
def test_editors_accept_what_the_reader_reads(spec: dict[str, Any], descriptors: jsonschema.Draft7Validator) -> None:
    descriptors.validate(_component(spec))


@pytest.mark.parametrize(
    "document",
    [
        {"apiVersion": "backstage.io/v1alpha1", "kind": "Component"},
        {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": "-x"}},
        {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": "x" * 64}},
        {"apiVersion": "backstage.io/v1alpha1", "kind": "User", "metadata": {"name": "x"}, "spec": {"memberOf": [1]}},
    ],
)
def test_editors_mark_what_the_reader_refuses(
    document: dict[str, Any], descriptors: jsonschema.Draft7Validator
) -> None:
    assert list(descriptors.iter_errors(document))


@pytest.mark.parametrize(
    "spec",
    [
        {"dependsOn": ["not a ref"]},
        {"dependsOn": [{"criticality": "SOFT"}]},
        {"readsFrom": [{"ref": "x", "criticality": "MEDIUM"}]},
        {"readsFrom": [{"ref": "x", "role": "OWNER"}]},
        {"tier": "first"},
    ],
)
def test_editors_mark_a_wrong_field(spec: dict[str, Any], descriptors: jsonschema.Draft7Validator) -> None:
    assert list(descriptors.iter_errors(_component(spec)))


def _component(spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "checkout"},
        "spec": {"type": "service", **spec},
    }
