"""What two servers of GitHub or GitLab know by one name is two things, until an identifier joins them."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from graph_api.sources.reading import read_paths


def refs_on(host: str, name: str, folder: Path) -> set[str]:
    answers: dict[str, dict[str, Any]] = {
        "github": {
            "orgs/shop": {"login": "shop", "repos_url": f"https://{host}/api/v3/orgs/shop/repos"},
            "orgs/shop/teams": [{"slug": "pay", "name": "Pay", "html_url": f"https://{host}/orgs/shop/teams/pay"}],
            "orgs/shop/members": [{"login": "ada", "html_url": f"https://{host}/ada"}],
            "repos/shop/web/environments": {"environments": [{"name": "production"}]},
        },
        "github_issues": {
            "issues": [
                {
                    "number": 1,
                    "html_url": f"https://{host}/shop/web/issues/1",
                    "title": "Slow",
                    "state": "open",
                    "user": {"login": "ada"},
                    "assignees": [{"login": "ada"}],
                    "repository_url": f"https://{host}/api/v3/repos/shop/web",
                }
            ]
        },
        "gitlab": {
            "groups/shop/projects": [
                {
                    "id": 1,
                    "path_with_namespace": "shop/web",
                    "web_url": f"https://{host}/shop/web",
                    "namespace": {"kind": "group"},
                }
            ],
            "projects/1/members": [{"username": "ada", "access_level": 50}],
            "projects/1/environments": [{"name": "production", "slug": "production"}],
        },
    }
    for path, answer in answers[name].items():
        file = folder / host / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(orjson.dumps(answer))
    (snapshot,) = read_paths([folder / host], source="tool", only=[name])
    return {*snapshot.entities, *(link.key.target for link in snapshot.links.values())}


@pytest.mark.parametrize(
    ("name", "host", "expected"),
    [
        (
            "github",
            "github.com",
            {"group:github/shop", "group:github-shop/pay", "user:github/ada", "environment:github-shop-web/production"},
        ),
        ("github_issues", "github.com", {"user:github/ada"}),
        ("gitlab", "gitlab.com", {"group:gitlab/shop", "user:gitlab/ada", "environment:gitlab-shop-web/production"}),
    ],
)
def test_another_server_than_the_public_one_has_refs_of_its_own(
    name: str, host: str, expected: set[str], tmp_path: Path
) -> None:
    public = refs_on(host, name, tmp_path)
    own = refs_on("code.shop.example", name, tmp_path)
    assert expected <= public
    assert {kind.partition(":")[0] for kind in public} == {kind.partition(":")[0] for kind in own}
    assert public.isdisjoint(own)


def test_an_address_that_names_a_user_does_not_come_out(tmp_path: Path) -> None:
    refs = refs_on("canary-secret@code.shop.example", "github", tmp_path)
    assert "group:github-code-shop-example-shop/pay" in refs
    assert not any("canary" in ref for ref in refs)
