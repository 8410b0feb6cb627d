from typing import Any

import pytest

from graph_api.catalog.entity import Criticality, EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.kinds import KINDS
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import ProblemCode, Severity
from graph_api.sources.descriptors import FOREIGN_FIELDS, Reading, is_descriptor, read_descriptor
from graph_api.sources.fields import MAX_LONG_TEXT, Origin
from graph_api.sources.yaml_documents import read_yaml

HEAD = "apiVersion: backstage.io/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\n"


def read(text: str) -> Reading:
    document = read_yaml(text)[0]
    return read_descriptor(document.value, Origin("a.yaml", document.line_of))


def entity(spec: dict[str, Any], kind: str = "Component", **metadata: Any) -> Reading:
    """An entity named `x` in namespace `shop`, as the API hands it over."""
    document = {"kind": kind, "metadata": {"name": "x", "namespace": "shop", **metadata}, "spec": spec}
    return read_descriptor(document, Origin("api"))


def ends(reading: Reading) -> list[tuple[str, str, str]]:
    return [link.key[:3] for link in reading.links]


def codes(reading: Reading) -> list[str]:
    return [problem.code.value for problem in reading.problems]


def test_a_descriptor_becomes_a_statement_and_links_with_their_lines() -> None:
    reading = read(
        """\
apiVersion: backstage.io/v1alpha1
kind: component
metadata:
  name: Orders
  namespace: Shop
  title: no
  description: 1.10
  tags: [java, 1.10, java]
  labels: {pci: true, zone: 0777}
  annotations:
    backstage.io/kubernetes-id: orders
    graph-api/former-refs: hamper-orders, api:default/old
  links:
    - url: https://example.com/a b
      title: Dashboard
      other: dropped
spec:
  type: service
  lifecycle: production
  tier: 1
  active: false
  owner: Checkout
  dependsOn:
    - resource:default/postgres
    - ref: resource:default/postgres
      environment: production
      criticality: soft
      confidence: 0.5
      properties: {port: 5432}
  replicas: 3
"""
    )
    orders = Ref("component:shop/orders")
    assert reading.problems == ()
    assert reading.entity == EntityStatement(
        ref=orders,
        name="Orders",
        kind="Component",
        document="a.yaml",
        location="a.yaml:1",
        type="service",
        title="no",
        description="1.10",
        lifecycle="production",
        tier=1,
        active=False,
        tags=("java", "1.10"),
        labels={"pci": "true", "zone": "0777"},
        annotations={"backstage.io/kubernetes-id": "orders", "graph-api/former-refs": "hamper-orders, api:default/old"},
        links=({"url": "https://example.com/a b", "title": "Dashboard"},),
        spec={
            "type": "service",
            "lifecycle": "production",
            "tier": 1,
            "active": False,
            "owner": "Checkout",
            "dependsOn": [
                "resource:default/postgres",
                {
                    "ref": "resource:default/postgres",
                    "environment": "production",
                    "criticality": "soft",
                    "confidence": 0.5,
                    "properties": {"port": 5432},
                },
            ],
            "replicas": 3,
        },
        identifiers=("api:default/old", "component:shop/hamper-orders", "kubernetes-id:orders", "orders"),
    )
    postgres = Ref("resource:default/postgres")
    assert reading.links == (
        LinkStatement(key=LinkKey(orders, "DEPENDS_ON", postgres, None), document="a.yaml", location="a.yaml:24"),
        LinkStatement(
            key=LinkKey(orders, "DEPENDS_ON", postgres, "production"),
            document="a.yaml",
            location="a.yaml:25",
            criticality=Criticality.SOFT,
            confidence=0.5,
            properties={"port": 5432},
        ),
        LinkStatement(
            key=LinkKey(orders, "OWNED_BY", Ref("group:shop/checkout"), None),
            document="a.yaml",
            location="a.yaml:22",
            properties={"role": "OWNER", "primary": True},
        ),
    )


