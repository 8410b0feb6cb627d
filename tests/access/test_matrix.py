"""Role by field: everything that the schema lets ask is asked by everybody, and only what the rules say is answered."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from graphql import GraphQLObjectType, build_schema, is_required_argument

from graph_api.access.principal import Role
from graph_api.access.rules import RULES
from graph_api.app import create_app
from graph_api.catalog.ref import Ref
from graph_api.graphql.schema import schema
from graph_api.settings import Settings
from graph_api.source_entries import NamedSource
from graph_api.store.embedded.store import EmbeddedStore
from tests.access.signing_in import ask, client_of, make_key

SCHEMA = schema._schema
SOURCE, TEAM = "crm", Ref("group:default/web")
ALLOWED: Mapping[str, frozenset[Role]] = {
    "Query.auditLog": frozenset({Role.ADMIN, Role.AUDITOR}),
    "Query.sources": frozenset({Role.ADMIN, Role.SECURITY, Role.AUDITOR, Role.INGESTOR}),
    "Query.syncs": frozenset({Role.ADMIN, Role.SECURITY, Role.AUDITOR, Role.INGESTOR}),
    "Query.problems": frozenset({Role.ADMIN, Role.SECURITY, Role.AUDITOR, Role.INGESTOR}),
    "Mutation.confirmSync": frozenset({Role.ADMIN, Role.EDITOR}),
}
"""By hand, so that a change of the rules is seen twice. Other queries are anybody's; see MAY_WRITE."""
MAY_WRITE = frozenset({Role.ADMIN, Role.EDITOR, Role.INGESTOR})
SOURCE_OF = {Role.INGESTOR: SOURCE}
ARGUMENTS = {
    "String": '"component:default/a"',
    "ID": '"bm9kZQ"',
    "[String!]": '["component:default/a"]',
    "[ID!]": "[]",
    "[FacetField!]": "[KIND]",
    "CoverageGroup": "GROUP",
    "EntityInput": "[]",
}


def root_fields() -> list[str]:
    types = [type_ for type_ in (SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type) if type_]
    return [f"{type_.name}.{field}" for type_ in types for field in type_.fields]


def is_allowed(field: str, role: Role) -> bool:
    everybody = MAY_WRITE if field.startswith("Mutation.") else frozenset(Role)
    return role in ALLOWED.get(field, everybody)


def document(field: str, role: Role | None) -> str:
    """The field with what arguments it needs, speaking for the source that the role may speak for."""
    type_name, _, name = field.partition(".")
    type_ = SCHEMA.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    arguments = {
        key: _value(str(argument.type).removesuffix("!"))
        for key, argument in type_.fields[name].args.items()
        if is_required_argument(argument)
    }
    if type_name == "Mutation" and "source" in type_.fields[name].args:
        arguments["source"] = f'"{SOURCE_OF.get(role, "api")}"' if role else '"api"'
    given = ", ".join(f"{key}: {value}" for key, value in arguments.items())
    return f"{type_name.lower()} {{ {name}{f'({given})' if given else ''} {{ __typename }} }}"


def _value(type_: str) -> str:
    if type_ in ARGUMENTS:
        return ARGUMENTS[type_]
    return "[]" if type_.startswith("[") else f"{next(iter(SCHEMA.type_map[type_].values))}"  # type: ignore[attr-defined]


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, dict[Role, str]]]:
    store = EmbeddedStore(folder / "catalog.db")
    await store.open()
    tokens = {}
    for role in Role:
        source = SOURCE_OF.get(role)
        groups = () if role is Role.INGESTOR else (TEAM,)
        tokens[role] = (await make_key(store, role, role.value, source=source, groups=groups))[0]
    async with client_of(create_app(Settings(sources=(NamedSource(name=SOURCE),)), store)) as client:
        yield client, tokens


def codes(answer: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in answer.json().get("errors", [])]


def test_every_root_field_has_a_rule() -> None:
    assert set(root_fields()) == {name for name in RULES if "." in name}


