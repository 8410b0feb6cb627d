"""The README's queries and commands, run as they stand."""

import re
from pathlib import Path

import neo4j
import pytest

from tests.conftest import wipe
from tests.documents import ROOT, blocks, commands, run_all
from tests.graphql.conftest import Client

README = (ROOT / "README.md").read_text(encoding="utf-8")
QUERIES = blocks("README.md", "graphql")
NEO4J = "bolt://127.0.0.1:7687"
COMMANDS = [
    command
    for command in commands("README.md", "graph-api check", "graph-api sync", "graph-api query")
    if NEO4J not in command
]


def test_queries_answer(demo: Client) -> None:
    impact, owners, gaps, findings, weaknesses, why = [demo.ask(query) for query in QUERIES]
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
    hit = ["component:default/checkout", "component:default/payments"]
    assert [edge["node"]["ref"] for edge in findings["hit"]["edges"]] == hit
    assert findings["breaks"]["totalCount"] == 14
    assert {edge["severity"] for edge in findings["breaks"]["edges"]} == {"DOWN"}
    assert [(row["owner"]["ref"], row["affected"]) for row in findings["breaks"]["notify"]][:3] == [
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
        *(f"{name}:demo" for name in ("argocd", "kubernetes", "otel", "grafana", "openslo", "prometheus")),
    ]


def test_a_finding_in_a_repository_hits_what_is_built_from_it(demo: Client) -> None:
    high = {"kind": {"eq": "Vulnerability"}, "labels": [{"key": "severity", "eq": "HIGH"}]}
    found = demo.ask(QUERIES[3], findings=high)
    hit = ["component:default/fraud-screening", "component:default/payments"]
    assert [edge["node"]["ref"] for edge in found["hit"]["edges"]] == hit
    assert found["breaks"]["totalCount"] > 10


def test_commands_run_in_this_order(tmp_path: Path) -> None:
    assert len(COMMANDS) >= 4
    run_all(COMMANDS, tmp_path)


def test_the_neo4j_section_fills_the_database(
    tmp_path: Path,
    neo4j_uri: str,
    neo4j_driver: neo4j.Driver,
    neo4j_auth: tuple[str, str] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wipe(neo4j_driver)
    if neo4j_auth:
        monkeypatch.setenv("GRAPH_API_NEO4J_USER", neo4j_auth[0])
        monkeypatch.setenv("GRAPH_API_NEO4J_PASSWORD", neo4j_auth[1])
    fill = [
        command.replace(NEO4J, neo4j_uri) for command in commands("README.md", "graph-api sync") if NEO4J in command
    ]
    run_all(fill, tmp_path)
    count = "MATCH (e:Entity {declared: true}) RETURN count(e) AS n"
    assert neo4j_driver.execute_query(count).records[0]["n"] >= 270


def test_the_command_is_where_the_readme_says() -> None:
    assert "```console\n. .venv/bin/activate\n```" in README
    assert re.search("^VENV := .venv$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_make_has_the_commands(command: str) -> None:
    assert f"```console\n{command}\n```" in README
    assert re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