@pytest.mark.parametrize(
    ("kind", "field", "value", "expected"),
    [
        ("Component", "owner", "a", ("component:shop/x", "OWNED_BY", "group:shop/a")),
        ("Component", "owner", "user:default/a", ("component:shop/x", "OWNED_BY", "user:default/a")),
        ("Component", "system", "a", ("component:shop/x", "PART_OF", "system:shop/a")),
        ("Component", "subcomponentOf", "a", ("component:shop/x", "PART_OF", "component:shop/a")),
        ("System", "domain", "b/a", ("system:shop/x", "PART_OF", "domain:b/a")),
        ("Domain", "subdomainOf", "a", ("domain:shop/x", "PART_OF", "domain:shop/a")),
        ("System", "hasPart", "component:a", ("component:shop/a", "PART_OF", "system:shop/x")),
        ("Component", "dependsOn", "resource:a", ("component:shop/x", "DEPENDS_ON", "resource:shop/a")),
        ("Resource", "dependencyOf", "component:a", ("component:shop/a", "DEPENDS_ON", "resource:shop/x")),
        ("Component", "consumesApis", "a", ("component:shop/x", "CONSUMES_API", "api:shop/a")),
        ("API", "apiConsumedBy", "a", ("component:shop/a", "CONSUMES_API", "api:shop/x")),
        ("Component", "providesApis", "a", ("api:shop/a", "PROVIDED_BY", "component:shop/x")),
        ("API", "apiProvidedBy", "a", ("api:shop/x", "PROVIDED_BY", "component:shop/a")),
        ("Pipeline", "readsFrom", "a", ("pipeline:shop/x", "READS_FROM", "dataset:shop/a")),
        ("Pipeline", "writesTo", "a", ("dataset:shop/a", "WRITTEN_BY", "pipeline:shop/x")),
        ("Component", "runsOn", "a", ("component:shop/x", "RUNS_ON", "resource:shop/a")),
        ("Component", "deployedTo", "a", ("component:shop/x", "DEPLOYED_TO", "environment:shop/a")),
        ("Component", "builtFrom", "a", ("component:shop/x", "BUILT_FROM", "repository:shop/a")),
        ("Group", "parent", "a", ("group:shop/x", "CHILD_OF", "group:shop/a")),
        ("Group", "children", "a", ("group:shop/a", "CHILD_OF", "group:shop/x")),
        ("Group", "members", "a", ("user:shop/a", "MEMBER_OF", "group:shop/x")),
        ("Group", "ownerOf", "system:a", ("system:shop/a", "OWNED_BY", "group:shop/x")),
        ("User", "memberOf", "a", ("user:shop/x", "MEMBER_OF", "group:shop/a")),
        ("AiResource", "system", "a", ("airesource:shop/x", "PART_OF", "system:shop/a")),
    ],
)
def test_a_relation_field_takes_kind_and_namespace_from_where_it_stands(
    kind: str, field: str, value: str, expected: tuple[str, str, str]
) -> None:
    for spelled in (value, [value], {"ref": value}, [{"ref": value}, value]):
        reading = entity({field: spelled}, kind)
        assert (ends(reading), codes(reading)) == ([expected], [])


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"owner": "a"}, [("group:shop/a", "OWNER", True)]),
        ({"owners": ["a", "b"]}, [("group:shop/a", "OWNER", True), ("group:shop/b", "OWNER", False)]),
        ({"owners": ["a", {"ref": "b", "primary": True, "role": "on-call"}]},
         [("group:shop/a", "OWNER", False), ("group:shop/b", "ON_CALL", True)]),
        ({"owner": "a", "owners": [{"ref": "b", "role": "SECURITY"}]},
         [("group:shop/a", "OWNER", True), ("group:shop/b", "SECURITY", False)]),
        ({"owner": "a", "owners": [{"ref": "b", "primary": True}]},
         [("group:shop/a", "OWNER", False), ("group:shop/b", "OWNER", True)]),
        ({"owner": "a", "owners": ["b", {"ref": "group:shop/A", "role": "TECH_LEAD"}]},
         [("group:shop/a", "TECH_LEAD", True), ("group:shop/b", "OWNER", False)]),
        ({"owner": "Ask Piet!", "owners": ["b"]}, [("group:shop/b", "OWNER", True)]),
        ({"owner": None, "owners": []}, []),
    ],
)  # fmt: skip  # a table
def test_one_owner_is_primary(spec: dict[str, Any], expected: list[tuple[str, str, bool]]) -> None:
    links = entity(spec).links
    assert [(str(link.key.target), link.properties["role"], link.properties["primary"]) for link in links] == expected


