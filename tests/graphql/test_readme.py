"""The README's queries and commands, run as they stand."""

import re
from pathlib import Path

import pytest

from tests.documents import ROOT, blocks, commands, run_all
from tests.graphql.conftest import Client

README = (ROOT / "README.md").read_text(encoding="utf-8")
QUERIES = blocks("README.md", "graphql")
COMMANDS = commands("README.md", "graph-api check", "graph-api sync", "graph-api query")


def test_queries_answer(demo: Client) -> None:
    impact, owners, gaps, critical, weaknesses, why = [demo.ask(query) for query in QUERIES]
    assert impact["impact"]["totalCount"] == 103
    assert impact["impact"]["completeness"] == {"complete": True, "reasons": [], "unexplored": 0}
    assert impact["impact"]["groups"]["buckets"] == [
        {"value": "DOWN", "count": 86},
        {"value": "DEGRADED", "count": 17},
    ]
    assert impact["impact"]["notify"][0]["affected"] == 23
    assert {row["entity"]["ref"]: row["how"] for row in owners["entity"]["owners"]} == {
        "group:default/security": "INHERITED",
        "group:default/storefront": "INHERITED",
    }
    assert gaps["ownershipGaps"]["totalCount"] == 8
    assert critical["impact"]["totalCount"] == 14
    assert [edge["node"]["ref"] for edge in critical["impact"]["edges"] if edge["distance"] == 3] == [
        "component:default/checkout",
        "component:default/payments",
    ]
    assert {edge["severity"] for edge in critical["impact"]["edges"]} == {"DOWN"}
    assert [(row["owner"]["ref"], row["affected"]) for row in critical["impact"]["notify"]][:3] == [
        ("group:default/payments", 5),
        ("group:default/checkout", 4),
        ("group:default/storefront", 4),
    ]
    assert [edge["node"]["ref"] for edge in weaknesses["dependencies"]["edges"]] == [
        "vulnerability:codeql/java-sql-injection",
        "vulnerability:default/cve-2021-44228",
        "vulnerability:default/cve-2022-42003",
    ]
    assert [row["source"] for row in why["why"]["things"]] == [
        "demo",
        *(f"{name}:demo" for name in ("argocd", "kubernetes", "openslo", "grafana", "otel", "prometheus")),
    ]


def test_commands_run_in_this_order(tmp_path: Path) -> None:
    assert len(COMMANDS) >= 4
    run_all(COMMANDS, tmp_path)


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_make_has_the_commands(command: str) -> None:
    assert f"```console\n{command}\n```" in README
    assert re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
