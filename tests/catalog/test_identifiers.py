import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_api.catalog.correlation import NO_RULES, SCHEMES, joining
from graph_api.catalog.identifiers import (
    MAX_IDENTIFIER,
    definition_name,
    identifiers_of,
    normalize_identifier,
    repository_url,
    repository_urls,
)
from graph_api.catalog.ref import Ref

REPOSITORY = "https://github.com/brambleway/checkout"


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/brambleway/checkout",
        "https://github.com/Brambleway/Checkout/",
        "http://www:token@github.com:80/brambleway/checkout.git",
        "https://github.com:443/brambleway/checkout",
        "https://oauth2:to@ken@github.com/brambleway/checkout.git",
        "https://user:pass/wo?rd@github.com/brambleway/checkout.git",
        "https://github.com/brambleway/checkout.git/",
        "https://github.com/brambleway/checkout#readme",
        "git+https://github.com/brambleway/checkout.git",
        "git://github.com/brambleway/checkout.git",
        "ssh://git@github.com/brambleway/checkout.git",
        "ssh://git@github.com:22/brambleway/checkout",
        "git+ssh://git@github.com/brambleway/checkout",
        "git@github.com:brambleway/checkout.git",
        "git@github.com:/brambleway/checkout",
        "github.com:brambleway/checkout",
        "github.com/brambleway/checkout",
        "url:https://github.com/brambleway/checkout",
        "  https://github.com/brambleway/checkout\n",
    ],
)
def test_every_spelling_of_a_repository_is_one_identifier(text: str) -> None:
    assert normalize_identifier(text) == REPOSITORY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("registry.example:5000/shop/checkout:1.2.3@sha256:0a1b", "registry.example:5000/shop/checkout"),
        ("docker.io/grafana/grafana:11", "grafana/grafana"),
        ("oci://ghcr.io/Org/Chart:1", "ghcr.io/org/chart"),
        ("gitlab.example.com:5050/group/image:1", "gitlab.example.com:5050/group/image"),
        ("redis@sha256:0a1b", "redis@sha256:0a1b"),
        ("ARN:aws:lambda:eu-north-1:1:function:PlaceOrder", "arn:aws:lambda:eu-north-1:1:function:PlaceOrder"),
        ("@Brambleway/Checkout-Crew", "@brambleway/checkout-crew"),
        ("mailto:Ada@Example.COM", "ada@example.com"),
        ("Component:Default/Orders", "component:default/orders"),
        ("component:Orders", "component:default/orders"),
        ("Orders.Example.COM", "orders.example.com"),
        ("https://orders.example.com:8443/v1/", "https://orders.example.com:8443/v1"),
        ("pkg:npm/left-pad@1.3.0", "pkg:npm/left-pad@1.3.0"),
        ("x" * (MAX_IDENTIFIER + 1), "x" * (MAX_IDENTIFIER + 1)),
        ("jdbc:postgresql://user:pass@db.example/orders", "jdbc:postgresql://db.example/orders"),
        ("https://web.example:8443/@ada/notes", "https://web.example:8443/@ada/notes"),
        ("http://[::1]:8080/@ada", "http://[::1]:8080/@ada"),
        ("X" * MAX_IDENTIFIER, "x" * MAX_IDENTIFIER),
        (" ", ""),
    ],
)
def test_other_names_have_one_spelling_each(text: str, expected: str) -> None:
    assert normalize_identifier(text) == expected


PIECES = ["https://", "ssh://", "git@", "git.", "github.com", "docker.io/", "/", ":", "a", ".git", "@sha256:ab", "url:",
          "80", "?", "#", " ", "component:", "org/repo", "arn:", "mailto:"]  # fmt: skip  # a list of words


@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join) | st.text(max_size=30))
def test_normalizing_twice_changes_nothing(text: str) -> None:
    once = normalize_identifier(text)
    assert normalize_identifier(once) == once
    whole = repository_url(text)
    assert whole is None or repository_url(whole) == whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("url:https://github.com/brambleway/checkout/tree/main/services/orders", REPOSITORY),
        ("https://github.com/brambleway/checkout/blob/main/catalog-info.yaml?plain=1", REPOSITORY),
        ("https://github.com/brambleway/checkout/issues/7", REPOSITORY),
        ("https://gitlab.example/a/b/c/-/tree/main/d", "https://gitlab.example/a/b/c"),
        ("https://gitlab.example/a/b/c", "https://gitlab.example/a/b/c"),
        ("https://bitbucket.org/a/b/src/main/x", "https://bitbucket.org/a/b"),
        ("https://user:to?ken@gitlab.example/a/b?private_token=x", "https://gitlab.example/a/b"),
        ("git@gitlab.example:a/b/c.git", "https://gitlab.example/a/b/c"),
        ("https://github.com/brambleway", None),
        ("dir:.", None),
        ("checkout", None),
    ],
)
def test_a_place_in_a_repository_names_the_repository(text: str, expected: str | None) -> None:
    assert repository_url(text) == expected


