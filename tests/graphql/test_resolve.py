"""Names as people paste them, from a terminal or an alert, find what some tool calls exactly so."""

from typing import Any

import pytest

from graph_api.catalog.identifiers import MAX_IDENTIFIER
from tests.graphql.conftest import Client

REGISTRY = "registry.brambleway.example"
KAFKA = f"resource:image/{REGISTRY}-mirror-kafka"
CHECKOUT = ["component:default/checkout", f"resource:image/{REGISTRY}-shop-checkout"]
POSTGRES = "postgres-core.cluster-c1brambleway.eu-north-1.rds.amazonaws.com"
DEPOT = "edge-a.lund.depots.brambleway.example"
DIGEST = "sha256:" + "0a" * 32


def resolve(client: Client, text: str) -> list[str]:
    found = client.ask("query Q($text: String!) { resolve(identifier: $text) { ref } }", text=text)["resolve"]
    return [row["ref"] for row in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{REGISTRY}/mirror/kafka", [KAFKA]),
        (f"{REGISTRY}/mirror/kafka:3.8", [KAFKA]),
        (f"image:{REGISTRY}/mirror/kafka:3.8", [KAFKA]),
        (f"docker-pullable://{REGISTRY}/mirror/kafka@{DIGEST}", [KAFKA]),
        (f"{REGISTRY}/shop/checkout", CHECKOUT),
        (f"{REGISTRY}/shop/checkout:5.0.2", CHECKOUT),
        (f"{REGISTRY}/shop/checkout:9.9", CHECKOUT),
        (f"image:{REGISTRY}/shop/checkout", CHECKOUT),
        (f"image:{REGISTRY}/shop/checkout:9.9", CHECKOUT),
        (POSTGRES, ["resource:default/postgres-core"]),
        (f"{POSTGRES.upper()}:5432", ["resource:default/postgres-core"]),
        (f"host:{POSTGRES}", ["resource:default/postgres-core"]),
        (DEPOT, [f"resource:ansible-default-infrastructure-ansible-depots/{DEPOT}"]),
        ("https://login.brambleway.example/", ["api:default/identity-api"]),
        ("kofi-m", ["user:default/kofi.mensah"]),
        ("@kofi-m", ["user:default/kofi.mensah"]),
        ("brambleway/checkout", ["repository:default/checkout"]),
        ("brambleway/checkout-crew", ["group:default/checkout"]),
        ("shop/checkout", ["component:default/checkout"]),
        ("checkout.shop.svc", ["component:default/checkout"]),
        ("http://checkout.shop.svc.cluster.local:8080/v1/orders", ["component:default/checkout"]),
        ("brambleway.fraud.v1.FraudScreening", ["api:default/fraud-api"]),
        ("PPAY001", ["component:default/payments", "group:default/payments"]),
        ("component:cart-service", ["component:default/basket"]),
        ("resource:hamper-db", ["resource:default/postgres-core"]),
        ("component:default/checkout", ["component:default/checkout"]),
        ("Group:checkout", ["group:default/checkout"]),
    ],
)
def test_a_name_is_found_as_a_tool_writes_it(demo: Client, text: str, expected: list[str]) -> None:
    assert resolve(demo, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"{REGISTRY}/mirror",
        f"{REGISTRY}/mirror/kafka/x",
        "mirror/kafka",
        DEPOT.partition(".")[2],
        f"{DEPOT}/x",
        f"{DEPOT}/shop/new:1.2",
        f"service.name:{DEPOT}",
        "shop/checkout-api",
        "shop/x/checkout-0",
        "shop/checkout-2024",
        "shop/checkout-crews",
        "shop/checkout-7d9f8c6b5dd-x2x4z",
        "shop/checkout-2839182-x2x4z",
        "checkout-7d9f8c6b5-x2x4z",
        "svc.checkout.shop.svc.x",
        "pkg:npm/express",
        "kofi",
        "",
        " ",
        "#checkout",
        "x" * (MAX_IDENTIFIER + 1),
        "https://login.brambleway.example/".ljust(MAX_IDENTIFIER + 1, "x"),
    ],
)
def test_a_part_of_a_name_finds_nothing(demo: Client, text: str) -> None:
    assert resolve(demo, text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://login.brambleway.example/healthz?deep=1", ["api:default/identity-api"]),
        ("https://login.brambleway.example/".ljust(MAX_IDENTIFIER, "x"), ["api:default/identity-api"]),
        (f"ssh://root@{DEPOT}/x", [f"resource:ansible-default-infrastructure-ansible-depots/{DEPOT}"]),
        (f"jdbc:sqlserver://{POSTGRES}:1433;databaseName=x", ["resource:default/postgres-core"]),
        (f"postgres://app:p/w@{POSTGRES}:5432/orders", ["resource:default/postgres-core"]),
        (f"jdbc:postgresql://{POSTGRES}/orders", ["resource:default/postgres-core"]),
        ("https://github.com/brambleway/checkout/tree/main", ["repository:default/checkout"]),
        ("https://github.com/brambleway/checkout/blob/main/src/cart.py#L3", ["repository:default/checkout"]),
        ("checkout.shop", ["component:default/checkout"]),
        ("http://checkout.shop:8080/v1/orders", ["component:default/checkout"]),
        ("HTTP://Checkout.Shop:8080/v1/orders", ["component:default/checkout"]),
        ("shop/checkout-7d9f8c6b5-x2x4z", ["component:default/checkout"]),
        ("shop/checkout-7d9f8c-x2x4z", ["component:default/checkout"]),
        ("shop/checkout-7d9f8c6b5d-x2x4z", ["component:default/checkout"]),
        ("shop/checkout-x2x4z", ["component:default/checkout"]),
        ("shop/checkout-28391820-x2x4z", ["component:default/checkout"]),
        ("shop/checkout-1772323200-x2x4z", ["component:default/checkout"]),
        ("shop/checkout-0", ["component:default/checkout"]),
        ("shop/checkout-120", ["component:default/checkout"]),
    ],
)
def test_where_nothing_is_called_so_it_lies_in_something(demo: Client, text: str, expected: list[str]) -> None:
    assert resolve(demo, text) == expected


