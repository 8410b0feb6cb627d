"""Who claims a former ref moves the links that name it: an editor may not where these are of others."""

from typing import Any

import pytest

from graph_api.store.protocol import Store
from tests.access.test_ownership import APPLY, PUT, REMOVE, component, serving


def formerly(entity: dict[str, Any], ref: str) -> dict[str, Any]:
    return entity | {"annotations": {"graph-api/former-refs": ref}}


THEIRS = component("theirs", "data", dependsOn=["component:gone"])
CLAIMS = {
    "what others need": ([THEIRS], formerly(component("mine", "web"), "gone")),
    "by a new thing": ([THEIRS], formerly(component("new", "web"), "gone")),
    "what needs others": (
        [component("theirs", "data", dependencyOf=["component:gone"])],
        formerly(component("mine", "web"), "gone"),
    ),
    "the whole of others' parts": (
        [component("theirs", "data", subcomponentOf="component:gone")],
        formerly(component("new", "web"), "gone"),
    ),
    "a team": ([component("theirs", "gone")], formerly({"kind": "Group", "name": "web", "spec": {}}, "gone")),
    "a second time": (
        [THEIRS, formerly(component("lakes", "data"), "gone")],
        formerly(component("new", "web"), "gone"),
    ),
    "before it is gone": ([component("gone", "data")], formerly(component("new", "web"), "gone")),
    "what nothing names, a second time": (
        [formerly(component("lakes", "data"), "gone")],
        formerly(component("new", "web"), "gone"),
    ),
    "by declaring it": ([THEIRS, formerly(component("lakes", "data"), "gone")], component("gone", "web")),
}


@pytest.mark.parametrize("what", CLAIMS)
async def test_an_editor_does_not_change_what_links_of_others_mean(store: Store, what: str) -> None:
    said, claiming = CLAIMS[what]
    async with serving(store) as clients:
        assert await clients.write(PUT, "admin", entities=said) == []
        await clients.refused(PUT, entities=[claiming])
        if claiming["name"] != "mine":
            await clients.refused(APPLY, source="api:web", entities=[claiming])
        assert await clients.write(PUT, "admin", entities=[claiming]) == []


async def test_an_editor_renames_what_only_its_own_need(store: Store) -> None:
    async with serving(store) as clients:
        mine = formerly(component("mine", "web"), "gone")
        theirs = component("theirs", "data", dependsOn=["component:gone"])
        assert await clients.write(PUT, entities=[component("new", "web", dependsOn=["component:gone"])]) == []
        assert await clients.write(PUT, entities=[mine]) == []
        assert await clients.write(PUT, entities=[component("mine", "web")]) == []
        assert await clients.write(PUT, entities=[mine]) == []
        assert await clients.write(PUT, "admin", entities=[theirs]) == []
        await clients.refused(PUT, entities=[component("mine", "web")])
        await clients.refused(PUT, entities=[component("gone", "web")])
        await clients.refused(REMOVE, entities=[{"ref": "component:mine"}])
