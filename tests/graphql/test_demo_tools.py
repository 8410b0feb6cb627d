"""What the tools of the demo organization tell, followed by hand through seeds/."""

from typing import Any

from tests.graphql.conftest import Client

CONNECTORS = {
    "files", "ansible", "argocd", "asyncapi", "compose", "cyclonedx", "flux", "grafana", "graphql", "kubernetes",
    "openapi", "openslo", "otel", "prometheus", "protobuf", "sarif", "terraform", "trivy",
}  # fmt: skip  # a list of words

LINKS = """query($ref: String!) { entity(ref: $ref) { dependencies(first: 100) {
  edges { link { relation to confidence evidence { source } } } } } }"""


def sources_by_target(demo: Client, ref: str) -> dict[str, set[str]]:
    edges = demo.ask(LINKS, ref=ref)["entity"]["dependencies"]["edges"]
    found: dict[str, set[str]] = {}
    for link in (edge["link"] for edge in edges):
        if link["relation"] == "DEPENDS_ON":
            found.setdefault(link["to"], set()).update(row["source"] for row in link["evidence"])
    return found


def told_wrong(source: dict[str, Any]) -> bool:
    return any(problem["severity"] != "INFO" for problem in source["lastRun"]["problems"])


def test_every_tool_tells_something_and_nothing_of_theirs_is_wrong(demo: Client) -> None:
    sources = demo.ask("{ sources { connector entities links lastRun { problems { severity } } } }")["sources"]
    assert {row["connector"] for row in sources} >= CONNECTORS
    told = [row for row in sources if row["connector"] in CONNECTORS]
    assert all(row["entities"] for row in told)
    assert [row["connector"] for row in told if told_wrong(row)] == ["files"]


def test_traces_show_what_nobody_declares_and_not_all_that_is_declared(demo: Client) -> None:
    seen = sources_by_target(demo, "component:default/checkout")
    assert seen["component:default/pricing"] == {"otel:demo"}
    assert sources_by_target(demo, "component:default/pricing")["component:default/promotions"] == {"demo", "otel:demo"}
    assert sources_by_target(demo, "component:default/promotions")["component:default/basket"] == {"demo"}


def test_a_variable_of_a_deployment_tells_of_a_dependency(demo: Client) -> None:
    edges = demo.ask(LINKS, ref="component:default/orders")["entity"]["dependencies"]["edges"]
    (link,) = [edge["link"] for edge in edges if edge["link"]["to"] == "component:default/notifications"]
    assert link["confidence"] == 0.8
    assert [row["source"] for row in link["evidence"]] == ["kubernetes:demo"]


def test_the_database_is_one_thing_by_arn_and_by_host(demo: Client) -> None:
    things = demo.ask('{ why(ref: "resource:default/postgres-core") { things { source joins { identifier } } } }')
    joined: dict[str, Any] = {
        row["source"]: {join["identifier"].partition(":")[0] for join in row["joins"]}
        for row in things["why"]["things"]
    }
    assert joined == {"demo": {"arn"}, "terraform:demo": {"arn", "host"}, "otel:demo": {"host"}}


def test_a_scan_of_code_leads_to_what_is_built_from_the_repository(demo: Client) -> None:
    hit = demo.ask('{ impact(of: ["vulnerability:codeql/java-sql-injection"], walk: {maxDepth: 2}) { nodes { ref } } }')
    assert [row["ref"] for row in hit["impact"]["nodes"]] == [
        "repository:default/payments",
        "component:default/fraud-screening",
        "component:default/payments",
    ]


def test_objectives_alerts_and_dashboards_describe_the_service(demo: Client) -> None:
    about = demo.ask(
        """{ entity(ref: "component:default/checkout") { dependents(relations: [DESCRIBES], first: 20) {
          nodes { name __typename } } } }"""
    )
    assert {row["name"] for row in about["entity"]["dependents"]["nodes"]} == {
        "Checkout",
        "CheckoutErrors",
        "checkout-availability",
    }


def test_machines_of_the_depots_are_owned_through_what_they_are_part_of(demo: Client) -> None:
    machines = demo.ask(
        """{ resources(filter: {name: {contains: "depots.brambleway"}}) {
          totalCount nodes { owners { ref how } } } }"""
    )["resources"]
    assert machines["totalCount"] == 6
    assert all(row["owners"] == [{"ref": "group:default/warehouse", "how": "INHERITED"}] for row in machines["nodes"])


def test_the_file_that_a_descriptor_includes_tells_of_the_same_api(demo: Client) -> None:
    included = {
        "payments-api": "openapi", "order-events": "asyncapi", "storefront-graphql": "graphql", "fraud-api": "protobuf",
    }  # fmt: skip  # pairs of words
    for name, connector in included.items():
        things = demo.ask("query($ref: String!) { why(ref: $ref) { things { source } } }", ref=f"api:default/{name}")
        assert [row["source"] for row in things["why"]["things"]] == ["demo", f"{connector}:demo"], name
