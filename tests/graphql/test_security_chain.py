"""What several scanners say of one package and one vulnerability is one chain up to the services."""

import json
from pathlib import Path
from typing import Any

import pytest

from graph_api.app import source_order
from graph_api.settings import Settings
from graph_api.sources.reading import read_paths
from graph_api.store.protocol import Store
from graph_api.sync import sync
from tests.conftest import Run
from tests.graphql.conftest import Client

SERVICE = """
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: {name}}}
spec: {{type: service, owner: shop, runsImage: ["resource:image/registry.example-shop-{name}"]}}
"""
OPENSSL = "pkg:deb/debian/openssl@3.0.1%2Bdeb12?arch=amd64"
TRIVY = {
    "SchemaVersion": 2,
    "ArtifactName": "registry.example/shop/checkout:1.4.0",
    "ArtifactType": "container_image",
    "Results": [
        {
            "Type": "debian",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2026-1111",
                    "PkgName": "openssl",
                    "PkgIdentifier": {"PURL": OPENSSL},
                    "Severity": "CRITICAL",
                },
                {
                    "VulnerabilityID": "CVE-2026-2222",
                    "PkgName": "left_pad",
                    "PkgIdentifier": {"PURL": "pkg:pypi/left_pad@1.0"},
                    "Severity": "LOW",
                },
            ],
        }
    ],
}
GRYPE = {
    "matches": [
        {
            "vulnerability": {"id": "GHSA-aaaa-bbbb-cccc", "severity": "High"},
            "relatedVulnerabilities": [{"id": "CVE-2026-1111"}],
            "artifact": {"name": "openssl", "purl": OPENSSL.replace("%2B", "+").replace("amd64", "arm64")},
        }
    ],
    "source": {"type": "image", "target": {"userInput": "registry.example/shop/cart@sha256:" + "1" * 64}},
}
VEX = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "statements": [
        {
            "vulnerability": {"name": "CVE-2026-2222"},
            "products": ["pkg:pypi/left-pad@1.0"],
            "status": "not_affected",
        }
    ],
}
IMPACT = """query($of: [String!], $where: LinkFilter) { impact(of: $of, first: 100, walk: {linkWhere: $where}) {
  edges { severity node { ref } } } }"""


@pytest.fixture
def shop(store: Store, run: Run, client: Client, tmp_path: Path) -> Client:
    for name in ("checkout", "cart"):
        (tmp_path / f"{name}.yaml").write_text(SERVICE.format(name=name))
    for name, document in (("trivy", TRIVY), ("grype", GRYPE), ("vex", VEX)):
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    for snapshot in read_paths([tmp_path], source="shop"):
        run(sync(store, snapshot, source_order(Settings())))
    return client


def hits(client: Client, vulnerability: str, where: Any = None) -> dict[str, str]:
    answer = client.ask(IMPACT, of=[f"vulnerability:default/{vulnerability}"], where=where)
    return {edge["node"]["ref"]: edge["severity"] for edge in answer["impact"]["edges"]}


def test_two_scanners_speak_of_one_package_and_one_vulnerability(shop: Client) -> None:
    assert hits(shop, "cve-2026-1111") == {
        "package:deb/debian-openssl-3.0.1-deb12": "DOWN",
        "resource:image/registry.example-shop-checkout": "DOWN",
        "resource:image/registry.example-shop-cart": "DOWN",
        "component:default/checkout": "DOWN",
        "component:default/cart": "DOWN",
    }
    assert shop.ask('{ resolve(identifier: "GHSA-aaaa-bbbb-cccc") { ref } }')["resolve"] == [
        {"ref": "vulnerability:default/cve-2026-1111"}
    ]


def test_what_vex_says_not_to_be_affected_is_degraded_and_can_be_left_out(shop: Client) -> None:
    assert hits(shop, "cve-2026-2222") == {
        "package:pypi/left-pad-1.0": "DEGRADED",
        "resource:image/registry.example-shop-checkout": "DEGRADED",
        "component:default/checkout": "DEGRADED",
    }
    exploitable = {"not": {"properties": [{"key": "vex", "eq": "not_affected"}]}}
    assert hits(shop, "cve-2026-2222", exploitable) == {}


def test_what_only_names_a_thing_leaves_what_is_known_of_it(
    shop: Client, store: Store, run: Run, tmp_path: Path
) -> None:
    image = "resource:image/registry.example-shop-checkout"
    asked = """query Q($image: String!) {
      image: entity(ref: $image) { type spec evidence { source } }
      vulnerability: entity(ref: "vulnerability:cve-2026-2222") { type evidence { source } } }"""
    before = shop.ask(asked, image=image)
    (tmp_path / "deployment.yaml").write_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: checkout, namespace: shop}\nspec:\n  template:\n"
        "    spec: {containers: [{name: main, image: 'registry.example/shop/checkout:1.4.0'}]}\n"
    )
    for snapshot in read_paths([tmp_path], source="shop"):
        run(sync(store, snapshot, source_order(Settings())))
    assert before["vulnerability"]["type"] == "LOW"
    assert before["vulnerability"]["evidence"] == [{"source": "trivy:shop"}, {"source": "openvex:shop"}]
    assert before["image"]["spec"] == {"vulnerabilities": {"CRITICAL": 1, "LOW": 1}}
    before["image"]["evidence"] += [{"source": "kubernetes:shop"}]
    assert shop.ask(asked, image=image) == before