@pytest.mark.parametrize(
    ("spec", "code", "said", "links"),
    [
        ({"owner": "Warehouse crew (ask Piet!)"}, "BAD_REF", "spec.owner", 0),
        ({"owner": "${{values.owner}}"}, "BAD_REF", "spec.owner", 0),
        ({"owner": ["a", ["b"]]}, "BAD_REF", "spec.owner[1]: a ref is missing", 1),
        ({"owner": {"role": "OWNER"}}, "BAD_REF", "spec.owner: a ref is missing", 0),
        ({"owner": "component:a"}, "BAD_LINK_END", "OWNED_BY", 1),
        ({"owners": [{"ref": "a", "primary": True}, {"ref": "b", "primary": True}]}, "INVALID", "more than one", 2),
        ({"owners": [{"ref": "a", "primary": "maybe"}]}, "INVALID", "primary must be", 1),
        ({"dependsOn": ["a"]}, "BAD_REF", "'a': the kind is missing", 0),
        ({"dependsOn": ["resource:a/b/c"]}, "BAD_REF", "not of the form", 0),
        ({"dependsOn": ["resource:a", {"criticality": "SOFT"}]}, "BAD_REF", "spec.dependsOn[1]: a ref is missing", 1),
        (
            {"dependsOn": ["resource:session.cache/v2"]},
            "BAD_REF",
            "the namespace 'session.cache' may hold only letters a-z, digits and single - between them",
            0,
        ),
        ({"dependsOn": ["resource:a--b/v2"]}, "BAD_REF", "digits and single - between them", 0),
        ({"dependsOn": ["resource:a/v2."]}, "BAD_REF", "the name 'v2.' may hold only letters a-z, digits and - _ .", 0),
        ({"dependsOn": ["my-resource:a"]}, "BAD_REF", "may hold only letters a-z and digits, a letter first", 0),
        ({"dependsOn": [{"ref": "resource:a", "criticality": "MEDIUM"}]}, "INVALID", "criticality must be", 1),
        ({"dependsOn": [{"ref": "resource:a", "confidence": 1.5}]}, "INVALID", "confidence must be", 1),
        ({"dependsOn": [{"ref": "resource:a", "confidence": "nan"}]}, "INVALID", "confidence must be", 1),
        ({"dependsOn": [{"ref": "resource:a", "confidence": True}]}, "INVALID", "confidence must be", 1),
        ({"dependsOn": [{"ref": "resource:a", "environment": ["p"]}]}, "INVALID", "environment must be", 1),
        ({"dependsOn": [{"ref": "resource:a", "properties": "p"}]}, "INVALID", "properties must be", 1),
        ({"dependsOn": [{"ref": "resource:a", "critcality": "SOFT"}]}, "INVALID", "critcality", 1),
        ({"consumesApis": ["component:a"]}, "BAD_LINK_END", "CONSUMES_API", 1),
        ({"type": ["service"]}, "INVALID", "spec.type must be text", 0),
        ({"tier": "high"}, "INVALID", "spec.tier must be", 0),
        ({"tier": -1}, "INVALID", "spec.tier must be", 0),
        ({"tier": True}, "INVALID", "spec.tier must be", 0),
        ({"active": "perhaps"}, "INVALID", "spec.active must be", 0),
    ],
)
def test_what_is_wrong_in_a_part_leaves_the_rest(spec: dict[str, Any], code: str, said: str, links: int) -> None:
    reading = entity(spec)
    assert reading.entity is not None
    [problem] = reading.problems
    assert (problem.code, problem.severity, problem.ref) == (code, Severity.WARNING, "component:shop/x")
    assert said in problem.message
    assert len(reading.links) == links