def test_what_a_descriptor_states() -> None:
    annotations = {
        "github.com/project-slug": "brambleway/Checkout",
        "backstage.io/source-location": "url:https://github.com/brambleway/checkout/tree/main/orders/",
        "backstage.io/kubernetes-id": "orders",
        "graph-api/identifiers": "orders.example.com, https://orders.example.com/",
        "docker.com/repository": "registry.example/shop/orders:1",
        "github.com/team-slug": "brambleway/checkout-crew",
        "github.com/user-login": "Karin-B",
        "jira/all-issues-jql": "project = ORD",
    }
    spec = {"profile": {"email": "Karin@example.com"}, "url": "https://git.example/a/b.git"}
    everywhere = ["https://orders.example.com", "orders", "orders.example.com", "registry.example/shop/orders"]
    everywhere += ["kubernetes-id:orders", "image:registry.example/shop/orders"]
    folder = f"{REPOSITORY}/tree/main/orders"
    expected = {
        "repository": [REPOSITORY, "https://git.example/a/b"],
        "component": [folder],
        "group": [folder, "@brambleway/checkout-crew", "karin@example.com"],
        "user": [folder, "@karin-b", "karin@example.com"],
    }
    for kind, own in expected.items():
        assert identifiers_of(kind, annotations, spec) == tuple(sorted(everywhere + own)), kind
    assert repository_urls(annotations) == (REPOSITORY,)
    assert identifiers_of("component", {}, {}) == ()


@pytest.mark.parametrize(
    ("annotation", "value", "stated"),
    [
        ("backstage.io/kubernetes-id", "Orders", ["kubernetes-id:orders", "orders"]),
        ("argocd/app-name", " orders-prod ", ["argocd:orders-prod", "orders-prod"]),
        ("graph-api/service-name", "orders", ["orders", "service.name:orders"]),
        ("opentelemetry.io/service.name", "shop/orders", ["service.name:shop/orders", "shop/orders"]),
        ("resource.opentelemetry.io/service.name", "orders", ["orders", "service.name:orders"]),
        ("pagerduty.com/service-id", "PORD1", ["pagerduty:pord1", "pord1"]),
        ("jira/project-key", "ORD", ["jira:ord", "ord"]),
        ("graph-api/host", "a.example, b.example", ["a.example", "b.example", "host:a.example", "host:b.example"]),
        ("graph-api/image", "redis:7", ["image:docker.io/library/redis", "redis:7"]),
        ("graph-api/image", "redis:7, ", ["image:docker.io/library/redis", "redis:7"]),
        ("graph-api/image", "localhost/Orders:1", ["image:localhost/orders", "localhost/orders"]),
        ("graph-api/image", "mirror:5000/orders:1", ["image:mirror:5000/orders", "mirror:5000/orders"]),
        (
            "docker.com/repository",
            "registry.example:5000/orders@sha256:0a1b, docker.io/shop/orders:2",
            [
                "image:docker.io/shop/orders",
                "image:registry.example:5000/orders",
                "registry.example:5000/orders",
                "shop/orders",
            ],
        ),
        ("amazonaws.com/arn", "arn:aws:sqs:eu-north-1:1:Orders", ["arn:aws:sqs:eu-north-1:1:Orders"]),
        ("graph-api/identifiers", "kubernetes:shop/orders", ["kubernetes:shop/orders"]),
        ("graph-api/service-name", "", []),
    ],
)
def test_what_other_tools_know_is_stated_as_they_state_it(annotation: str, value: str, stated: list[str]) -> None:
    identifiers = identifiers_of("component", {annotation: value}, {})
    assert identifiers == tuple(stated)
    strong = [name for name in identifiers if name.partition(":")[0] in ("arn", *SCHEMES)]
    assert joining(Ref("component:default/orders"), identifiers, NO_RULES) == strong


@pytest.mark.parametrize(
    ("kind", "annotations", "url", "stated"),
    [
        ("repository", {}, f"{REPOSITORY}/tree/main/orders", [REPOSITORY]),
        ("repository", {}, "no address", ["no address"]),
        ("repository", {"github.com/project-slug": "/brambleway/checkout/ "}, None, [REPOSITORY]),
        ("component", {"backstage.io/source-location": f"{REPOSITORY}/tree/main/orders"}, None,
         [f"{REPOSITORY}/tree/main/orders"]),
        ("component", {"backstage.io/source-location": "dir:./orders"}, None, []),
        ("group", {"github.com/team-slug": " @brambleway/crew"}, None, ["@brambleway/crew"]),
        ("component", {"graph-api/identifiers": f"{'x' * MAX_IDENTIFIER},{'y' * (MAX_IDENTIFIER + 1)}"}, None,
         ["x" * MAX_IDENTIFIER]),
    ],
)  # fmt: skip  # a table
def test_how_a_descriptor_may_state_it(
    kind: str, annotations: dict[str, str], url: str | None, stated: list[str]
) -> None:
    assert identifiers_of(kind, annotations, {"url": url}) == tuple(stated)


def test_an_api_is_named_by_its_definition() -> None:
    names = {identifiers_of("api", {}, {"definition": text}) for text in ("openapi: 3.1.0", "\nopenapi: 3.1.0\n")}
    (stated,) = names
    assert joining(Ref("api:default/orders"), stated, NO_RULES) == [definition_name("openapi: 3.1.0")]
    assert identifiers_of("component", {}, {"definition": "openapi: 3.1.0"}) == ()
    assert [identifiers_of("api", {}, {"definition": other}) for other in (" ", None)] == [(), ()]
    assert definition_name("\ud800") != definition_name("openapi: 3.1.0")
