"""Rows 52 to 60: what files and tools say. Nothing of it takes long, leads out of its folder, or is half believed.

The details are in tests/sources/; here the command meets them as a deployment would.
"""

import asyncio
import json
import time
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from graph_api.sources import api
from graph_api.sources.api import ApiError
from graph_api.sources.prometheus import CONNECTOR
from tests.commands import run
from tests.sources.connectors.loopback import Tool, fetched
from tests.sources.folders import descriptor, write

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)
)
OPENAPI = {"openapi": "3.1.0", "info": {"title": "loop", "version": "1"}, "components": {"schemas": {}}}
RECURSIVE = {**OPENAPI, "components": {"schemas": {"A": {"$ref": "#/components/schemas/A"}}}}
FOREIGN = {**OPENAPI, "paths": {"/": {"$ref": "http://169.254.169.254/latest"}}}
XML_BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><bom xmlns="http://cyclonedx.org/schema/bom/1.5">&b;</bom>'


def named(text: str) -> Callable[[Path], object]:
    return lambda folder: write(folder, {"catalog-info.yaml": text})


STRANGE_HOSTS = ("169.254.169.254", "[::ffff:127.0.0.1]", "0x7f000001", "allowed@evil.example")


def leading_to(target: str) -> Callable[[Path], object]:
    return named(descriptor("Location", "a", f"{{target: '{target}'}}"))


def linked(folder: Path) -> None:
    (folder / "catalog-info.yaml").symlink_to("/etc/passwd")


def large(folder: Path) -> None:
    write(folder, {"openapi.json": json.dumps(OPENAPI).ljust(51_000_000)})


FILES: dict[str, tuple[int, Callable[[Path], object], str]] = {
    "a bomb of aliases": (52, named(BOMB), "aliases"),
    "500 levels": (53, named("a: " + "[" * 500 + "]" * 500), "nested"),
    "an anchor in itself": (53, named("a: &x [1, *x]"), "inside itself"),
    "a Python object": (53, named("a: !!python/object/apply:os.system [id]"), "python/object"),
    "100,000 keys": (53, named("\n".join(f"k{n}: v" for n in range(100_000))), "values"),
    "a key twice": (53, named("a: 1\na: 2"), "stands twice"),
    "a location in /etc": (54, leading_to("file:///etc/passwd"), "OUTSIDE_ROOT"),
    **{f"a location at {host}": (54, leading_to(f"http://{host}/a.yaml"), "NOT_FETCHED") for host in STRANGE_HOSTS},
    "a location in itself": (56, leading_to("./catalog-info.yaml"), "CYCLE"),
    "a link out of the folder": (57, linked, "OUTSIDE_ROOT"),
    "an entity bomb in XML": (60, lambda folder: write(folder, {"bom.xml": XML_BOMB}), "XML"),
    "51 MB of OpenAPI": (60, large, "TOO_LARGE"),
}


@pytest.mark.parametrize(("row", "attack", "told"), FILES.values(), ids=FILES)
def test_attack(row: int, attack: Callable[[Path], object], told: str, tmp_path: Path) -> None:
    attack(tmp_path)
    begin, begin_work = time.monotonic(), time.process_time()
    result = run("check", str(tmp_path))
    assert time.process_time() - begin_work < 5, row
    assert time.monotonic() - begin < 20, "it waits for something"
    assert told in result.output
    assert "root:" not in result.output


def test_53_texts_that_look_like_values_stay_texts(tmp_path: Path) -> None:
    named(descriptor("Component", "no", "{type: service, version: 1.10, mode: 0777}"))(tmp_path)
    store = f"embedded:{tmp_path / 'catalog.db'}"
    assert run("sync", str(tmp_path), "--store", store).exit_code == 0
    answer = run("query", '{ entity(ref: "component:no") { name spec } }', "--store", store)
    entity = json.loads(answer.stdout)["data"]["entity"]
    assert (entity["name"], entity["spec"]["version"], entity["spec"]["mode"]) == ("no", "1.10", "0777")


def test_57_archives_are_not_opened(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    with zipfile.ZipFile(folder / "catalog-info.zip", "w") as archive:
        archive.writestr("../slipped.yaml", descriptor("Component", "slipped"))
    result = run("check", str(folder))
    assert "slipped" not in result.output
    assert not (tmp_path / "slipped.yaml").exists()


@pytest.mark.parametrize("document", [RECURSIVE, FOREIGN])
def test_60_references_are_not_followed(tmp_path: Path, document: dict[str, object]) -> None:
    write(tmp_path, {"openapi.json": json.dumps(document)})
    assert run("check", str(tmp_path)).exit_code in (0, 1)


def endless(_: Request) -> Response:
    return StreamingResponse(b"[" * 1_000_000 for _ in range(1_000))


def dripping(_: Request) -> Response:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    return StreamingResponse(drip())


def login_page(_: Request) -> Response:
    return HTMLResponse("<html>Who are you?</html>")


@pytest.mark.parametrize(
    ("answer", "message"),
    [(endless, "more than"), (dripping, "nothing was withdrawn"), (login_page, "does not answer JSON")],
)
def test_55_a_tool_that_answers_badly_ends_the_run(
    answer: Callable[[Request], Response], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MAX_SECONDS", 0.2 if answer is dripping else 60)
    begin = time.monotonic()
    with pytest.raises(ApiError, match=message):
        fetched(CONNECTOR, Tool({"/api/v1/rules": answer, "/api/v1/targets": answer, "/api/v1/alerts": answer}))
    assert time.monotonic() - begin < 20
