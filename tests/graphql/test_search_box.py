"""What people type into a search box, over GraphQL."""

from pathlib import Path

import pytest

from graph_api.app import source_order
from graph_api.settings import Settings
from graph_api.sources.reading import read_paths
from graph_api.store.protocol import Store
from graph_api.sync import sync
from tests.conftest import Run
from tests.graphql.conftest import Client

CATALOG = """
kind: Component
metadata: {name: checkout, tags: [slow], annotations: {graph-api/identifiers: "kubernetes:shop/checkout"}}
spec: {type: service}
---
kind: Component
metadata: {name: checkout-page}
spec: {type: Website}
---
kind: API
metadata: {name: payments}
spec: {type: openapi, definition: "x"}
---
kind: Component
metadata: {name: payments}
spec: {type: service}
---
kind: Resource
metadata: {name: orders, description: The service desk reads it}
spec: {type: database}
---
kind: Group
metadata: {name: payments-crew}
spec: {type: team, children: []}
""".replace("kind:", "apiVersion: backstage.io/v1alpha1\nkind:")


@pytest.fixture
def shop(client: Client, store: Store, run: Run, tmp_path: Path) -> Client:
    (tmp_path / "catalog-info.yaml").write_text(CATALOG, encoding="utf-8")
    for snapshot in read_paths([tmp_path]):
        run(sync(store, snapshot, source_order(Settings())))
    return client


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("checkout service", ["component:default/checkout"]),
        ("Service CHECKOUT", ["component:default/checkout"]),
        ("checkout-service", ["component:default/checkout"]),
        ("chekout service", ["component:default/checkout"]),
        ("slow checkout service", ["component:default/checkout"]),
        ("checkout website", ["component:default/checkout-page"]),
        ("payments api", ["api:default/payments"]),
        ("payments service", ["component:default/payments"]),
        ("payments component", ["component:default/payments"]),
        ("database orders", ["resource:default/orders"]),
        ("payments team", ["group:default/payments-crew"]),
        ("orders service", ["resource:default/orders"]),
        ("service database", ["resource:default/orders"]),
        ("payments", ["component:default/payments", "api:default/payments", "group:default/payments-crew"]),
        ("service", ["resource:default/orders"]),
        ("checkout database", []),
        ("checkout service page", []),
        ("database", []),
        ("component:default/checkout", ["component:default/checkout"]),
        ("group:payments-crew", ["group:default/payments-crew"]),
        (" API:payments ", ["api:default/payments"]),
        ("component:default/gone", []),
        ("checkout.shop.svc.cluster.local:8080", ["component:default/checkout"]),
    ],
)
def test_the_kind_or_type_may_stand_before_or_after(shop: Client, text: str, found: list[str]) -> None:
    answer = shop.ask("query($text: String!) { search(text: $text) { totalCount nodes { ref } } }", text=text)
    refs = [node["ref"] for node in answer["search"]["nodes"]]
    assert sorted(refs) == sorted(found)
    assert answer["search"]["totalCount"] == len(found)


def test_the_filter_holds_for_what_is_called_so_too(shop: Client) -> None:
    query = '{ search(text: "payments service", filter: {name: {eq: "checkout"}}) { totalCount } }'
    assert shop.ask(query)["search"]["totalCount"] == 0
    query = '{ search(text: "api:default/payments", filter: {name: {startsWith: "PREFIX"}}) { totalCount } }'
    counts = [shop.ask(query.replace("PREFIX", prefix))["search"]["totalCount"] for prefix in ("check", "pay")]
    assert counts == [0, 1]
