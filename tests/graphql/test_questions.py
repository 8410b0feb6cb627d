"""The demo organization's answers, followed by hand through seeds/."""

from typing import Any

import pytest

from tests.graphql.conftest import Client

PAGE = """query Page($first: Int, $after: String, $last: Int, $before: String) {
  services(first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { ref } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


def test_a_list_pages_forward_and_backward(demo: Client) -> None:
    whole = [row["ref"] for row in demo.ask(PAGE, first=100)["services"]["nodes"]]
    forward: list[str] = []
    after = None
    while True:
        page = demo.ask(PAGE, first=17, after=after)["services"]
        forward += [row["ref"] for row in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert forward == whole
    assert len(whole) == page["totalCount"] == 42
    back = demo.ask(PAGE, last=5, before=after)["services"]
    assert [row["ref"] for row in back["nodes"]] == whole[-6:-1]
    assert back["pageInfo"]["hasPreviousPage"]


def test_impact_tells_distance_severity_and_way(demo: Client) -> None:
    answer = demo.ask(
        """{ impact(of: ["resource:default/postgres-core"], first: 100, walk: {keep: {name: {eq: "storefront-web"}}}) {
          totalCount edges { distance severity node { ref } via { refs }
            severityVia { refs steps { links { criticality } } } }
        } }"""
    )["impact"]
    (edge,) = answer["edges"]
    assert (answer["totalCount"], edge["distance"], edge["severity"]) == (1, 3, "DOWN")
    assert len(edge["via"]["refs"]) == 4
    steps = edge["severityVia"]["steps"]
    assert len(steps) == 5
    assert all(link["criticality"] == "HARD" for step in steps for link in step["links"])


@pytest.mark.parametrize("walk", ["dependencies", "dependents", "impact"])
def test_a_walk_starts_at_refs_or_at_all_that_match(demo: Client, walk: str) -> None:
    parts = demo.ask('{ services(first: 100, filter: {system: {eq: "storefront"}}) { nodes { ref } } }')["services"]
    refs = [row["ref"] for row in parts["nodes"]]
    answer = demo.ask(
        f"""query ($of: [String!]) {{
          of: {walk}(of: $of) {{ ...found }}
          where: {walk}(where: {{kind: {{eq: "Component"}}, type: {{eq: "service"}}, system: {{eq: "storefront"}}}}) {{
            ...found
          }}
          none: {walk}(where: {{system: {{eq: "no-such"}}}}) {{ ...found }}
        }} fragment found on HitConnection {{ startCount totalCount nodes {{ ref }} }}""",
        of=refs,
    )
    assert answer["of"] == answer["where"]
    assert answer["of"]["startCount"] == len(refs) > 1
    assert answer["of"]["totalCount"] > 0
    assert answer["none"] == {"startCount": 0, "totalCount": 0, "nodes": []}


def test_depth_makes_an_answer_incomplete(demo: Client) -> None:
    answer = demo.ask(
        """{ impact(of: ["resource:default/postgres-core"], walk: {maxDepth: 2}) {
          totalCount completeness { complete reasons unexplored } } }"""
    )["impact"]
    assert answer["totalCount"] == 9 + 12
    assert answer["completeness"]["reasons"] == ["DEPTH"]
    assert answer["completeness"]["unexplored"] > 0


def test_inferred_owners_come_from_codeowners(demo: Client) -> None:
    owners = demo.ask(
        '{ entity(ref: "pipeline:default/finance-close-export") { owners { ref how evidence { location } } } }'
    )
    found = owners["entity"]["owners"]
    assert [row["ref"] for row in found] == [
        "group:default/data-platform",
        "group:default/payments",
        "group:default/security",
    ]
    assert {row["how"] for row in found} == {"INFERRED"}
    assert all("CODEOWNERS:" in row["evidence"][0]["location"] for row in found)


def test_gaps_have_reasons(demo: Client) -> None:
    edges = demo.ask("{ ownershipGaps(first: 50) { edges { node { ref } reasons } } }")["ownershipGaps"]["edges"]
    assert {edge["node"]["ref"]: edge["reasons"] for edge in edges} == {
        "api:default/loyalty-api": ["EMPTY"],
        "component:default/loyalty-points": ["EMPTY"],
        "component:default/invoicing": ["INACTIVE"],
        "component:default/pdf-renderer": ["UNRESOLVED"],
        "component:default/label-printer": ["UNRESOLVED"],
        "component:default/scratch-seeder": ["NONE"],
        "dataset:default/competitor-prices": ["NONE"],
        "resource:default/legacy-sftp-server": ["NONE"],
    }


def test_an_owner_of_any_kind_that_nobody_declares_is_a_gap(client: Client) -> None:
    put = """mutation { putEntities(entities: [
      {kind: "System", name: "shop", spec: {owner: "resource:nothing"}},
      {kind: "Component", name: "direct", spec: {type: "service", owner: "component:nowhere"}},
      {kind: "Component", name: "inherited", spec: {type: "service", system: "shop"}},
      {kind: "Component", name: "strange", spec: {type: "service", owner: "component:direct"}}]) {
        userErrors { code } warnings { code } } }"""
    assert client.ask(put)["putEntities"]["userErrors"] == []
    edges = client.ask(
        """{ ownershipGaps(reasons: [UNRESOLVED]) {
          edges { reasons node { name owners { state } } } totalCount } }"""
    )["ownershipGaps"]["edges"]
    assert edges == [
        {"reasons": ["UNRESOLVED"], "node": {"name": name, "owners": [{"state": "UNRESOLVED"}]}}
        for name in ("direct", "inherited", "shop")
    ]
    assert (
        client.ask("{ ownershipGaps(reasons: [EMPTY, INACTIVE]) { totalCount } }")["ownershipGaps"]["totalCount"] == 0
    )
    answer = client.ask('{ entity(ref: "component:strange") { owners { state } } }')
    assert answer["entity"]["owners"] == [{"state": "ACTIVE"}]


def test_links_are_chosen_by_the_environment_as_it_is_written(demo: Client) -> None:
    answer = demo.ask(
        """query Q($links: [String!]!) {
          exact: impact(of: ["resource:postgres-core"],
            walk: {maxDepth: 1, linkWhere: {environment: {eq: "production"}}}) { totalCount }
          start: impact(of: ["resource:postgres-core"],
            walk: {maxDepth: 1, linkWhere: {environment: {startsWith: "prod"}}}) { totalCount }
          others: impact(of: ["resource:postgres-core"],
            walk: {maxDepth: 1, linkWhere: {not: {environment: {in: $links}}}}) { totalCount }
          all: impact(of: ["resource:postgres-core"], walk: {maxDepth: 1}) { totalCount }
          entity(ref: "resource:postgres-core") {
            dependents(linkWhere: {environment: {in: $links}}) { edges { link { environment } } } } }""",
        links=["production", "a b/c"],
    )
    found = answer["exact"]["totalCount"]
    assert 0 < found == answer["start"]["totalCount"]
    assert found + answer["others"]["totalCount"] >= answer["all"]["totalCount"] > answer["others"]["totalCount"]
    edges = answer["entity"]["dependents"]["edges"]
    assert len(edges) == found
    assert {edge["link"]["environment"] for edge in edges} == {"production"}


def test_a_group_owns_the_same_under_each_of_its_refs(client: Client) -> None:
    put = """mutation M($source: String!, $entities: [EntityInput!]!) {
      putEntities(source: $source, entities: $entities) { userErrors { message } } }"""
    for source, name in (("api:a", "one"), ("api:b", "two")):
        team = {"kind": "Group", "name": name, "annotations": {"graph-api/identifiers": "pagerduty:team1"}}
        things = [{"kind": "Component", "name": f"{name}-thing", "spec": {"type": "service", "owner": name}}]
        assert client.ask(put, source=source, entities=[team, *things])["putEntities"]["userErrors"] == []
    for name in ("one", "two"):
        answer = client.ask(
            """query Q($name: String!) {
              owned(by: [$name]) { nodes { name } }
              direct: entities(filter: {ownedBy: {refs: [$name]}}) { nodes { name } }
              below: entities(filter: {ownedBy: {refs: [$name], includeSubgroups: true}}) { nodes { name } } }""",
            name=name,
        )
        expected = {"nodes": [{"name": "one-thing"}, {"name": "two-thing"}]}
        assert answer == {"owned": expected, "direct": expected, "below": expected}, name


def test_an_image_without_an_owner_is_no_gap(client: Client) -> None:
    put = """mutation { putEntities(entities: [
      {kind: "Resource", namespace: "image", name: "cart", spec: {type: "container-image"}},
      {kind: "Resource", name: "orders", spec: {type: "database"}}, {kind: "Resource", name: "other"},
      {kind: "Component", name: "packer", spec: {type: "container-image"}}]) { userErrors { code } } }"""
    assert client.ask(put)["putEntities"]["userErrors"] == []
    gaps = client.ask("{ ownershipGaps { totalCount nodes { name } } }")["ownershipGaps"]
    assert {row["name"] for row in gaps["nodes"]} == {"orders", "other", "packer"}
    assert gaps["totalCount"] == 3
    coverage = client.ask("{ ownershipCoverage(by: KIND) { value total none } }")["ownershipCoverage"]
    assert {(row["value"], row["total"], row["none"]) for row in coverage} == {("Resource", 2, 2), ("Component", 1, 1)}


def test_cycles_unresolved_and_identifiers(demo: Client) -> None:
    answer = demo.ask(
        """{ cycles { totalCount nodes { members { ref } } }
          unresolvedRefs { nodes { ref __typename } }
          resolve(identifier: "git@github.com:brambleway/identity.git") { ref __typename }
          nothing: entity(ref: "component:nope") { ref }
          some: entities(refs: ["component:nope", "component:identity"]) { nodes { ref } } }"""
    )
    members = [[row["ref"].split("/")[1] for row in cycle["members"]] for cycle in answer["cycles"]["nodes"]]
    assert members == [["basket", "pricing", "promotions"], ["route-planner"]]
    assert {row["__typename"] for row in answer["unresolvedRefs"]["nodes"]} == {"UnresolvedEntity"}
    assert answer["resolve"] == [{"ref": "repository:default/identity", "__typename": "Repository"}]
    assert answer["nothing"] is None
    assert answer["some"]["nodes"] == [None, {"ref": "component:default/identity"}]


BAD: list[tuple[str, str]] = [
    ('{ entity(ref: "no ref") { ref } }', "BAD_REF"),
    ('{ entity(ref: "component:default/x\'}) DETACH DELETE n //") { ref } }', "BAD_REF"),
    ('{ node(id: "AAAA") { id } }', "BAD_REF"),
    ('{ impact(of: ["component:nope"]) { totalCount } }', "NOT_FOUND"),
    ('{ impact(of: ["component:identity"], walk: {maxDepth: 51}) { totalCount } }', "TOO_DEEP"),
    ('{ impact(of: ["component:identity"], walk: {relations: [OWNED_BY]}) { totalCount } }', "BAD_INPUT"),
    ("{ impact { totalCount } }", "BAD_INPUT"),
    ('{ entity(ref: "component:identity") { dependencies(relations: []) { totalCount } } }', "BAD_INPUT"),
    (
        '{ paths(from: "component:identity", to: "component:identity", walk: {keep: {name: {eq: "a"}}}) { more } }',
        "BAD_INPUT",
    ),
    (
        '{ paths(from: "component:identity", to: "component:identity", walk: {budget: {entities: 9}}) { more } }',
        "BAD_INPUT",
    ),
    (
        '{ paths(from: "component:identity", to: "component:identity", walk: {budget: {entities: 200000}}) { more } }',
        "BAD_INPUT",
    ),
    ("{ services(first: 0) { totalCount } }", "BAD_PAGE"),
    ("{ services(first: -1) { totalCount } }", "BAD_PAGE"),
    ("{ services(first: 101) { totalCount } }", "BAD_PAGE"),
    ("{ services(first: 1, last: 1) { totalCount } }", "BAD_PAGE"),
    ("{ services(first: 2147483648) { totalCount } }", "GRAPHQL_INVALID"),
    ('{ services(after: "garbage") { totalCount } }', "BAD_CURSOR"),
    ('{ entities(filter: {kind: {eq: "Servce"}}) { totalCount } }', "UNKNOWN_KIND"),
    (
        '{ services(filter: {or: [{kind: {eq: "API"}}, {not: {kind: {in: ["Servce"]}}}]}) { totalCount } }',
        "UNKNOWN_KIND",
    ),
    (
        '{ entities(filter: {related: [{direction: OUT, none: {and: [{kind: {eq: "Servce"}}]}}]}) { totalCount } }',
        "UNKNOWN_KIND",
    ),
    ('{ impact(of: ["component:identity"], walk: {keep: {kind: {eq: "Servce"}}}) { totalCount } }', "UNKNOWN_KIND"),
    ('{ impact(of: ["component:identity"], walk: {through: {kind: {eq: "Servce"}}}) { totalCount } }', "UNKNOWN_KIND"),
    ('{ search(text: "a", filter: {kind: {eq: "Servce"}}) { totalCount } }', "UNKNOWN_KIND"),
    ('{ search(text: "a b c d e f g h i j k") { totalCount } }', "TOO_LARGE"),
    ('{ search(text: "a", first: 101) { totalCount } }', "BAD_PAGE"),
    ('{ entities(filter: {labels: [{key: "team"}]}) { totalCount } }', "BAD_INPUT"),
    ('{ entities(filter: {not: {annotations: [{key: "team", eq: null}]}}) { totalCount } }', "BAD_INPUT"),
    (
        '{ impact(of: ["component:identity"], walk: {linkWhere: {properties: [{key: "port"}]}}) { totalCount } }',
        "BAD_INPUT",
    ),
    ('{ impact(of: ["component:identity"]) { unowned(first: 0) { ref } } }', "BAD_PAGE"),
    ('{ impact(of: ["component:identity"]) { unowned(first: 101) { ref } } }', "BAD_PAGE"),
    (
        '{ impact(of: ["component:identity"], walk: {budget: {seconds: 1e-6}}) { unowned { ref } } }',
        "DEADLINE_EXCEEDED",
    ),
    ("{ nothing }", "GRAPHQL_INVALID"),
    ('{ entities(filter: {updatedAt: {gt: "0001-01-01T00:00:00+14:00"}}) { totalCount } }', "BAD_INPUT"),
    ('{ entities(filter: {text: "a b c d e f g h i j k"}) { totalCount } }', "TOO_LARGE"),
]


@pytest.mark.parametrize(("query", "code"), BAD)
def test_bad_input_has_a_code(demo: Client, query: str, code: str) -> None:
    assert demo.code(query) == code


def test_a_condition_on_a_key_says_what_it_lacks(demo: Client) -> None:
    (error,) = demo.post('{ entities(filter: {labels: [{key: "team"}]}) { totalCount } }')["errors"]
    assert all(text in error["message"] for text in ("`eq`", "`contains`", "'team'"))


def test_a_former_ref_asks_for_what_it_is_called_now(demo: Client) -> None:
    now = demo.ask('{ resolve(identifier: "component:default/pattern-library") { ref } }')["resolve"]
    assert [demo.ask('{ entity(ref: "component:pattern-library") { ref } }')["entity"]] == now
    asked = "query($of: [String!]!) { impact(of: $of) { totalCount } }"
    answers = [demo.ask(asked, of=[ref]) for ref in ("component:pattern-library", now[0]["ref"])]
    assert answers[0] == answers[1]
    (error,) = demo.post(asked, of=["component:pattern-library", "component:nope"])["errors"]
    assert error["message"] == "nothing declares or points to component:default/nope"


def test_every_missing_end_of_a_path_is_named(demo: Client) -> None:
    (error,) = demo.post('{ paths(from: "component:no", to: "component:none") { more } }')["errors"]
    assert error["extensions"] == {"code": "NOT_FOUND", "refs": ["component:default/no", "component:default/none"]}


def test_lists_of_ids_refs_and_owners_are_bounded(demo: Client) -> None:
    id_ = demo.ask('{ entity(ref: "component:identity") { id } }')["entity"]["id"]
    nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert demo.ask(nodes, ids=[id_] * 1_000)["nodes"] == [{"id": id_}] * 1_000
    assert demo.code(nodes, ids=[id_] * 1_001) == "TOO_LARGE"
    refs = ["group:security"] * 1_001
    assert demo.code("query($refs: [String!]!) { entities(refs: $refs) { nodes { ref } } }", refs=refs) == "TOO_LARGE"
    owned = "query($refs: [String!]!) { entities(filter: {ownedBy: {refs: $refs}}) { totalCount } }"
    assert demo.code(owned, refs=refs) == "TOO_LARGE"


def test_a_field_that_fails_leaves_the_answers_of_the_others(demo: Client) -> None:
    body = demo.post(
        """{ broken: services(first: 0) { totalCount } services(first: 1) { totalCount }
          impact(of: ["component:nope"]) { totalCount } entity(ref: "component:identity") { ref } }"""
    )
    assert body["data"] == {
        "broken": None,
        "services": {"totalCount": 42},
        "impact": None,
        "entity": {"ref": "component:default/identity"},
    }
    assert {error["path"][0]: error["extensions"]["code"] for error in body["errors"]} == {
        "broken": "BAD_PAGE",
        "impact": "NOT_FOUND",
    }


def test_no_root_field_takes_the_others_with_it(demo: Client) -> None:
    root = demo.ask(
        "{ __schema { queryType { fields { name type { kind } } } mutationType { fields { name type { kind } } } } }"
    )["__schema"]
    fields = [*root["queryType"]["fields"], *root["mutationType"]["fields"]]
    assert [field["name"] for field in fields if field["type"]["kind"] == "NON_NULL"] == []


def test_a_cursor_of_another_question_is_refused(demo: Client) -> None:
    cursor = demo.ask(PAGE, first=1)["services"]["pageInfo"]["endCursor"]
    assert demo.code("query($after: String) { apis(after: $after) { totalCount } }", after=cursor) == "BAD_CURSOR"
    assert demo.code(f'{{ services(after: "{cursor}", filter: {{tier: {{eq: 1}}}}) {{ totalCount }} }}') == "BAD_CURSOR"


def test_every_field_and_argument_is_described(demo: Client) -> None:
    types = demo.ask(
        "{ __schema { types { name description fields { name description args { name description } } "
        "inputFields { name description } } } }"
    )["__schema"]["types"]
    silent: list[Any] = []
    for type_ in types:
        for field in [*(type_["fields"] or ()), *(type_["inputFields"] or ())]:
            silent += [(type_["name"], field["name"])] if not field["description"] else []
            silent += [
                (type_["name"], field["name"], row["name"]) for row in field.get("args", ()) if not row["description"]
            ]
    assert [row for row in silent if not row[0].startswith("__")] == []