def test_problems_stand_at_the_line_of_what_is_wrong() -> None:
    reading = read(
        HEAD.format(kind="Component", name="x")
        + "  annotations:\n    graph-api/former-refs: 'a b:c:d'\nspec:\n  owner: 'not a ref'\n"
        + "  dependsOn:\n    - resource:ok\n    - ref: resource:y\n      criticality: LOW\n"
    )
    assert [(problem.code, problem.line) for problem in reading.problems] == [
        (ProblemCode.INVALID, 12),
        (ProblemCode.BAD_REF, 8),
        (ProblemCode.BAD_REF, 6),
    ]
    assert reading.entity
    assert reading.entity.identifiers == ("component:default/a",)


@pytest.mark.parametrize(
    ("document", "code", "said"),
    [
        ({"metadata": {"name": "x"}}, "INVALID", "kind is missing"),
        ({"kind": "Component"}, "INVALID", "metadata is missing"),
        ({"kind": "Component", "metadata": []}, "INVALID", "metadata is missing"),
        ({"kind": "Component", "metadata": {}}, "INVALID", "metadata.name is missing"),
        ({"kind": "Component", "metadata": {"name": {"a": "b"}}}, "INVALID", "name must be text"),
        ({"kind": "Component", "metadata": {"name": "a b"}}, "INVALID", "'a b'"),
        ({"kind": "Component", "metadata": {"name": "x" * 64}}, "INVALID", "64 characters"),
        ({"kind": "Component", "metadata": {"name": "x", "namespace": "a_b"}}, "INVALID", "namespace"),
        ({"kind": "Component", "metadata": {"name": "${{ values.name }}"}}, "TEMPLATE", "name holds"),
        ({"kind": "Component", "metadata": {"name": "{% if a %}"}}, "TEMPLATE", "name holds"),
        ({"kind": "Component", "metadata": {"name": "x", "namespace": "${{ n }}"}}, "TEMPLATE", "namespace holds"),
        ({"kind": "${{ values.kind }}", "metadata": {"name": "x"}}, "TEMPLATE", "kind holds"),
        ({"kind": "Component", "metadata": {"name": "x", "title": "a\0b"}}, "INVALID", "U+0000"),
        ({"kind": "Component", "metadata": {"name": "x"}, "spec": {"a\ud800": 1}}, "INVALID", "surrogate"),
        ({"kind": "Component", "metadata": {"name": "x"}, "spec": {"a": 2**64}}, "INVALID", "64 bits"),
        ({"kind": "Component", "metadata": {"name": "x"}, "spec": {"a": float("nan")}}, "INVALID", "finite"),
        ({"kind": "Component", "metadata": {"name": "x"}, "spec": {"a": [0] * 100_000}}, "TOO_LARGE", "values"),
    ],
)
def test_a_document_without_a_proper_name_or_content_is_refused(document: dict[str, Any], code: str, said: str) -> None:
    reading = read_descriptor(document, Origin("api"))
    assert (reading.entity, reading.links) == (None, ())
    [problem] = reading.problems
    assert (problem.code, problem.severity, problem.path, problem.line) == (code, Severity.REFUSED, "api", None)
    assert said in problem.message


