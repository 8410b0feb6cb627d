"""The installed command: what it prints, what it leaves in the store, and how it exits."""

import json
import re
import shlex
import shutil
import socket
from pathlib import Path

import httpx
import pytest

from graph_api.catalog.kinds import register_kinds
from graph_api.catalog.snapshot import ProblemCode
from graph_api.cli.report import MENDING
from graph_api.web.explorer import EXAMPLES
from tests.commands import SERVICE, ask, readiness, run, served, serving, write

WRONG = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: basket}
spec:
  owner: Who knows?
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: '!'}
"""
COUNT = "{ entities(filter: {declared: true}) { totalCount } }"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_API_STORE", "embedded:catalog.db")


def write_wrong() -> str:
    folder = write("checkout")
    Path(folder, "wrong.yaml").write_text(WRONG, encoding="utf-8")
    return folder


# check


def test_check_is_content_with_good_files_and_with_what_needs_no_mending() -> None:
    folder = write("checkout")
    for name, text in {"kustomization.yaml": "apiVersion: v1\nkind: Component\n", "notes.yaml": "a: 1\n"}.items():
        Path(folder, name).write_text(text, encoding="utf-8")
    result = run("check", folder)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "1 entities, 2 links" in result.stdout
    assert "1 x NOT_A_DESCRIPTOR, for information" in result.stdout
    assert "\n  notes.yaml" in result.stdout


def test_check_tells_where_what_and_how_to_mend_it() -> None:
    result = run("check", write_wrong())
    assert result.exit_code == 1
    assert "refused: 1, warnings: 1" in result.stdout
    assert f"REFUSED INVALID (1): {MENDING[ProblemCode.INVALID]}" in result.stdout
    assert re.search(r"^  wrong\.yaml:5: spec\.owner: .*Who knows", result.stdout, re.MULTILINE)


def test_check_as_json_is_for_programs() -> None:
    result = run("check", write_wrong(), "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (report["ok"], report["entities"]) == (False, 2)
    assert [(row["code"], row["severity"], row["path"], row["line"], row["ref"]) for row in report["problems"]] == [
        ("BAD_REF", "WARNING", "wrong.yaml", 5, "component:default/basket"),
        ("INVALID", "REFUSED", "wrong.yaml", 9, None),
    ]
    assert json.loads(run("check", write("alone", folder="other"), "--json").stdout)["ok"] is True


def test_check_of_a_folder_without_anything_to_read_fails() -> None:
    Path("empty").mkdir()
    result = run("check", "empty")
    assert result.exit_code == 1
    assert "nothing to read there" in result.stderr
    synced = run("sync", "empty")
    assert (synced.exit_code, synced.stdout) == (0, "Nothing to read there: no file that a connector knows.\n")


def test_kinds_of_the_deployment_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    document = SERVICE.format(name="etl").replace("dependsOn: [resource:default/db]", "readsFrom: [stream:orders]")
    Path("etl.yaml").write_text(document, encoding="utf-8")
    try:
        run("sync", "etl.yaml")
        assert "BAD_LINK_END" in run("check", "etl.yaml").stdout
        monkeypatch.setenv("GRAPH_API_KINDS", "Stream, Badge")
        assert run("query", '{ entities(filter: {kind: {eq: "badge"}}) { totalCount } }').exit_code == 0
        assert "BAD_LINK_END" in run("check", "etl.yaml").stdout
        monkeypatch.delenv("GRAPH_API_KINDS")
        Path("graph-api.yaml").write_text("kinds: [Badge, {name: Stream, like: Dataset}]", encoding="utf-8")
        assert run("check", "etl.yaml").exit_code == 0
    finally:
        register_kinds(())


def test_a_long_list_of_problems_is_cut() -> None:
    folder = write()
    documents = "---\n".join(WRONG.split("---\n")[1].replace("!", f"!{n}") for n in range(80))
    Path(folder, "many.yaml").write_text(documents, encoding="utf-8")
    lines = run("check", folder).stdout.splitlines()
    assert len(lines) == 2 + 50 + 1
    assert lines[-1] == "... and 31 more lines; see all problems with --json"
    assert "see all problems with `graph-api check PATH --json`" in run("sync", folder).stdout


def test_every_problem_has_a_way_to_mend_it() -> None:
    assert MENDING.keys() == set(ProblemCode)


# sync


def test_a_sync_says_what_it_did_and_the_second_writes_nothing() -> None:
    folder = write("checkout", "basket")
    first, again = run("sync", folder), run("sync", folder)
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "files:files: applied (revision 1)" in first.stdout
    assert "entities 2 added, 0 changed, 0 removed" in first.stdout
    assert "links    4 added, 0 changed, 0 removed" in first.stdout
    assert "files:files: nothing has changed (revision 1)" in again.stdout
    assert ask(COUNT) == {"entities": {"totalCount": 2}}


def test_a_dry_run_prints_the_plan_and_changes_nothing() -> None:
    folder = write("checkout", "basket")
    run("sync", folder)
    write("checkout", "orders")
    Path(folder, "basket.yaml").unlink()
    Path(folder, "checkout.yaml").write_text(
        SERVICE.format(name="checkout").replace("production", "deprecated"), encoding="utf-8"
    )

    result = run("sync", folder, "--dry-run")

    assert result.exit_code == 0
    assert "files:files: a dry run; would be applied in embedded:catalog.db\n" in result.stdout
    assert [line for line in result.stdout.splitlines() if re.match(r"  [+~-] ", line)] == [
        "  - component:default/basket",
        "  ~ component:default/checkout",
        "  + component:default/orders",
        "  + component:default/orders DEPENDS_ON resource:default/db",
        "  + component:default/orders OWNED_BY group:default/shop",
        "  - component:default/basket DEPENDS_ON resource:default/db",
        "  - component:default/basket OWNED_BY group:default/shop",
    ]
    assert "files:files: applied" in run("sync", folder).stdout


def test_what_removes_too_much_is_held_and_the_printed_command_confirms_it() -> None:
    folder = write(*(f"service-{n}" for n in range(20)))
    run("sync", folder)
    for path in Path(folder).iterdir():
        path.unlink()

    held = run("sync", folder)

    assert held.exit_code == 3
    assert "HELD, nothing is applied" in held.stdout
    assert "Held because the source says nothing any more" in held.stdout
    assert ask(COUNT) == {"entities": {"totalCount": 20}}
    program, *command = shlex.split(held.stdout.splitlines()[-1].partition("If that is right: ")[2])
    assert program == "graph-api"
    confirmed = run(*command)
    assert confirmed.exit_code == 0
    assert "confirmed and applied" in confirmed.stdout
    assert ask(COUNT) == {"entities": {"totalCount": 0}}
    assert run(*command).exit_code == 1


def test_another_folder_of_the_same_name_takes_nothings_place(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("one").mkdir()
    Path("other").mkdir()
    first = write(*(f"service-{n}" for n in range(20)), folder="one/files")
    second = write("lone", folder="other/files")
    assert run("sync", first).exit_code == 0

    refused = run("sync", second)
    assert refused.exit_code == 1
    assert f"files:files was read from {Path('one/files').resolve()} until now" in refused.stderr
    assert "Name this one with --source NAME, or with --source files:files if it has moved (CONFLICT)" in refused.stderr
    assert run("sync", second, "--dry-run").exit_code == 1
    assert ask(COUNT) == {"entities": {"totalCount": 20}}
    assert ask("{ syncs(first: 9) { nodes { status } } }") == {"syncs": {"nodes": [{"status": "APPLIED"}]}}

    with monkeypatch.context() as limited:
        limited.setattr("graph_api.sources.folders.MAX_FILES", 0)
        assert "more than 0 files" in run("sync", second).stderr
    assert ask("{ syncs(first: 1) { nodes { status } } }") == {"syncs": {"nodes": [{"status": "FAILED"}]}}
    assert run("sync", second).exit_code == 1

    assert run("sync", second, "--source", "files:other").exit_code == 0
    assert ask(COUNT) == {"entities": {"totalCount": 21}}
    Path("moved").mkdir()
    shutil.move("one/files", "moved/files")
    assert run("sync", "moved/files", "--source", "files:files").exit_code == 0
    assert run("sync", "moved/files").exit_code == 0


@pytest.mark.parametrize(("strict", "exit_code"), [((), 0), (("--strict",), 1)])
def test_a_strict_sync_fails_on_problems_and_the_rest_goes_in_either_way(
    strict: tuple[str, ...], exit_code: int
) -> None:
    result = run("sync", write_wrong(), *strict)
    assert result.exit_code == exit_code
    assert "refused: 1, warnings: 1" in result.stdout
    assert ask(COUNT) == {"entities": {"totalCount": 2}}


def test_all_paths_of_a_call_are_one_source_with_the_name_that_is_given() -> None:
    run("sync", write("checkout", folder="one"), write("basket", folder="two"), "--source", "both")
    assert ask("{ sources { name entities } }") == {"sources": [{"name": "both", "entities": 2}]}


def test_a_changed_order_of_sources_takes_effect_with_the_next_write_of_any_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for source in ("one", "two"):
        folder = write("checkout", folder=source)
        path = Path(folder, "checkout.yaml")
        path.write_text(path.read_text(encoding="utf-8").replace("owner: shop", f"owner: {source}"), encoding="utf-8")
        run("sync", folder, "--source", source)
    owner = '{ entity(ref: "component:checkout") { owners { ref } } }'
    assert ask(owner) == {"entity": {"owners": [{"ref": "group:default/one"}]}}

    monkeypatch.setenv("GRAPH_API_SOURCES", "two,one")
    assert "nothing would change in" in run("sync", "one", "--source", "one", "--dry-run").stdout
    assert ask(owner) == {"entity": {"owners": [{"ref": "group:default/one"}]}}, "a dry run changes nothing"
    assert "applied (revision 4)" in run("sync", write("basket", folder="other")).stdout
    assert ask(owner) == {"entity": {"owners": [{"ref": "group:default/two"}]}}
    assert "nothing has changed (revision 4)" in run("sync", "one", "--source", "one").stdout


# usage


def test_help_names_every_command_and_the_exit_codes() -> None:
    text = run("--help").stdout
    assert all(name in text for name in ("serve", "sync", "check", "query", "connectors", "neo4j", "export-schema"))
    assert "Exit codes:" in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["check"],
        ["check", "nowhere"],
        ["check", ".", "--repo", "not a repository"],
        ["check", ".", "--config", "nowhere.yaml"],
        ["sync"],
        ["connectors", "nope"],
        ["sync", ".", "--confirm", "x"],
        ["sync", "--confirm", "x", "--dry-run"],
        ["sync", ".", "--store", "mysql://host"],
        ["query"],
        ["query", "fragment F on Query { __typename }"],
        ["query", "{ __typename }", "--variables", "[]"],
        ["query", "{ __typename }", "--variables", "{"],
        ["serve", "--port", "70000"],
        ["serve", "--max-page", "many"],
    ],
)
def test_wrong_usage_is_explained(arguments: list[str]) -> None:
    run("sync", write("checkout"))
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert result.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["query", "{ __typename }", "--store", "bolt://127.0.0.1:1"],
        ["sync", ".", "--store", "bolt://127.0.0.1:1"],
        ["neo4j", "status", "--home", "nowhere"],
    ],
)
def test_a_database_that_is_not_there_is_said_in_a_line(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 4
    assert len(result.output.splitlines()) == 1


def test_confirming_an_unknown_sync_fails_in_a_line() -> None:
    run("sync", write("checkout"))
    result = run("sync", "--confirm", "0123456789abcdef")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: there is no sync")


# serve


def test_the_demo_answers_its_printed_queries_and_keeps_what_was_written() -> None:
    with served("--demo") as (printed, url):
        loaded = re.search(r"Loaded the demo organization of (\d+) sources: 319 entities", printed)
        assert loaded
        next_revision = int(loaded[1]) + 1
        for _, document in EXAMPLES:
            assert document in printed
            answer = httpx.post(f"{url}/graphql", json={"query": document}).json()
            assert "errors" not in answer
            assert all(answer["data"].values())
        put = 'mutation { putEntities(entities: [{kind: "Component", name: "mine"}]) { revision } }'
        written = httpx.post(f"{url}/graphql", json={"query": put}).json()
        assert written["data"] == {"putEntities": {"revision": next_revision}}
    with served("--demo") as (printed, url):
        assert "is there already" in printed
        kept = httpx.post(f"{url}/graphql", json={"query": '{ entity(ref: "component:mine") { revision } }'})
        assert kept.json()["data"] == {"entity": {"revision": next_revision}}


def test_a_store_in_memory_serves_the_demo() -> None:
    with served("--demo", "--store", "embedded::memory:") as (_, url):
        assert readiness(url).json() == {"status": "ok"}
        answer = httpx.post(f"{url}/graphql", json={"query": "{ systems { totalCount } }"})
        assert answer.json()["data"] == {"systems": {"totalCount": 18}}
    assert not Path("catalog.db").exists()


def test_a_server_with_its_database_down_lives_and_says_so() -> None:
    with served("--store", "bolt://127.0.0.1:1") as (_, url):
        assert httpx.get(f"{url}/livez").status_code == 200
        assert httpx.get(f"{url}/readyz").status_code == 503


def test_a_port_that_is_taken_is_said_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", "--insecure-anonymous", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 2
    assert "choose another with --port" in result.stderr


@pytest.mark.parametrize("option", ["--host", "--admin-host"])
def test_an_address_that_is_none_of_this_machine_is_said_with_its_option(option: str) -> None:
    # Of the addresses that stand in documentation alone.
    where = ("--port", "0", "--admin-port", "0", "--host", "127.0.0.1", option, "192.0.2.1")
    result = run(
        "serve", "--insecure-anonymous", "--insecure-anonymous-anywhere", "--store", "embedded::memory:", *where
    )
    assert result.exit_code == 2
    assert f"choose another with {option}\n" in result.stderr


def test_a_folder_of_the_mirror_that_cannot_be_written_to_is_said_in_a_line() -> None:
    Path("file").write_text("")
    result = run("serve", "--insecure-anonymous", "--store", "bolt://127.0.0.1:1", "--mirror-folder", "file/mirror")
    assert result.exit_code == 2
    assert "mirror_folder: nothing can be written to file/mirror: Not a directory" in result.stderr


def test_who_needs_no_mirror_needs_no_folder() -> None:
    Path("file").write_text("")
    with served("--insecure-anonymous", "--store", "embedded::memory:", "--mirror-folder", "file/mirror") as (_, url):
        assert httpx.get(f"{url}/livez").status_code == 200


def test_rules_for_kinds_that_nobody_knows_are_told_when_the_server_starts() -> None:
    rules = "restricted: [{kinds: [Grup, Stream, Group], to: [owners]}]\njoin_names: [nokind, environment]\n"
    Path("graph-api.yaml").write_text(rules + "kinds: [Stream]\n", encoding="utf-8")
    with Path("log").open("wb") as log, serving("--insecure-anonymous", log=log):
        pass
    said = Path("log").read_text(encoding="utf-8")
    assert said.count("is not known") == 2
    assert "restricted: the kind grup is not known; did you mean Group?" in said
    assert "join_names: the kind nokind is not known, unless a source has entities of it" in said
