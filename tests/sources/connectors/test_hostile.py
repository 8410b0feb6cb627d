"""What no connector may fail on, take long for, or give away: files beyond all bounds, and secrets."""

import json
import logging
import os
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from graph_api.catalog.ref import Ref
from graph_api.cli import main
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Place
from graph_api.sources.findings import MAX_VALUES, Findings
from graph_api.sources.reading import read_paths
from graph_api.sources.registry import BY_NAME
from tests.sources.connectors.recorded import FOLDER, told
from tests.sources.connectors.test_contract import CANARY, every_connector

HUGE = 50_000_000
DEEP = 100_000
SECONDS = 20
"""Of the processor, for all hostile files of one connector; reading one of them to its end takes longer."""

_ADDRESS = re.compile(r"(?<=://)(?![^/\s\"]*@)")

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))


def recorded_names(connector: Connector) -> Mapping[str, Path]:
    """One recorded file of each ending, or of each name without one."""
    files = (file for file in sorted((FOLDER / connector.name / "input").rglob("*")) if file.is_file())
    return {file.suffix or file.name: file for file in files}


def hostile(file: Path) -> Mapping[str, bytes]:
    good = file.read_bytes()
    text = good.decode()
    return {
        "huge": good,
        "utf-16": text.encode("utf-16"),
        "latin": b"# caf\xe9\n" + good,
        "zero": b"\0" + good,
        "deep-braces": b'{"a": ' * DEEP,
        "deep-lists": b"[" * DEEP,
        "deep-parentheses": b"query ((" + b"(" * DEEP,
        "bomb": BOMB.encode(),
        "one-line": b"x" * 2_000_000,
    }


@every_connector
def test_hostile_files_are_refused_or_say_nothing_within_bounds(connector: Connector, tmp_path: Path) -> None:
    written = set()
    for file in recorded_names(connector).values():
        for what, content in hostile(file).items():
            path = tmp_path / what / file.relative_to(FOLDER / connector.name / "input")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if what == "huge":
                os.truncate(path, HUGE)
            if what in ("huge", "utf-16", "zero"):
                written.add(path.relative_to(tmp_path).as_posix())
    begun = time.process_time()
    snapshots = read_paths([tmp_path], source="hostile", only=["files", connector.name])
    assert time.process_time() - begun < SECONDS
    problems = [problem for snapshot in snapshots for problem in snapshot.problems]
    assert not [problem for problem in problems if "failed here" in problem.message]
    # A recorded file may be one that no connector reads, such as a note; and git's own are read in another way.
    told = {problem.path for problem in problems}
    read = {path for path in written if Path(path).suffix in (".yaml", ".yml", ".json", ".sarif", ".tfstate")}
    assert read <= told
    assert not [said for row in snapshots for said in row.entities.values() if said.document.startswith("bomb/")]


LONG, MANY = 1_000_000, 7_000
RULES = [{"id": f"rule-{number}"} for number in range(MANY)]
RESULTS = [{"ruleId": rule["id"]} for rule in reversed(RULES)]
VPCS = [{"type": "aws_vpc", "name": f"a{number}", "instances": [{}]} for number in range(MANY)]
NEEDY = {
    "type": "aws_instance",
    "name": "b",
    "instances": [{"dependencies": [f"aws_vpc.{vpc['name']}" for vpc in VPCS]}],
}
LENGTHY = {
    "git/config": '[core]\n[remote "a"]' + "\n" * LONG,
    "ansible/hosts": "[" + " " * LONG + "x",
    "ansible/inventory": "web " + "a" * LONG,
    "protobuf/a.proto": "//" + " " * LONG + "x\nservice A {}",
    "servicegraph/a.prom": "traces_service_graph_request_total{" + "a" * LONG + "} 1",
    "grafana/a.yaml": "apiVersion: 1\ngroups: [{rules: [{uid: a, data: [{model: {expr: '{" + "a" * LONG + "}'}}]}]}]",
    "openapi/a.yaml": "openapi: 3.0.0\ninfo: {title: A, x-owner: 'a@" + "." * LONG + "@'}",
    "terraform/a.tf": 'resource "aws_vpc" "a" {\n  tags = { owner = "a@' + "." * LONG + '@" }\n}',
    "pulumi/a.json": '{"deployment": {"manifest": {}, "resources": [{"urn": "urn:pulumi:a::b::c:d/e:F::g", "id": "'
    "projects/" + "/" * LONG + '\\n"}]}}',
    "terraform/c.tf": 'resource "' + "a_" * LONG + '" "a" {}',
    "terraform/a.dot": 'rankdir = "RL"\n"' + "[" * LONG + '"',
    "sarif/a.sarif": json.dumps(
        {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "lint", "rules": RULES}}, "results": RESULTS}]}
    ),
    "terraform/a.tfstate": json.dumps({"version": 4, "lineage": "a", "serial": 1, "resources": [NEEDY, *VPCS]}),
    "broken/a.json": '{"a": "' + '\\"' * LONG + "\n}",
}
"""By path, lengthy words, blanks or signs that a format's readers meet one by one, and many of what names others."""