def test_nesting_is_measured_without_recursion() -> None:
    value: Any = "x"
    for _ in range(100_000):
        value = [value]
    assert codes(entity({"a": value})) == ["TOO_LARGE"]


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", " JavaScript:alert(1)", "java\nscript:alert(1)", "\x01javascript:alert(1)",
     "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:x", "", "x" * 3000, None],
)  # fmt: skip  # a list of words
def test_links_that_a_browser_must_not_open_are_dropped(url: str | None) -> None:
    reading = entity(
        {}, links=[{"url": url}, {"url": "mailto:a@example.com"}, {"url": "slack://channel?id=C1"}, "/docs"]
    )
    assert reading.entity
    assert [link["url"] for link in reading.entity.links] == ["mailto:a@example.com", "slack://channel?id=C1"]
    assert codes(reading) == ["INVALID", "INVALID"]


def test_a_hopeless_document_does_not_fill_the_report() -> None:
    reading = entity({"dependsOn": ["nonsense"] * 5000, "tier": "high"})
    assert reading.entity
    assert len(reading.problems) == 100
    assert "not listed" in reading.problems[-1].message


def test_overlong_texts_are_dropped() -> None:
    fits, too_long = "x" * MAX_LONG_TEXT, "x" * (MAX_LONG_TEXT + 1)
    reading = entity({"type": "y" * 2000}, title=fits, description=too_long, tags=["z" * 2000, "ok"])
    assert reading.entity
    said = reading.entity
    assert (said.title, said.description, said.type, said.tags) == (fits, None, None, ("ok",))
    assert codes(reading) == ["INVALID"] * 3


def test_unknown_kinds_keep_their_spelling_and_spec() -> None:
    reading = entity({"agents": ["a"], "owner": "b"}, "AiResource")
    assert reading.entity
    assert (reading.entity.ref, reading.entity.kind) == ("airesource:shop/x", "AiResource")
    assert reading.entity.spec == {"agents": ["a"], "owner": "b"}


@pytest.mark.parametrize(
    ("version", "kind", "spec", "expected"),
    [
        ("backstage.io/v1alpha1", "Anything", None, True),
        ("scaffolder.backstage.io/v1beta3", "Template", {}, True),
        ("notbackstage.io/v1", "Component", {}, False),
        ("devtools.example/v1alpha1", "Component", {"owner": "a", "type": "service"}, True),
        ("devtools.example/v1alpha1", "User", {"memberOf": []}, True),
        ("devtools.example/v1alpha1", "Location", {"targets": []}, True),
        ("devtools.example/v1alpha1", "AiResource", {"owner": "a"}, False),
        ("catalog.example/v1", "Anything", {}, True),
        ("a.catalog.example/v1", "Anything", {}, True),
        ("dapr.io/v1alpha1", "Component", {"type": "state.redis", "version": "v1", "metadata": []}, False),
        ("kustomize.config.k8s.io/v1alpha1", "Component", None, False),
        ("argoproj.io/v1alpha1", "Application", {"project": "default"}, False),
        ("core.oam.dev/v1alpha2", "Component", {"workload": {}}, False),
        ("v1", "User", {"memberOf": []}, False),
        (None, "Component", {"owner": "a"}, False),
        ("backstage.io/v1alpha1", ["Component"], {"owner": "a"}, True),
        ("backstage.io/v1alpha1", None, {"owner": "a"}, True),
        ("tekton.dev/v1", ["Component"], {"owner": "a"}, False),
    ],
)
def test_which_documents_are_descriptors(version: object, kind: object, spec: object, expected: bool) -> None:
    assert is_descriptor({"apiVersion": version, "kind": kind, "spec": spec}, ["catalog.example"]) is expected


def test_only_mappings_are_descriptors() -> None:
    assert not any(is_descriptor(document) for document in (None, "text", ["kind: Component"], 7))


def test_every_kind_of_backstage_is_known_in_other_groups() -> None:
    assert set(FOREIGN_FIELDS) == {key for key, kind in KINDS.items() if kind.backstage}
