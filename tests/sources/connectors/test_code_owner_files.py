"""CODEOWNERS files that the APIs of GitHub and GitLab answer with: who owns what, and what is wrong with a file."""

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest

from graph_api.catalog.merge import SourceOrder
from graph_api.catalog.ref import Ref
from graph_api.sources.code_owner_files import GITHUB_PLACES
from graph_api.sources.documents import Document, Unanswered
from graph_api.sources.github import CONNECTOR as GITHUB
from graph_api.sources.reading import read_answers, read_paths
from graph_api.store.protocol import Store
from graph_api.sync import sync
from tests.commands import ask, run
from tests.sources.connectors.recorded import FOLDER

DESCRIPTOR = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: till, annotations: {{backstage.io/source-location: "url:{url}"}}}}
spec: {{type: service, lifecycle: production}}
"""
OWNERS = '{ entity(ref: "component:till") { owners { ref how evidence { location } } } }'


@pytest.mark.parametrize(
    ("name", "url", "owner", "location"),
    [
        (
            "github",
            "https://github.com/shop/web/tree/main/till/",
            "user:github/ada",
            ".github/CODEOWNERS:3",
        ),
        (
            "gitlab",
            "https://gitlab.com/shop/pay/till/-/tree/main/src/",
            "group:gitlab-shop/pay",
            ".gitlab/CODEOWNERS:2",
        ),
    ],
)
def test_they_tell_who_owns_what_descriptors_place_in_the_repository(
    name: str, url: str, owner: str, location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPH_API_STORE", f"embedded:{tmp_path / 'catalog.db'}")
    (tmp_path / "till").mkdir()
    (tmp_path / "till" / "catalog-info.yaml").write_text(DESCRIPTOR.format(url=url), encoding="utf-8")
    for folder in (tmp_path / "till", FOLDER / name / "input"):
        assert run("sync", str(folder), "--source", folder.name).exit_code == 0
    assert ask(OWNERS)["entity"]["owners"] == [{"ref": owner, "how": "INFERRED", "evidence": [{"location": location}]}]


def answer_with(folder: Path, **file: Any) -> None:
    answers = {
        "orgs/shop/repos": [{"full_name": "shop/web", "html_url": "https://github.com/shop/web"}],
        "repos/shop/web/contents/CODEOWNERS": {"path": "CODEOWNERS", **file},
    }
    for path, answer in answers.items():
        saved = folder / f"{path}.json"
        saved.parent.mkdir(parents=True, exist_ok=True)
        saved.write_bytes(orjson.dumps(answer))


def problems_of(content: Any, folder: Path) -> list[str]:
    answer_with(folder, content=content)
    (snapshot,) = read_paths([folder], source="tool", only=["github"])
    assert "repository:shop/web" in snapshot.entities
    return [problem.message for problem in snapshot.problems]


@pytest.mark.parametrize(
    "content", ["x", "\u00e9", base64.b64encode(b"\0").decode(), base64.b64encode(b"\xff").decode()]
)
def test_a_file_that_is_no_text_is_told(content: str, tmp_path: Path) -> None:
    assert problems_of(content, tmp_path) == ["a CODEOWNERS file that is not text in base64"]


@pytest.mark.parametrize("unread", [{"encoding": "none", "content": ""}, {"encoding": "base64", "content": "x"}])
def test_what_was_read_before_stays_while_a_file_is_too_large_or_no_text(
    unread: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPH_API_STORE", f"embedded:{tmp_path / 'catalog.db'}")
    text = base64.encodebytes(b"* @shop/ops\n").decode()
    answer_with(tmp_path / "tool", encoding="base64", content=text)
    assert run("sync", str(tmp_path / "tool"), "--source", "tool").exit_code == 0
    answer_with(tmp_path / "tool", **unread)
    assert "a CODEOWNERS file" in run("sync", str(tmp_path / "tool"), "--source", "tool").output
    asked = ask('{ entity(ref: "repository:shop/web") { ... on Repository { codeOwners(path: "a.py") { text } } } }')
    assert asked["entity"]["codeOwners"] == [{"text": "@shop/ops"}]


@pytest.mark.parametrize("refused", GITHUB_PLACES)
async def test_what_was_read_before_stays_while_a_file_is_refused(store: Store, refused: str) -> None:
    """As long as no other file of the repository takes its place."""
    base, web = "https://api.github.com", Ref("repository:shop/web")
    rows = [{"full_name": "shop/web", "html_url": "https://github.com/shop/web"}]
    repositories = Document(f"{base}/orgs/shop/repos", rows)
    places = {place: f"{base}/repos/shop/web/contents/{place}" for place in GITHUB_PLACES}
    text = base64.b64encode(b"* @shop/ops\n").decode()
    file = Document(places[refused], {"path": refused, "encoding": "base64", "content": text})
    await sync(store, read_answers(GITHUB, [repositories, file], "shop"), SourceOrder())
    no_answers = [Unanswered(path, "GitHub answers 403") for path in places.values()]
    for _ in range(2):
        await sync(store, read_answers(GITHUB, [repositories, *no_answers], "shop"), SourceOrder())
        (said,) = (await store.entities([web]))[web].statements.values()
        assert (said.code_owners, said.code_owners_path, said.code_owners_stale) == ("* @shop/ops\n", refused, True)
    await sync(store, read_answers(GITHUB, [repositories], "shop"), SourceOrder())
    (said,) = (await store.entities([web]))[web].statements.values()
    assert said.code_owners is None


def test_a_line_that_is_wrong_is_told(tmp_path: Path) -> None:
    text = base64.encodebytes(b"* @shop/ops\n/till/ bad(owner\n").decode()
    assert problems_of(text, tmp_path) == ["line 2: 'bad(owner' is not an owner; the line is ignored"]