@pytest.mark.parametrize("path", LENGTHY)
def test_no_text_takes_longer_than_its_length(path: str, tmp_path: Path) -> None:
    file = tmp_path / path
    file.parent.mkdir()
    file.write_text(LENGTHY[path], encoding="utf-8")
    begun = time.process_time()
    snapshots = read_paths([tmp_path], source="lengthy")
    assert time.process_time() - begun < SECONDS
    assert [row for row in snapshots if row.entities or row.problems]


@pytest.mark.parametrize(("most", "links"), [(4, 4), (3, 0)])
def test_an_attachment_joins_no_more_pairs_than_it_may(
    most: int, links: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph_api.sources.terraform_graph.MAX_JOINED", most)
    ends = [(type_, name) for type_ in ("aws_instance", "aws_ebs_volume") for name in "ab"]
    needs = [{"dependencies": [f"{type_}.{name}" for type_, name in ends]}]
    resources = [{"type": type_, "name": name, "instances": [{}]} for type_, name in ends]
    resources.append({"type": "aws_volume_attachment", "name": "both", "instances": needs})
    state = {"version": 4, "lineage": "a", "serial": 1, "resources": resources}
    (tmp_path / "a.tfstate").write_text(json.dumps(state), encoding="utf-8")
    (snapshot,) = read_paths([tmp_path], source="joined", only=["terraform"])
    assert len([row for row in snapshot.links.values() if "through" in row.properties]) == links
    assert [row.message for row in snapshot.problems] == (
        [] if links else ["it joins more than 3 pairs; none of them is linked"]
    )


@every_connector
def test_no_secret_is_logged(connector: Connector, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    read_paths([FOLDER / connector.name / "input"], source="recorded", only=[connector.name])
    assert CANARY not in caplog.text


@pytest.mark.parametrize("user", [f"user:{CANARY}@", f"user:p@{CANARY}@", f"user:p/{CANARY}@"])
@every_connector
def test_users_and_passwords_in_addresses_do_not_come_out(connector: Connector, user: str, tmp_path: Path) -> None:
    shutil.copytree(FOLDER / connector.name / "input", tmp_path / "input")
    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        lines = file.read_bytes().decode(errors="replace").splitlines(keepends=True)
        # What a format calls its schemas by is no address.
        changed = [line if "schema" in line or "context" in line else _ADDRESS.sub(user, line) for line in lines]
        file.write_text("".join(changed), encoding="utf-8")
    (snapshot,) = read_paths([tmp_path / "input"], source="recorded", only=[connector.name])
    assert snapshot.entities
    assert CANARY not in repr(told(snapshot))


def test_the_log_of_a_defect_does_not_quote_what_was_read(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_documents: Sequence[Document], _findings: Findings) -> None:
        raise ValueError(f"{CANARY} is no number")

    monkeypatch.setattr("graph_api.sources.reading.FORMATS", (replace(BY_NAME["trivy"], read=fail),))
    (snapshot,) = read_paths([FOLDER / "trivy" / "input"], source="recorded", only=["trivy"])
    assert {problem.severity for problem in snapshot.problems} == {"REFUSED"}
    assert "The connector trivy failed: ValueError at" in caplog.text
    assert CANARY not in caplog.text + repr(told(snapshot))


def test_no_secret_is_stored_or_printed(tmp_path: Path) -> None:
    store = f"embedded:{tmp_path / 'catalog.db'}"
    result = CliRunner().invoke(main, ["sync", str(FOLDER), "--store", store, "--source", "recorded"])
    assert result.exit_code == 0
    files = list(tmp_path.iterdir())
    assert files
    assert [file for file in files if CANARY.encode() in file.read_bytes()] == []
    assert CANARY not in result.output


def test_of_one_thing_that_is_told_of_again_and_again_not_all_is_put_together() -> None:
    findings = Findings("b")
    for number in range(3 * MAX_VALUES):
        at, text = Place("all.json", f"all.json:{number + 1}"), str(number)
        findings.entity(Ref("component:a/b"), at, tags=[text], labels={text: text}, identifiers=[f"host:{text}"])
    (said,) = findings.snapshot("a").entities.values()
    assert (len(said.tags), len(said.labels), len(said.identifiers)) == (MAX_VALUES, MAX_VALUES, MAX_VALUES)
