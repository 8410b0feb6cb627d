"""`graph-api sync` without PATH: the sources of the settings, on both stores."""

import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from graph_api.cli import main
from tests.conftest import wipe
from tests.feeding import write_services, zipkin
from tests.sources.connectors.loopback import TOKEN

SYNCS = "{ syncs(first: 50) { nodes { source connector status message problems { message } } } }"
COUNTS = "{ sources { name entities links } }"


@pytest.fixture(params=["embedded", "neo4j"], autouse=True)
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


@pytest.fixture
def tracing(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """An online source that answers."""
    monkeypatch.setenv("TRACES_TOKEN", TOKEN)
    with zipkin().served() as url:
        yield online(url)


def online(url: str, **more: Any) -> dict[str, Any]:
    return {"name": "traces", "connector": "zipkin", "url": url, "token_variable": "TRACES_TOKEN", **more}


def configure(*sources: dict[str, Any] | str, folder: str = ".") -> str:
    Path(folder).mkdir(exist_ok=True)
    path = Path(folder, "graph-api.yaml")
    path.write_text(yaml.safe_dump({"sources": list(sources)}), encoding="utf-8")
    return str(path)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def ask(document: str) -> Any:
    return json.loads(run("query", document).stdout)["data"]


def test_all_of_them_run_and_a_second_time_write_nothing(tracing: dict[str, Any]) -> None:
    write_services(Path("catalog"), "checkout", "basket")
    configure("cmdb", {"name": "catalog", "paths": ["catalog"], "every": "15m"}, tracing)

    first, again = run("sync"), run("sync")

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "catalog: applied (revision 1)" in first.stdout
    assert "zipkin:traces: applied (revision 2)" in first.stdout
    assert "catalog: nothing has changed (revision 2)" in again.stdout
    assert "zipkin:traces: nothing has changed (revision 2)" in again.stdout
    assert ask(COUNTS)["sources"] == [
        {"name": "catalog", "entities": 2, "links": 0},
        {"name": "zipkin:traces", "entities": 2, "links": 1},
    ]


def test_one_of_them_runs_by_its_name(tracing: dict[str, Any]) -> None:
    write_services(Path("catalog"), "checkout")
    configure({"name": "catalog", "paths": ["catalog"]}, tracing)
    assert run("sync", "--source", "catalog").exit_code == 0
    assert [row["source"] for row in ask(SYNCS)["syncs"]["nodes"]] == ["catalog"]
    unknown = run("sync", "--source", "catalogue")
    assert unknown.exit_code == 2
    assert "no source catalogue is configured; there are catalog, traces" in unknown.stderr


def test_paths_are_seen_from_the_folder_of_the_file() -> None:
    write_services(Path("config/catalog"), "checkout")
    config = configure({"name": "catalog", "paths": ["catalog"], "connectors": ["files"]}, folder="config")
    assert "catalog: applied" in run("sync", "--config", config).stdout


def test_a_dry_run_changes_nothing_and_leaves_no_run() -> None:
    write_services(Path("catalog"), "checkout")
    configure({"name": "gone", "paths": ["nowhere"]}, {"name": "catalog", "paths": ["catalog"]})
    result = run("sync", "--dry-run")
    assert result.exit_code == 4
    assert "catalog: a dry run; would be applied" in result.stdout
    assert ask(SYNCS)["syncs"]["nodes"] == []


def test_what_removes_too_much_is_held_and_the_others_go_in() -> None:
    write_services(Path("many"), *(f"service-{number}" for number in range(20)))
    configure({"name": "many", "paths": ["many"]}, {"name": "few", "paths": ["few"]})
    write_services(Path("few"), "one")
    assert run("sync").exit_code == 0
    for path in Path("many").iterdir():
        path.unlink()
    write_services(Path("few"), "two")
    held = run("sync")
    assert held.exit_code == 3
    assert "few: applied" in held.stdout
    assert [row["entities"] for row in ask(COUNTS)["sources"]] == [2, 20]


def test_a_folder_of_events_is_empty_until_the_first_one_and_must_not_go_afterwards() -> None:
    configure({"name": "lineage", "paths": ["events"], "connectors": ["openlineage"]}, {"name": "a", "paths": ["b/c"]})
    first = run("sync")
    assert (first.exit_code, first.stdout) == (4, "lineage: no event has been received yet\n")
    assert f"a: FAILED, nothing is withdrawn: cannot read {Path('b/c').absolute()}: No such file" in first.stderr
    assert not Path("events").exists()
    Path("events").mkdir()
    job = {"namespace": "nightly", "name": "load"}
    event = {"eventType": "START", "eventTime": "2026-01-02T03:04:05Z", "producer": "p", "run": {}, "job": job}
    Path("events/one.json").write_text(json.dumps(event), encoding="utf-8")
    assert "openlineage:lineage: applied" in run("sync", "--source", "lineage").stdout
    shutil.rmtree("events")
    assert "lineage: FAILED, nothing is withdrawn: cannot read" in run("sync", "--source", "lineage").stderr


def test_one_that_fails_withdraws_nothing_and_the_others_go_on(tracing: dict[str, Any]) -> None:
    write_services(Path("first"), "checkout")
    write_services(Path("last"), "basket")
    configure({"name": "first", "paths": ["first"]}, tracing, {"name": "last", "paths": ["last"]})
    assert run("sync").exit_code == 0
    before = ask(COUNTS)
    Path("first/checkout.yaml").unlink()
    Path("first").rmdir()

    with zipkin(whole=False).served() as url:
        configure({"name": "first", "paths": ["first"]}, online(url), {"name": "last", "paths": ["last"]})
        result = run("sync")

    assert result.exit_code == 4
    assert "first: FAILED, nothing is withdrawn: cannot read" in result.stderr
    assert line_of("traces: FAILED, nothing is withdrawn: http://127.0.0.1", result.stderr).endswith("right?")
    assert "last: nothing has changed" in result.stdout
    assert ask(COUNTS) == before
    failed = [row for row in ask(SYNCS)["syncs"]["nodes"] if row["status"] == "FAILED"]
    assert [(row["source"], row["connector"]) for row in failed] == [("zipkin:traces", "zipkin"), ("first", "files")]
    assert all(row["message"] for row in failed)


def test_a_source_that_another_connector_feeds_fails_alone() -> None:
    shop = write_services(Path("shop"), "checkout")
    (shop / "compose.yaml").write_text("services: {web: {image: shop/web}}\n", encoding="utf-8")
    (shop / "place.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n", encoding="utf-8")
    others = write_services(Path("others"), "taken")
    assert run("sync", "--source", "kubernetes:shop", "--connector", "files", str(others)).exit_code == 0
    configure({"name": "shop", "paths": ["shop"]})

    result = run("sync")

    assert result.exit_code == 1
    assert line_of("kubernetes:shop: FAILED, nothing is withdrawn: ", result.stderr)
    assert "\nshop: applied" in f"\n{result.stdout}"
    assert "compose:shop: applied" in result.stdout
    assert {(row["source"], row["status"]) for row in ask(SYNCS)["syncs"]["nodes"]} == {
        ("kubernetes:shop", "APPLIED"),
        ("shop", "APPLIED"),
        ("compose:shop", "APPLIED"),
    }


def line_of(start: str, text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


@pytest.mark.parametrize("token", ["canary-secret-token", "canary-secret-t\u00f6ken", "", None])
def test_a_token_is_shown_nowhere(
    token: str | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if token is None:
        monkeypatch.delenv("TRACES_TOKEN", raising=False)
    else:
        monkeypatch.setenv("TRACES_TOKEN", token)
    with zipkin().served() as url:
        configure(online(url, options={"hours": 2}))
        result = run("sync")
    assert result.exit_code == 4
    (row,) = ask(SYNCS)["syncs"]["nodes"]
    assert row["status"] == "FAILED"
    assert "token" in row["message"]
    told = result.output + caplog.text + json.dumps(row)
    assert "canary-secret" not in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give PATHs or --confirm ID, or say in the setting `sources` what to sync"),
        (("--source", "cmdb"), "give PATHs"),
        (("--repo", "acme/shop"), "go with PATHs"),
        (("--connector", "trivy"), "go with PATHs"),
    ],
)
def test_without_sources_to_sync_the_usage_is_explained(arguments: tuple[str, ...], message: str) -> None:
    configure("cmdb")
    result = run("sync", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