async def test_everybody_is_answered_what_the_rules_allow_and_nothing_else(tmp_path: Path) -> None:
    # Subscriptions have no one answer: tests/web/test_live.py has them.
    fields = [field for field in root_fields() if not field.startswith("Subscription.")]
    async with served(tmp_path) as (client, tokens):
        for field in fields:
            for role, token in tokens.items():
                query = document(field, role)
                answer = await ask(client, token, query)
                assert answer.status_code == 200, query
                assert "GRAPHQL_INVALID" not in codes(answer), answer.text
                assert ("FORBIDDEN" not in codes(answer)) == is_allowed(field, role), (field, role, answer.text)
                if "FORBIDDEN" in codes(answer):
                    assert answer.json()["data"] == {field.partition(".")[2]: None}
            assert (await ask(client, None, document(field, None))).status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        "{ a: auditLog { nodes { sequence } } }",
        "query Q { ...F } fragment F on Query { auditLog { nodes { sequence } } }",
        "{ ... on Query { auditLog { nodes { sequence } } } }",
        "{ __typename auditLog { __typename } }",
        "query Q($yes: Boolean = true) { auditLog @include(if: $yes) { nodes { sequence } } }",
    ],
)
async def test_a_rule_holds_on_every_way_to_the_field(tmp_path: Path, query: str) -> None:
    async with served(tmp_path) as (client, tokens):
        assert codes(await ask(client, tokens[Role.VIEWER], query)) == ["FORBIDDEN"]
        assert codes(await ask(client, tokens[Role.AUDITOR], query)) == []


async def test_an_ingestor_sees_and_speaks_for_its_own_source_only(tmp_path: Path) -> None:
    async with served(tmp_path) as (client, tokens):
        admin, ingestor = tokens[Role.ADMIN], tokens[Role.INGESTOR]
        put = """mutation($source: String!) {
          putEntities(source: $source, entities: [{kind: "Component", name: "a"}]) { userErrors { code } } }"""
        for source in (SOURCE, "other"):
            assert codes(await ask(client, admin, put, source=source)) == []
        assert codes(await ask(client, ingestor, put, source=SOURCE)) == []
        for source in ("other", "api", "CRM", "crm ", ""):
            assert codes(await ask(client, ingestor, put, source=source)) == ["FORBIDDEN"]
        seen = (await ask(client, ingestor, "{ sources { name } syncs { nodes { source } } }")).json()["data"]
        assert seen["sources"] == [{"name": SOURCE}]
        assert {row["source"] for row in seen["syncs"]["nodes"]} == {SOURCE}
        assert codes(await ask(client, ingestor, '{ syncs(source: "other") { __typename } }')) == ["FORBIDDEN"]
        assert codes(await ask(client, ingestor, '{ problems(source: "other") { totalCount } }')) == ["FORBIDDEN"]
        remove = 'mutation { removeEntities(source: "crm", entities: [{ref: "component:a"}]) { userErrors { code } } }'
        assert codes(await ask(client, ingestor, remove)) == []
        kept = await ask(client, admin, '{ entity(ref: "component:a") { evidence { source } } }')
        assert kept.json()["data"]["entity"]["evidence"] == [{"source": "other"}]


async def test_an_ingestor_writes_only_where_its_source_has_a_place(tmp_path: Path) -> None:
    put = """mutation($source: String!) {
      putEntities(source: $source, entities: [{kind: "Component", name: "a"}]) { userErrors { code } } }"""
    store = EmbeddedStore(tmp_path / "catalog.db")
    await store.open()
    unplaced, _ = await make_key(store, Role.INGESTOR, "unplaced", source="a-stranger")
    open_to_all, _ = await make_key(store, Role.INGESTOR, "open", source="api:crm")
    async with client_of(create_app(Settings(), store)) as client:
        refused = await ask(client, unplaced, put, source="a-stranger")
        assert codes(refused) == ["FORBIDDEN"]
        assert "`sources` of graph-api.yaml" in refused.text
        assert codes(await ask(client, open_to_all, put, source="api:crm")) == []


async def test_refusals_that_are_alike_in_one_request_leave_one_record(tmp_path: Path) -> None:
    put = 'putEntities(source: "s%d", entities: []) { revision }'
    aliases = [*(f"p{n}: {put % n}" for n in range(9)), "r: removeEntities(entities: []) { revision }"]
    async with served(tmp_path) as (client, tokens):
        for _ in range(2):
            answer = await ask(client, tokens[Role.VIEWER], f"mutation {{ {' '.join(aliases)} }}")
            assert codes(answer) == ["FORBIDDEN"] * 10
        log = "{ auditLog { nodes { event { action outcome } } } }"
        records = (await ask(client, tokens[Role.AUDITOR], log)).json()["data"]["auditLog"]["nodes"]
    assert [row["event"]["action"] for row in records] == ["removeEntities", "putEntities"] * 2
    assert {row["event"]["outcome"] for row in records} == {"REFUSED"}


def test_the_schema_of_the_rules_is_the_one_that_is_published() -> None:
    published = build_schema(Path("schema/schema.graphql").read_text(encoding="utf-8"))
    assert published.query_type
    assert set(published.query_type.fields) == {name.partition(".")[2] for name in RULES if name.startswith("Query.")}
