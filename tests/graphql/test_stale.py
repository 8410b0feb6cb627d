"""What was last read from a file that is unreadable now stays, marked stale, with the time when it last stood."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graph_api.app import source_order
from graph_api.catalog.changes import SyncRun, SyncStatus
from graph_api.settings import Settings
from graph_api.sources.files import read_files
from graph_api.sources.reading import read_paths
from graph_api.store.protocol import Store
from graph_api.sync import confirm_sync, record_failure, sync
from tests.conftest import Run
from tests.graphql.conftest import Client
from tests.sources.folders import descriptor, write

SLUG = "{github.com/project-slug: acme/orders}"
FILES = {
    "repository.yaml": descriptor("Repository", "orders", "{type: git}", SLUG),
    "orders/catalog-info.yaml": descriptor("Component", "orders", "{dependsOn: [resource:db]}", SLUG),
    ".github/CODEOWNERS": "* @acme/crew\n",
}
NOT_UTF_8 = b"* @acme/caf\xe9\n"

SyncFolder = Callable[[], SyncRun]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "files", FILES)


@pytest.fixture
def synced(store: Store, run: Run, folder: Path) -> SyncFolder:
    """Sync the folder as it is now."""

    def once() -> SyncRun:
        report = run(sync(store, read_files([folder], source="files"), source_order(Settings())))
        done: SyncRun = report.run
        return done

    return once


def owners(client: Client, ref: str = "component:orders") -> Any:
    answer = client.ask(
        "query Q($ref: String!) { entity(ref: $ref) { owners { ref how evidence { location lastSeen stale } } } }",
        ref=ref,
    )
    return answer["entity"]["owners"]


def owner(last_seen: str, *, stale: bool) -> list[dict[str, Any]]:
    evidence = [{"location": ".github/CODEOWNERS:1", "lastSeen": last_seen, "stale": stale}]
    return [{"ref": "group:acme/crew", "how": "INFERRED", "evidence": evidence}]


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "known by its remote"])
def test_code_owners_stay_while_their_file_cannot_be_read(
    client: Client, synced: SyncFolder, folder: Path, declared: bool
) -> None:
    if not declared:
        (folder / "repository.yaml").unlink()
        write(folder, {".git/config": '[remote "origin"]\n\turl = https://github.com/acme/orders\n'})
    first = synced()
    assert owners(client) == owner(first.finished_at, stale=False)

    (folder / ".github" / "CODEOWNERS").write_bytes(NOT_UTF_8)
    lost = synced()
    assert (lost.status, [problem.code for problem in lost.problems]) == (SyncStatus.APPLIED, ["UNREADABLE"])
    assert owners(client) == owner(first.finished_at, stale=True)
    again = synced()
    assert (again.status, again.revision) == (SyncStatus.UNCHANGED, lost.revision)
    assert owners(client) == owner(first.finished_at, stale=True)

    write(folder, {".github/CODEOWNERS": FILES[".github/CODEOWNERS"]})
    found = synced()
    assert owners(client) == owner(found.finished_at, stale=False)
    (folder / ".github" / "CODEOWNERS").unlink()
    synced()
    assert owners(client) == []


def test_code_owners_that_were_never_read_are_none(client: Client, synced: SyncFolder, folder: Path) -> None:
    (folder / ".github" / "CODEOWNERS").write_bytes(NOT_UTF_8)
    synced()
    assert synced().status is SyncStatus.UNCHANGED
    assert owners(client) == []


@pytest.mark.parametrize("text", ["a: [\n", "<html>\n  <p>: [</p>\n: :", "kind: [", "{{- if .x }}\nname: ["])
def test_a_file_that_is_broken_beyond_recognition_withdraws_nothing(
    client: Client, store: Store, run: Run, tmp_path: Path, text: str
) -> None:
    folder = write(tmp_path / "files", {f"{n}.yaml": descriptor("Component", f"c{n}") for n in range(3)})
    write(folder, {"all.yaml": descriptor("Location", "all", "{target: ./.hidden/c3}")})
    write(folder, {".hidden/c3": descriptor("Component", "c3")})

    def sync_now() -> None:
        for snapshot in read_paths([folder], only=["files"]):
            run(sync(store, snapshot, source_order(Settings())))

    sync_now()
    for path in ("1.yaml", ".hidden/c3"):
        (folder / path).write_text(text)
    sync_now()
    asked = '{ entities(filter: {kind: {eq: "Component"}}) { nodes { name evidence { stale } } } }'
    assert [(row["name"], row["evidence"][0]["stale"]) for row in client.ask(asked)["entities"]["nodes"]] == [
        ("c0", False),
        ("c1", True),
        ("c2", False),
        ("c3", True),
    ]
    for path in ("1.yaml", ".hidden/c3"):
        (folder / path).write_text("a: b\n")
    sync_now()
    assert [row["name"] for row in client.ask(asked)["entities"]["nodes"]] == ["c0", "c2"]


def test_a_file_that_another_names_stays_while_it_is_broken(
    client: Client, store: Store, run: Run, tmp_path: Path
) -> None:
    """The source is one file, which leads to one that nobody lists."""
    folder = write(tmp_path / "files", {"all.yaml": descriptor("Location", "all", "{target: ./svc/one.yaml}")})
    write(folder, {"svc/one.yaml": descriptor("Component", "one")})

    def sync_now() -> None:
        run(sync(store, read_files([folder / "all.yaml"], source="files"), source_order(Settings())))

    sync_now()
    (folder / "svc" / "one.yaml").write_text("oops: [\n")
    sync_now()
    asked = '{ entity(ref: "component:one") { evidence { stale } } }'
    assert client.ask(asked) == {"entity": {"evidence": [{"stale": True}]}}


def last_seen(client: Client) -> list[tuple[str, str, bool]]:
    """Of the entity and of its link."""
    answer = client.ask(
        '{ entity(ref: "component:orders") { evidence { source lastSeen stale } dependencies { edges { '
        "link { evidence { source lastSeen stale } } } } } }"
    )["entity"]
    rows = answer["evidence"] + answer["dependencies"]["edges"][0]["link"]["evidence"]
    return [(row["source"], row["lastSeen"], row["stale"]) for row in rows]


def test_a_statement_was_last_seen_in_the_last_run_that_it_stood_in(
    client: Client, store: Store, run: Run, synced: SyncFolder, folder: Path
) -> None:
    synced()
    stood = synced()
    assert last_seen(client) == [("files", stood.finished_at, False)] * 2
    run(record_failure(store, "files", "files", "no such folder"))
    assert last_seen(client) == [("files", stood.finished_at, False)] * 2, "a failed run has seen nothing"

    (folder / "orders" / "catalog-info.yaml").write_bytes(b"apiVersion: backstage.io/v1\nkind: \xe9\n")
    synced()
    run(record_failure(store, "files", "files", "no such folder"))
    assert synced().status is SyncStatus.UNCHANGED
    assert last_seen(client) == [("files", stood.finished_at, True)] * 2


def test_what_is_confirmed_was_seen_then_even_after_runs_that_began_later(
    client: Client, store: Store, run: Run, synced: SyncFolder, folder: Path
) -> None:
    write(folder, {f"more/{n}.yaml": descriptor("Component", f"more-{n}") for n in range(20)})
    synced()
    for path in (folder / "more").iterdir():
        path.unlink()
    held = synced()
    assert held.status is SyncStatus.HELD
    client.ask('mutation { putEntities(source: "files", entities: [{kind: "Domain", name: "x"}]) { revision } }')
    client.ask('mutation { removeEntities(source: "files", entities: [{ref: "domain:x"}]) { revision } }')
    report = run(confirm_sync(store, held.id, source_order(Settings())))
    assert last_seen(client) == [("files", report.run.finished_at, False)] * 2
