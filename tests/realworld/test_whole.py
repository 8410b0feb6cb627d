"""All files at once, as the command syncs them: in a minute, without a document that nothing is said of; and the
question that they answer together."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from graph_api.cli import main
from graph_api.sources.reading import read_paths
from tests.conftest import wipe
from tests.realworld.folders import REALWORLD

ROWS = {
    "version control": {"files"},
    "containers": {"kubernetes", "helm", "compose"},
    "infrastructure as code": {"terraform", "pulumi", "ansible"},
    "GitOps": {"argocd", "flux"},
    "orchestrators": {"qovery", "score"},
    "observability": {
        "otel", "otelcollector", "weaver", "servicegraph", "jaeger", "prometheus", "grafana", "openslo",
    },
    "vulnerabilities": {"trivy", "grype", "sarif", "cyclonedx"},
    "data pipelines": {"dbt", "openlineage"},
    "descriptions of APIs": {"openapi"},
    "work and documents": {"mkdocs"},
}  # fmt: skip  # a list of words
CLASSES = {"database", "storage", "compute", "transit", "cache", "queue", "container-image"}
READ = (".yaml", ".yml", ".json", ".jsonl", ".golden", ".sarif", ".tfstate")
SECONDS = 60 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
"""A minute, on a machine that has nothing else to do."""

BOUTIQUE = "GoogleCloudPlatform__microservices-demo"
BUILT, RELEASED = (f"us-central1-docker.pkg.dev/{name}" for name in ("online-boutique-ci", "google-samples"))
QUESTION = """{ impact(
  where: {kind: {eq: "Vulnerability"}, labels: [{key: "severity", eq: "CRITICAL"}]},
  walk: {keep: {kind: {eq: "Component"}}}, first: 100
) { edges { distance node { ref owners { ref how } } } } }"""


@pytest.fixture(params=["embedded", "neo4j"])
def in_an_empty_folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_API_STORE", "embedded:catalog.db")
    if request.param == "neo4j":
        wipe(request.getfixturevalue("neo4j_driver"))
        monkeypatch.setenv("GRAPH_API_STORE", request.getfixturevalue("neo4j_uri"))
        user, password = request.getfixturevalue("neo4j_auth") or (None, None)
        if user and password:
            monkeypatch.setenv("GRAPH_API_NEO4J_USER", user)
            monkeypatch.setenv("GRAPH_API_NEO4J_PASSWORD", password)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result


def ask(document: str) -> Any:
    return json.loads(run("query", document).stdout)["data"]


@pytest.mark.usefixtures("in_an_empty_folder")
@pytest.mark.parametrize("realworld", [folder.resolve() for folder in REALWORLD])
def test_one_command_syncs_all_of_it_in_a_minute_and_again_writes_nothing(realworld: Path) -> None:
    begun = time.monotonic()
    run("sync", str(realworld))
    assert time.monotonic() - begun < SECONDS

    told = {row["connector"] for row in ask("{ sources { connector entities } }")["sources"] if row["entities"]}
    assert {row: connectors - told for row, connectors in ROWS.items() if connectors - told} == {}
    (types,) = ask('{ facets(fields: [TYPE], filter: {kind: {eq: "Resource"}}) { buckets { value } } }')["facets"]
    assert {bucket["value"] for bucket in types["buckets"]} >= CLASSES

    again = [line for line in run("sync", str(realworld)).stdout.splitlines() if "(revision" in line]
    assert again
    assert all("nothing has changed" in line for line in again)


@pytest.mark.parametrize("realworld", [folder.resolve() for folder in REALWORLD])
def test_every_document_that_adds_nothing_is_named_with_the_reason(realworld: Path) -> None:
    snapshots = read_paths([realworld], source="realworld")
    told = {problem.path for row in snapshots for problem in row.problems}
    for row in snapshots:
        told |= {said.document for said in row.entities.values()} | {said.document for said in row.links.values()}
    assert all(problem.message for row in snapshots for problem in row.problems)
    files = [path for path in realworld.rglob("*") if path.suffix in READ]
    assert len(files) > 500
    others = [path for path in files if path.relative_to(realworld).as_posix() not in told]
    # What is left says what other files say as well; alone, it has all to tell.
    assert [path for path in others if not any(row.entities for row in read_paths([path], source="alone"))] == []


def scan(service: str) -> dict[str, Any]:
    """As Trivy reports on the image that runs in the cluster."""
    vulnerability = {
        "VulnerabilityID": "CVE-2026-1111",
        "PkgName": "openssl",
        "PkgIdentifier": {"PURL": "pkg:apk/alpine/openssl@3.0.1"},
        "Severity": "CRITICAL",
    }
    return {
        "SchemaVersion": 2,
        "ArtifactName": f"{BUILT}/microservices-demo/{service}:v0.10.6",
        "ArtifactType": "container_image",
        "Results": [{"Type": "alpine", "Vulnerabilities": [vulnerability]}],
    }


def configure(realworld: Path) -> None:
    """The boutique's manifests, CODEOWNERS, Score files and a scan, and which registries hold the same images."""
    Path("scans").mkdir()
    Path("scans/payment.json").write_text(json.dumps(scan("paymentservice")), encoding="utf-8")
    repository = {"repo": BOUTIQUE.replace("__", "/")}
    folders = {
        "codeowners": realworld / "codeowners" / BOUTIQUE,
        "boutique": realworld / "kubernetes" / BOUTIQUE,
        "score": realworld / "score/score-spec__examples/samples/onlineboutique",
    }
    sources = [{"name": name, "paths": [str(path)], **repository} for name, path in folders.items()]
    settings = {"sources": [*sources, {"name": "scans", "paths": ["scans"]}], "image_mirrors": [[BUILT, RELEASED]]}
    Path("graph-api.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


@pytest.mark.usefixtures("in_an_empty_folder")
@pytest.mark.parametrize("realworld", [folder.resolve() for folder in REALWORLD])
def test_who_owns_what_the_critical_findings_hit_and_what_else_breaks(realworld: Path) -> None:
    configure(realworld)
    run("sync")
    edges = ask(QUESTION)["impact"]["edges"]
    # Distance 3: by the package and the image.
    hit = {edge["node"]["ref"] for edge in edges if edge["distance"] == 3}
    assert hit == {"component:kubernetes-default/paymentservice"}
    breaking = {edge["node"]["ref"].rpartition("/")[2] for edge in edges if edge["distance"] > 3}
    assert breaking == {"checkoutservice", "frontend", "loadgenerator"}
    owners = {"group:googlecloudplatform/devrel-flagship-app-maintainers", "user:default/yoshi-approver"}
    assert all({owner["ref"] for owner in edge["node"]["owners"]} == owners for edge in edges)
    assert {owner["how"] for edge in edges for owner in edge["node"]["owners"]} == {"INFERRED"}

    things = ask('{ why(ref: "component:kubernetes-default/paymentservice") { things { source } } }')["why"]["things"]
    assert {row["source"] for row in things} == {"kubernetes:boutique", "score:score"}