def put(client: Client, *entities: dict[str, Any]) -> None:
    done = client.ask(
        "mutation M($entities: [EntityInput!]!) { putEntities(entities: $entities) { userErrors { message } } }",
        entities=entities,
    )
    assert done["putEntities"]["userErrors"] == []


def thing(name: str, *identifiers: str, kind: str = "Resource") -> dict[str, Any]:
    return {"kind": kind, "name": name, "annotations": {"graph-api/identifiers": ",".join(identifiers)}}


def test_what_only_one_scheme_names(client: Client) -> None:
    put(
        client,
        thing("redis", "image:docker.io/library/redis", f"image-digest:{DIGEST}"),
        thing("machine", "aws:i-0abc12345"),
        thing("prices", "dataset:old/prices", kind="Dataset"),
        thing("ui", "pkg:npm/@acme/ui@1.2.0", "image:docker.io/library/1.2.0"),
    )
    for text in ("redis", "redis:7", "docker.io/redis", f"redis@{DIGEST}", f"mirror.example/cache@{DIGEST}", DIGEST):
        assert resolve(client, text) == ["resource:default/redis"], text
    assert resolve(client, "i-0ABC12345") == ["resource:default/machine"]
    for text in ("pkg:npm/%40acme/ui@1.2.0?checksum=sha1:ad#lib", "pkg:npm/@acme/ui@1.2.0"):
        assert resolve(client, text) == ["resource:default/ui"], text
    assert resolve(client, f"pkg:oci/redis@{DIGEST.replace(':', '%3A')}?tag=7") == ["resource:default/redis"]
    assert resolve(client, "pkg:npm/other@1.2.0") == []
    # An address of mail or of git is no image, and a part of a ref is no name.
    no_names = ("redis@brambleway.example", "redis@github.com:brambleway/x.git", "host:redis", "old/prices")
    for text in (*no_names, f"image:{no_names[0]}"):
        assert resolve(client, text) == [], text


def test_a_path_and_a_host_may_be_all_that_a_thing_is_called(client: Client) -> None:
    put(
        client,
        thing("prices", "host:prices.example/v1"),
        thing("proxy", "host:cart.shop.svc.cluster.local"),
        thing("cart", "kubernetes:shop/cart"),
        thing("tills", "https://gitlab.com/acme/tills", kind="Repository"),
        thing("long", "x" * MAX_IDENTIFIER),
    )
    for text in ("https://prices.example/v1/", "HTTPS://PRICES.EXAMPLE/V1", "prices.example/v1"):
        assert resolve(client, text) == ["resource:default/prices"], text
    assert resolve(client, "cart.shop.svc.cluster.local") == ["resource:default/cart", "resource:default/proxy"]
    assert resolve(client, "acme/tills") == ["repository:default/tills"]
    assert resolve(client, "X" * MAX_IDENTIFIER) == ["resource:default/long"]


def test_what_lies_in_a_repository_does_not_lie_in_its_forge(client: Client) -> None:
    put(client, thing("forge", "host:git.example"), thing("tills", "https://git.example/acme/tills", kind="Repository"))
    assert resolve(client, "https://git.example/acme/tills/tree/main/docs") == ["repository:default/tills"]
    assert resolve(client, "https://git.example/acme/else/tree/main/docs") == ["resource:default/forge"]


def test_a_scheme_is_no_name_and_a_name_has_no_scheme_of_what_is_no_name(client: Client) -> None:
    schemes = ("arn", "aws", "image-digest", "kubernetes", "pkg", "user")
    put(
        client,
        thing("named-as-schemes", *(f"image:docker.io/library/{scheme}" for scheme in schemes)),
        thing("unnamed", "definition:acme", "image:acme", "https://github.com/acme"),
    )
    assert resolve(client, "docker.io/library/arn:v1") == ["resource:default/named-as-schemes"]
    for text in ("acme", *(f"{scheme}:v1" for scheme in schemes)):
        assert resolve(client, text) == [], text
