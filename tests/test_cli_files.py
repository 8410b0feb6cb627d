"""What `check` and `sync` say of files that are not, or not any more, what their names say."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from graph_api.catalog.snapshot import ProblemCode
from graph_api.cli.report import MENDING
from tests.commands import SERVICE, ask, run, write
from tests.documents import ROOT


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_API_STORE", "embedded:catalog.db")


def test_a_report_that_was_cut_off_is_wrong_and_json_that_is_of_others_is_not() -> None:
    folder = Path("scans")
    folder.mkdir()
    report = (ROOT / "seeds/platform/infrastructure/scans/checkout.trivy.json").read_text(encoding="utf-8")
    path = folder / "checkout.trivy.json"
    path.write_text(report, encoding="utf-8")
    others = {
        "tsconfig.json": '{\n  // see https://example.org\n  "a": 1,\n}',
        "rows.json": '{"a": [1, 2,]}',
        "chart.json": '{"a": {{ .Values.a | toJson }}}',
    }
    for name, text in others.items():
        (folder / name).write_text(text, encoding="utf-8")
    assert run("check", "scans").exit_code == 0
    assert run("sync", "scans", "--strict").exit_code == 0
    assert "UNKNOWN_FORMAT, for information: nothing to mend" in run("check", "scans").stdout

    path.write_text(report[:900], encoding="utf-8")
    checked, synced = run("check", "scans"), run("sync", "scans", "--strict")
    assert (checked.exit_code, synced.exit_code) == (1, 1)
    for told in (checked.stdout, synced.stdout):
        assert f"REFUSED BAD_YAML (1): {MENDING[ProblemCode.BAD_YAML]}\n  checkout.trivy.json:" in told


def test_a_source_that_tells_of_nothing_is_known_for_what_is_wrong_with_it() -> None:
    Path("empty").mkdir()
    Path("broken").mkdir()
    Path("broken", "catalog-info.yaml").write_text("apiVersion: backstage.io/v1\nkind: [\n", encoding="utf-8")
    for folder in ("empty", "broken"):
        run("sync", folder)
    runs = ask("{ syncs { nodes { source status problems { code } } } }")["syncs"]["nodes"]
    assert runs == [{"source": "files:broken", "status": "UNCHANGED", "problems": [{"code": "BAD_YAML"}]}]


def test_what_is_told_for_information_need_not_be_mended() -> None:
    folder = write("checkout")
    Path(folder, "numbers.json").write_text(f"[{'1,' * 16_000_001}1]", encoding="utf-8")
    assert (
        "1 x TOO_LARGE, for information: if it is meant for the catalog, split the file" in run("check", folder).stdout
    )


def test_an_interrupt_ends_a_sync_also_while_it_reads() -> None:
    service = SERVICE.format(name="NAME")
    Path("many").mkdir()
    for file in range(20):
        texts = (service.replace("NAME", f"service-{file}-{number}") for number in range(1_000))
        Path("many", f"{file}.yaml").write_text("---\n".join(texts), encoding="utf-8")
    command = [sys.executable, "-c", "from graph_api.cli import main; main()", "sync", "many"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout
        assert program.stderr
        # It is told after a second of reading, of many.
        said = program.stderr.read(len("Reading"))
        program.send_signal(signal.SIGINT)
        said += program.stderr.read()
        assert (program.wait(), program.stdout.read()) == (130, "")
    assert said.endswith("Error: interrupted\n")


def test_what_was_applied_before_a_connector_is_refused_is_told() -> None:
    assert run("sync", write("c", folder="first"), "--source", "first").exit_code == 0
    put = 'putEntities(source: "kubernetes:x", entities: [{kind: "System", name: "s"}]) { userErrors { code } }'
    assert ask(f"mutation {{ {put} }}") == {"putEntities": {"userErrors": []}}
    folder = write("a")
    deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: cart, namespace: shop}, spec: {}}"
    Path(folder, "cart.yaml").write_text(deployment, encoding="utf-8")
    result = run("sync", folder, "--source", "x")
    assert result.exit_code == 1
    assert "x: applied (revision 3)" in result.stdout
    assert "is fed by the connector" in result.stderr
