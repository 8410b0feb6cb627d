"""Drift over GraphQL: the page in docs/ as it stands, pages of findings, and links by how they are known."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from graph_api.app import source_order
from graph_api.catalog.entity import Link, LinkKey, LinkOrigin, LinkStatement
from graph_api.settings import Settings
from graph_api.sources.reading import read_paths
from graph_api.store.protocol import Store
from graph_api.sync import sync
from tests.catalogs import ref, with_ends, write
from tests.conftest import Run
from tests.documents import blocks
from tests.graphql.conftest import Client

CATALOG, TRACES, ANSWER = *blocks("docs/drift.md", "yaml"), *blocks("docs/drift.md", "json")
(QUESTION,) = blocks("docs/drift.md", "graphql")
DISAGREEING = """
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: prices}
spec: {type: service, owner: pricing}
"""


@pytest.fixture
def shop(client: Client, store: Store, run: Run, tmp_path: Path) -> Client:
    _sync(store, run, tmp_path / "shop", {"catalog-info.yaml": CATALOG, "dependencies.json": TRACES})
    return client


def _sync(store: Store, run: Run, folder: Path, files: dict[str, str]) -> None:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    for snapshot in read_paths([folder]):
        run(sync(store, snapshot, source_order(Settings())))


def days_since(day: str) -> int:
    return (datetime.now(UTC) - datetime.fromisoformat(day)).days


def test_the_page_in_docs(shop: Client) -> None:
    drift = shop.ask(QUESTION, days=days_since("2026-01-30T00:00:00Z"))["drift"]
    assert drift == {"totalCount": 2, "nodes": json.loads(ANSWER)}


def test_an_old_observation_does_not_count(shop: Client) -> None:
    drift = shop.ask(QUESTION, days=days_since("2026-02-02T00:00:00Z"))["drift"]
    unobserved = [row["link"]["to"] for row in drift["nodes"] if row["kind"] == "UNOBSERVED"]
    assert unobserved == ["api:default/payments", "component:default/coupons"]


def test_pages_kinds_and_owners(shop: Client, store: Store, run: Run, tmp_path: Path) -> None:
    _sync(store, run, tmp_path / "pricing", {"catalog-info.yaml": DISAGREEING})
    query = """query($after: String) { drift(first: 1, after: $after, days: 3650) {
      totalCount pageInfo { hasNextPage endCursor } nodes { kind since owners { source value } }
    } }"""
    found, after, more = [], None, True
    while more:
        drift = shop.ask(query, after=after)["drift"]
        assert drift["totalCount"] == 3
        found += drift["nodes"]
        more, after = drift["pageInfo"]["hasNextPage"], drift["pageInfo"]["endCursor"]
    assert [row["kind"] for row in found] == ["UNDECLARED", "UNOBSERVED", "OWNERS"]
    assert all(row["since"] for row in found)
    assert found[-1]["owners"] == [
        {"source": "files:pricing", "value": "group:default/pricing"},
        {"source": "files:shop", "value": "group:default/shop"},
    ]
    only = shop.ask("{ drift(kinds: [OWNERS]) { totalCount nodes { link { to } entity { ref } remedy } } }")["drift"]
    (finding,) = only["nodes"]
    assert (only["totalCount"], finding["link"], finding["entity"]["ref"]) == (1, None, "component:default/prices")
    assert "catalog-info.yaml:14" in finding["remedy"]


def test_roles_that_only_one_source_tells_of_are_no_disagreement(
    shop: Client, store: Store, run: Run, tmp_path: Path
) -> None:
    owner = "{ref: shop}, {ref: user:ann, role: ON_CALL}"
    on_call = DISAGREEING.replace("owner: pricing", f"owners: [{owner}]")
    _sync(store, run, tmp_path / "pagers", {"catalog-info.yaml": on_call})
    query = """{ drift(kinds: [OWNERS]) { totalCount nodes { owners { source value } remedy } }
      entity(ref: "component:prices") { conflicts { field values { source value } } } }"""
    answer = shop.ask(query)
    assert answer == {"drift": {"totalCount": 0, "nodes": []}, "entity": {"conflicts": []}}
    _sync(store, run, tmp_path / "rota", {"catalog-info.yaml": on_call.replace("user:ann", "user:bob")})
    answer = shop.ask(query)
    said = [
        {"source": "files:pagers", "value": "user:default/ann (ON_CALL)"},
        {"source": "files:rota", "value": "user:default/bob (ON_CALL)"},
    ]
    (finding,) = answer["drift"]["nodes"]
    assert answer["drift"]["totalCount"] == 1
    assert finding["owners"] == said
    assert answer["entity"]["conflicts"] == [{"field": "owners", "values": said}]
    assert "shop/" not in finding["remedy"]


@pytest.mark.parametrize("days", [0, -1, 3_651])
def test_days_out_of_range_are_refused(client: Client, days: int) -> None:
    assert client.code("query($days: Int!) { drift(days: $days) { totalCount } }", days=days) == "BAD_INPUT"


def test_a_cursor_of_another_question_is_refused(shop: Client) -> None:
    cursor = shop.ask("{ drift(first: 1) { pageInfo { endCursor } } }")["drift"]["pageInfo"]["endCursor"]
    query = "query($after: String) { drift(kinds: [OWNERS], after: $after) { totalCount } }"
    assert shop.code(query, after=cursor) == "BAD_CURSOR"


@pytest.mark.parametrize(
    ("where", "targets"),
    [
        ("{origin: {eq: OBSERVED}}", ["billing", "prices"]),
        ("{origin: {in: [DECLARED, INFERRED]}}", ["payments", "coupons"]),
        ('{observedAt: {gt: "2026-01-30T23:00:00-01:00"}}', []),
        ('{observedAt: {gte: "2026-01-30T23:00:00-01:00"}}', ["billing", "prices"]),
        ("{observedAt: {exists: false}}", ["payments", "coupons"]),
    ],
)
def test_links_by_how_they_are_known(shop: Client, where: str, targets: list[str]) -> None:
    listed = shop.ask(
        f'{{ entity(ref: "component:checkout") {{ dependencies(linkWhere: {where}) {{ nodes {{ name }} }} }} }}'
    )
    assert [row["name"] for row in listed["entity"]["dependencies"]["nodes"]] == targets
    walk = f'of: ["component:checkout"], walk: {{linkWhere: {where}}}'
    walked = shop.ask(f"{{ dependencies({walk}) {{ edges {{ node {{ name }} }} }} }}")
    assert [row["node"]["name"] for row in walked["dependencies"]["edges"]] == targets


def test_a_link_that_several_sources_know(shop: Client, store: Store, run: Run, tmp_path: Path) -> None:
    declared = CATALOG.replace("component:coupons", "component:prices")
    _sync(store, run, tmp_path / "new", {"catalog-info.yaml": declared})
    link = """{ entity(ref: "component:checkout") { dependencies { edges { node { name } link {
      origin origins observedAt evidence { source origin } } } } } }"""
    edges = shop.ask(link)["entity"]["dependencies"]["edges"]
    (found,) = [edge["link"] for edge in edges if edge["node"]["name"] == "prices"]
    assert found == {
        "origin": "DECLARED",
        "origins": ["DECLARED", "OBSERVED"],
        "observedAt": "2026-01-31T00:00:00.000Z",
        "evidence": [{"source": "files:new", "origin": "DECLARED"}, {"source": "jaeger:shop", "origin": "OBSERVED"}],
    }


def _link(key: LinkKey, said: dict[str, LinkStatement], observed_at: str | None = None) -> Link:
    origins = tuple(origin for origin in LinkOrigin if any(row.origin is origin for row in said.values()))
    statements = {source: (row,) for source, row in said.items()}
    return Link(key=key, origins=origins, observed_at=observed_at, statements=statements)


def _said(key: LinkKey, source: str, day: str, origin: LinkOrigin = LinkOrigin.DECLARED) -> LinkStatement:
    at = f"{day}T00:00:00.000Z"
    seen = at if origin is LinkOrigin.OBSERVED else None
    place = f"{source}.yaml:1"
    return LinkStatement(key=key, document=source, location=place, origin=origin, observed_at=seen, first_seen=at)


def test_since_when_of_several_sources(client: Client, store: Store, run: Run) -> None:
    observed = LinkKey(ref("cart"), "DEPENDS_ON", ref("stock"), None)
    declared = LinkKey(ref("cart"), "DEPENDS_ON", ref("mail"), None)
    long_ago = LinkKey(ref("cart"), "DEPENDS_ON", ref("fax"), None)
    owned = [LinkKey(ref("cart"), "OWNED_BY", ref(f"group:default/{name}"), None) for name in ("data", "web")]
    saw = LinkOrigin.OBSERVED
    links = [
        _link(
            observed,
            {"b": _said(observed, "b", "2026-01-05", saw), "a": _said(observed, "a", "2026-01-02", saw)},
            "2026-01-05T00:00:00.000Z",
        ),
        _link(declared, {"d": _said(declared, "d", "2026-01-04"), "e": _said(declared, "e", "2026-01-03")}),
        _link(
            long_ago,
            {"d": _said(long_ago, "d", "2019-01-01"), "a": _said(long_ago, "a", "2010-01-01", saw)},
            "2010-01-01T00:00:00.000Z",
        ),
        _link(owned[0], {"d": _said(owned[0], "d", "2026-01-06")}),
        _link(owned[1], {"e": _said(owned[1], "e", "2026-01-07")}),
    ]
    run(write(store, with_ends(links)))
    asked = "{ drift(days: 3650) { nodes { kind link { to } sources since remedy } } }"
    found = client.ask(asked)["drift"]["nodes"]
    assert [(row["kind"], row["link"] and row["link"]["to"], row["sources"], row["since"]) for row in found] == [
        ("UNDECLARED", "component:default/stock", ["b", "a"], "2026-01-02T00:00:00.000Z"),
        ("UNOBSERVED", "component:default/fax", ["d"], "2010-01-01T00:00:00.000Z"),
        ("UNOBSERVED", "component:default/mail", ["d", "e"], "2026-01-03T00:00:00.000Z"),
        ("OWNERS", None, ["d", "e"], "2026-01-07T00:00:00.000Z"),
    ]
    assert "`dependsOn` of component:default/cart" in found[0]["remedy"]


def test_only_kinds_and_entities_that_are_asked_for(shop: Client) -> None:
    asked = "query($f: EntityFilter) { drift(days: 3650, filter: $f) { totalCount } }"
    every = shop.ask(asked)["drift"]["totalCount"]
    assert every > 0
    assert shop.ask(asked, f={"name": {"eq": "checkout"}})["drift"]["totalCount"] == every
    assert shop.ask(asked, f={"name": {"eq": "prices"}})["drift"]["totalCount"] == 0
    assert shop.ask("{ drift(days: 3650, kinds: []) { totalCount } }")["drift"]["totalCount"] == 0
