"""`graph-api backup` and `graph-api restore`."""

import gzip
import os
import re
from pathlib import Path

import pytest

from tests.commands import ask, run, write

QUESTION = "{ entities { totalCount } sources { name entities lastRun { status } } }"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_API_STORE", "embedded:catalog.db")


def test_a_catalog_goes_into_a_file_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    run("sync", write("checkout", "cart"))
    before = ask(QUESTION)
    made = run("backup", "catalog.backup")
    assert (made.exit_code, "4 entities" in made.stdout) == (0, True), made.output
    monkeypatch.setenv("GRAPH_API_STORE", "embedded:other.db")
    restored = run("restore", "catalog.backup")
    assert (restored.exit_code, "verified against catalog.backup" in restored.stdout) == (0, True), restored.output
    assert ask(QUESTION) == before
    assert run("audit", "verify").exit_code == 0
    assert "restore" in run("audit", "list").stdout


def test_a_store_that_is_not_empty_is_replaced_only_when_told() -> None:
    run("sync", write("checkout"))
    run("backup", "catalog.backup")
    run("sync", write("cart"))
    refused = run("restore", "catalog.backup")
    assert (refused.exit_code, "replace this one with --replace" in refused.stderr) == (1, True)
    assert run("restore", "catalog.backup", "--replace").exit_code == 0
    assert ask("{ entities { totalCount } }") == {"entities": {"totalCount": 3}}


def test_only_its_owner_can_read_a_backup_whatever_lies_beside_it() -> None:
    run("sync", write("checkout"))
    Path("elsewhere").touch(0o644)
    Path("catalog.backup.part").symlink_to("elsewhere")
    assert run("backup", "catalog.backup").exit_code == 0
    assert Path("elsewhere").read_bytes() == b""
    assert not Path("catalog.backup").is_symlink()
    assert Path("catalog.backup").stat().st_mode & 0o777 == 0o600


def test_only_an_older_backup_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    run("sync", write("checkout"))
    Path("notes").write_text("mine")
    os.mkfifo("pipe")
    Path("link").symlink_to("catalog.db")
    for name in ("catalog.db", "notes", "pipe", "link"):
        refused = run("backup", name)
        assert (refused.exit_code, "it is not replaced" in refused.stderr) == (1, True), refused.output
    assert (Path("notes").read_text(), Path("pipe").is_fifo(), Path("link").is_symlink()) == ("mine", True, True)
    Path("empty").touch()
    Path("newest").symlink_to("empty")
    for name in ("empty", "empty", "newest"):
        assert run("backup", name).exit_code == 0
    assert Path("newest").is_symlink()
    monkeypatch.setenv("GRAPH_API_STORE", "embedded:other.db")
    assert run("restore", "newest").exit_code == 0


@pytest.mark.parametrize("damage", ["a byte", "the end", "the text's end", "a row", "a head of another kind"])
def test_a_damaged_backup_leaves_no_trace(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run("sync", write(*(f"service-{number}" for number in range(50))))
    run("backup", "catalog.backup")
    whole = Path("catalog.backup").read_bytes()
    middle = len(whole) // 2
    spoilt = {
        "a byte": whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :],
        "the end": whole[:-20],
        "the text's end": gzip.compress(gzip.decompress(whole)[:-20]),
        "a row": gzip.compress(re.sub(rb'\["catalog",.+\]', b'["catalog",null]', gzip.decompress(whole))),
        "a head of another kind": gzip.compress(b'{"graph-api backup": "x"}\n'),
    }
    Path("catalog.backup").write_bytes(spoilt[damage])
    monkeypatch.setenv("GRAPH_API_STORE", "embedded:other.db")
    refused = run("restore", "catalog.backup")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1), refused.stderr
    assert not list(Path().glob("other.db*"))


def test_what_is_not_there_is_said() -> None:
    assert run("backup", "catalog.backup").exit_code == 4
    assert not Path("catalog.db").exists()
    assert run("restore", "nowhere").exit_code == 1
    Path("text").write_text("name: checkout")
    assert "is no backup" in run("restore", "text").stderr or "damaged" in run("restore", "text").stderr


def test_what_a_file_system_refuses_is_one_line() -> None:
    run("sync", write("checkout"))
    for command in (("backup", "nowhere/catalog.backup"), ("export-schema", "catalog.db/schema")):
        refused = run(*command)
        assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1), refused.stderr
        assert ".part" not in refused.stderr
        assert command[1].partition("/")[0] in refused.stderr
    Path("folder").mkdir()
    refused = run("sync", write("checkout"), "--store", "embedded:folder")
    assert (refused.exit_code, "folder/catalog.db" in refused.stderr) == (1, True), refused.stderr
