"""Whoever states what another source keeps from being in force is warned, field by field."""

from typing import Any

import pytest

from tests.graphql.conftest import Client

PUT = """mutation Put($entities: [EntityInput!]!, $source: String! = "api") {
  putEntities(entities: $entities, source: $source) { warnings { code message } }
}"""


def component(spec: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"kind": "Component", "name": "shop", "spec": {"type": "service", **spec}, **fields}


def put(client: Client, entity: dict[str, Any], source: str = "api") -> list[dict[str, str]]:
    warnings: list[dict[str, str]] = client.ask(PUT, entities=[entity], source=source)["putEntities"]["warnings"]
    return warnings


@pytest.mark.parametrize(
    ("field", "entity"),
    [
        ("type", component({"type": "website"})),
        ("title", component({}, title="Ours")),
        ("description", component({}, description="Ours")),
        ("lifecycle", component({"lifecycle": "production"})),
        ("tier", component({"tier": 1})),
        ("tags", component({}, tags=["ours"])),
        ("active", component({"active": False})),
    ],
)
def test_each_field_without_effect_is_named(client: Client, field: str, entity: dict[str, Any]) -> None:
    assert put(client, component({}, title="Theirs"), "files:shop") == []
    (warning,) = put(client, entity)
    assert warning["code"] == "OUTRANKED"
    assert warning["message"].startswith(f"{field}: without effect as long as files:shop tells of ")


def test_what_the_source_that_comes_first_says_too_is_not_in_vain(client: Client) -> None:
    said = component({"lifecycle": "production", "tier": 1, "active": False}, title="Ours", tags=["ours"])
    assert put(client, said, "files:shop") == []
    assert put(client, said) == []
    assert put(client, component({}, labels={"only": "here"})) == []


def test_nobody_is_warned_of_what_is_not_for_everybody(client: Client) -> None:
    """Whoever writes may not see it, and a warning would tell that it is there."""
    weakness = {"kind": "Vulnerability", "name": "cve-2026-1", "spec": {"type": "high"}}
    assert put(client, weakness | {"title": "Theirs"}, "files:shop") == []
    assert put(client, weakness | {"title": "Ours"}) == []
    assert put(client, weakness | {"kind": "Resource", "title": "Theirs"}, "files:shop") == []
    assert len(put(client, weakness | {"kind": "Resource", "title": "Ours"})) == 1
