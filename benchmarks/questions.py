"""What is asked over HTTP, as a portal would ask it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.generate import HUB, ROOT_GROUP


@dataclass(frozen=True, slots=True)
class Question:
    name: str
    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)


IMPACT = Question(
    "impact of the hub",
    """query ($ref: String!) {
      impact(of: [$ref], first: 100, walk: {budget: {entities: 1000000, seconds: 30}}) {
        totalCount
        edges { distance severity node { ref kind name owners { ref } } }
        owner: groups(by: OWNER) { buckets { value count } }
        system: groups(by: SYSTEM) { buckets { value count } }
        kind: groups(by: KIND) { buckets { value count } }
        tier: groups(by: TIER) { buckets { value count } }
        lifecycle: groups(by: LIFECYCLE) { buckets { value count } }
        environment: groups(by: ENVIRONMENT) { buckets { value count } }
        severity: groups(by: SEVERITY) { buckets { value count } }
        completeness { complete reasons unexplored }
      }
    }""",
    {"ref": HUB},
)
IMPACT_AS_FLOOR = Question(
    "impact, no more than the floor asks",
    """query ($ref: String!) {
      impact(of: [$ref], first: 100, walk: {budget: {entities: 1000000, seconds: 30}}) {
        totalCount
        edges { distance node { ref kind name owners { ref } } }
        owner: groups(by: OWNER) { buckets { value count } }
        system: groups(by: SYSTEM) { buckets { value count } }
        kind: groups(by: KIND) { buckets { value count } }
      }
    }""",
    {"ref": HUB},
)
PAGE = Question(
    "page of 100 services",
    """{ services(first: 100) { nodes {
      ref name ... on Entity { type lifecycle tier owners { ref entity { name } } system { ref name }
        dependencies(first: 20) { edges { link { relation } node { ref name } } } }
    } } }""",
)
QUESTIONS = (
    IMPACT,
    IMPACT_AS_FLOOR,
    PAGE,
    Question("lookup by ref", "query ($ref: String!) { entity(ref: $ref) { ref name owners { ref } } }", {"ref": HUB}),
    Question("search", '{ search(text: "checkout pay", first: 20) { nodes { ref name } } }'),
    Question(
        "direct dependents",
        "query ($ref: String!) { entity(ref: $ref) { dependents(first: 100) { totalCount nodes { ref name } } } }",
        {"ref": HUB},
    ),
    Question(
        "owned, with subgroups",
        "query ($ref: String!) { owned(by: [$ref], first: 100) { totalCount nodes { ref name } } }",
        {"ref": ROOT_GROUP},
    ),
    Question("coverage by kind", "{ ownershipCoverage(by: KIND) { value total declared effective none } }"),
)
