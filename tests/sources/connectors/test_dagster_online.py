"""Dagster's GraphQL API, as far as the query needs it, in the words of its own schema; graphql-core answers."""

from typing import Any

import pytest
from graphql import build_schema, graphql_sync
from starlette.requests import Request

from graph_api.sources import dagster
from graph_api.sources.api import ApiError
from graph_api.sources.findings import Findings
from tests.sources.connectors.loopback import Tool, fetched

SCHEMA = build_schema("""
type Query { assetNodes(loadMaterializations: Boolean = false): [AssetNode!]! }
type AssetNode {
  assetKey: AssetKey!
  description: String
  groupName: String!
  computeKind: String
  isMaterializable: Boolean!
  jobNames: [String!]!
  tags: [DefinitionTag!]!
  owners: [AssetOwner!]!
  dependencyKeys: [AssetKey!]!
  repository: Repository!
}
type AssetKey { path: [String!]! }
type DefinitionTag { key: String! value: String! }
union AssetOwner = UserAssetOwner | TeamAssetOwner
type UserAssetOwner { email: String! }
type TeamAssetOwner { team: String! }
type Repository { name: String! location: RepositoryLocation! }
type RepositoryLocation { name: String! }
""")

AUTHORIZATION = "Dagster-Cloud-Api-Token: {token}"


def node(name: str, *needs: str, owner: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "assetKey": {"path": [name]},
        "groupName": "shop",
        "isMaterializable": True,
        "jobNames": ["__ASSET_JOB", "nightly"],
        "tags": [],
        "owners": [owner] if owner else [],
        "dependencyKeys": [{"path": [need]} for need in needs],
        "repository": {"name": "__repository__", "location": {"name": "shop"}},
    }


ASSETS = [
    node("orders", owner={"__typename": "TeamAssetOwner", "team": "checkout"}),
    node("revenue", "orders", owner={"__typename": "UserAssetOwner", "email": "ann@acme.example"}),
]


def answering(root: dict[str, Any]) -> Tool:
    async def answer(request: Request) -> Any:
        result = graphql_sync(SCHEMA, (await request.json())["query"], root)
        return result.formatted

    return Tool({"/graphql": answer}, authorization=AUTHORIZATION)


def test_the_query_is_one_of_its_schema_and_its_answer_is_read() -> None:
    documents = fetched(dagster.CONNECTOR, answering({"assetNodes": ASSETS}))
    assert all(dagster.CONNECTOR.claims(document) for document in documents)
    findings = Findings(dagster.CONNECTOR.name, dagster.CONNECTOR.origin)
    dagster.CONNECTOR.read(documents, findings)
    ends = {(key.source, key.relation, key.target) for key in findings.snapshot("s").links}
    orders, revenue, job = "dataset:dagster/orders", "dataset:dagster/revenue", "pipeline:dagster-shop/nightly"
    assert ends == {
        (revenue, "READS_FROM", orders),
        (orders, "WRITTEN_BY", job),
        (revenue, "WRITTEN_BY", job),
        (orders, "OWNED_BY", "group:dagster/checkout"),
        (revenue, "OWNED_BY", "user:dagster/ann-acme.example"),
    }


def test_errors_in_the_answer_end_the_run() -> None:
    with pytest.raises(ApiError, match="errors: Cannot return null"):
        fetched(dagster.CONNECTOR, answering({"assetNodes": None}))


def test_faults_and_wrong_tokens_end_the_run() -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(dagster.CONNECTOR, Tool({}, broken="/graphql", authorization=AUTHORIZATION))
    with pytest.raises(ApiError, match="token"):
        fetched(dagster.CONNECTOR, answering({"assetNodes": ASSETS}), known=False)
