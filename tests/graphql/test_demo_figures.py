"""The figures that seeds/README.md gives are those of the demo organization's answers."""

from collections import Counter
from functools import cache
from typing import Any

import pytest

from tests.demo import snapshots
from tests.documents import ROOT
from tests.graphql.conftest import Client

HUB = "resource:postgres-core"
OF_KINDS = {
    "Component": "components",
    "API": "APIs",
    "Resource": "resources",
    "Pipeline": "pipelines",
    "Dataset": "datasets",
    "Environment": "environments",
    "System": "systems",
    "Domain": "domains",
    "Repository": "repositories",
    "Group": "groups",
    "User": "users",
    "Location": "locations",
    "Package": "packages",
    "Metric": "metrics",
    "Vulnerability": "vulnerabilities",
}


@cache
def readme() -> str:
    return " ".join((ROOT / "seeds/README.md").read_text(encoding="utf-8").split())


def counted(kinds: Counter[str], *names: str) -> list[str]:
    return [f"{kinds[name]} {OF_KINDS[name]}" for name in names]


def edges(demo: Client, field: str, selection: str, **arguments: Any) -> list[dict[str, Any]]:
    """All of a connection's, page by page; `arguments` as GraphQL writes them."""
    given = "".join(f", {name}: {value}" for name, value in arguments.items())
    query = f"""query($after: String) {{ {field}(first: 100, after: $after{given}) {{
      edges {{ {selection} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = demo.ask(query, after=after)[field]
        found += page["edges"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


@pytest.fixture
def declared(demo: Client) -> list[dict[str, Any]]:
    """All that somebody declares, with the sources that do."""
    found = edges(demo, "entities", "node { ref kind evidence { source } }", filter="{declared: true}")
    return [edge["node"] for edge in found]


def test_what_descriptors_declare_and_what_tools_add(demo: Client, declared: list[dict[str, Any]]) -> None:
    told = [{row["source"] for row in node["evidence"]} for node in declared]
    own = Counter(node["kind"] for node, sources in zip(declared, told, strict=True) if "demo" in sources)
    order = ("Component", "API", "Resource", "Pipeline", "Dataset", "Environment", "System", "Domain", "Repository")
    listed = ", ".join(counted(own, *order, "Group", "User", "Location"))
    assert f"declare {own.total()} entities: {listed}." in readme()
    new = Counter(node["kind"] for node in declared) - own
    statements = [len(snapshot.entities) for snapshot in snapshots()[1:] if snapshot.entities]
    tools = f"{len(statements)} more connectors read what the tools of the organization say, in {sum(statements)}"
    assert f"{tools} statements of entities. {sum(statements) - new.total()} of them" in readme()
    assert f"{new.total()} are new: {new['Resource']} resources" in readme()
    for figure in counted(new, "Package", "Metric", "System", "Component", "Vulnerability", "Environment"):
        assert f" {figure}" in readme()
    assert new["Document"] == 1
    assert f"Together {len(declared)} entities." in readme()
    assert demo.ask("{ unresolvedRefs { totalCount } }")["unresolvedRefs"]["totalCount"] == 3


def test_the_coverage_of_owners(demo: Client) -> None:
    rows = demo.ask("{ ownershipCoverage(by: KIND) { value total declared none } }")["ownershipCoverage"]
    total, stated, none = (sum(row[key] for row in rows) for key in ("total", "declared", "none"))
    found = edges(demo, "entities", "node { kind owners { how } }", filter='{not: {namespace: {eq: "image"}}}')
    kinds = {row["value"] for row in rows}
    hows = Counter(how["how"] for edge in found if edge["node"]["kind"] in kinds for how in edge["node"]["owners"][:1])
    assert hows["DECLARED"] == stated
    said = f"{stated} declared, {hows['INHERITED']} inherited, {hows['INFERRED']} inferred, {none} without."
    assert f"Coverage of the {total} entities that may have owners, container images left out: {said}" in readme()


def test_what_fails_with_the_shared_database(demo: Client) -> None:
    hits = edges(demo, "impact", "distance severity node { kind tier }", of=f'["{HUB}"]')
    kinds = ", ".join(counted(Counter(hit["node"]["kind"] for hit in hits), "Component", "API", "Pipeline", "Dataset"))
    resources = sum(hit["node"]["kind"] == "Resource" for hit in hits)
    assert f"{len(hits)} entities ({kinds}, {resources} resources)" in readme()
    assert f"`{HUB}`: {len(hits)} entities need it" in readme()
    distances = Counter(hit["distance"] for hit in hits)
    listed = ", ".join(str(distances[distance]) for distance in sorted(distances))
    assert f"the farthest {max(distances)} links away; by distance {listed}." in readme()
    severities = Counter(hit["severity"] for hit in hits)
    assert f"{severities['DOWN']} are DOWN and {severities['DEGRADED']} DEGRADED" in readme()
    first = [hit["severity"] for hit in hits if hit["node"]["tier"] == 1]
    assert f"Of tier 1, {len(first)} are hit, {first.count('DOWN')} of them DOWN." in readme()


def test_how_far_it_is_over_any_links_and_over_hard_ones(demo: Client) -> None:
    ways = []
    for name in ("customer-care-desk", "storefront-web"):
        walk = f'{{keep: {{name: {{eq: "{name}"}}}}}}'
        (hit,) = edges(demo, "impact", "distance severityVia { refs }", of=f'["{HUB}"]', walk=walk)
        ways.append((name, hit["distance"], len(hit["severityVia"]["refs"]) - 1))
    (care, near, far), (web, near_too, far_too) = ways
    said = f"`component:{care}` ({near} and {far} links from the hub), `component:{web}` ({near_too} and {far_too})"
    assert said in readme()


def test_what_the_critical_finding_hits(demo: Client) -> None:
    found = edges(demo, "impact", "distance severity node { ref kind }", of='["vulnerability:cve-2021-44228"]')
    hits = {hit["node"]["ref"]: hit for hit in found if hit["node"]["kind"] in ("Component", "API")}
    checkout, payments = (hits.pop(f"component:default/{name}")["distance"] for name in ("checkout", "payments"))
    assert checkout == payments
    assert f"{checkout} links from CVE-2021-44228." in readme()
    assert {hit["severity"] for hit in hits.values()} == {"DOWN"}
    assert f"With them {len(hits)} more components and APIs are DOWN" in readme()
    walk = '{maxDepth: 50, keep: {kind: {eq: "Vulnerability"}}}'
    back = edges(demo, "dependencies", "node { ref }", of='["component:storefront-web"]', walk=walk)
    assert len(back) == 1 + 2, "the critical one and the two more"


def test_links_that_may_fail_and_names_of_telemetry() -> None:
    soft = [sum(link.criticality == "SOFT" for link in told.links.values()) for told in snapshots()]
    assert f"| SOFT links | {sum(soft)}, {soft[0]} of them of descriptors" in readme()
    named = sum("graph-api/service-name" in said.annotations for said in snapshots()[0].entities.values())
    assert f"`graph-api/service-name`, on {named} services" in readme()
    apis = sum(
        ref.startswith("api:")
        for told in snapshots()
        if told.connector in ("openapi", "asyncapi", "graphql", "protobuf")
        for ref in told.entities
    )
    assert f"| the definitions above | {apis} APIs, each the one of the descriptor" in readme()


def test_how_many_have_no_living_owner(demo: Client) -> None:
    gaps = demo.ask("{ ownershipGaps { totalCount } }")["ownershipGaps"]["totalCount"]
    assert gaps == 8
    assert "**What has no living owner?** Eight entities:" in readme()
