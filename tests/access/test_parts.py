"""By what an editor says of a whole, its parts may get owners whom nobody has; nobody loses them so."""

from typing import Any

import pytest

from graph_api.store.protocol import Store
from tests.access.test_ownership import PUT, component, serving

PARTS: list[dict[str, Any]] = [
    {"kind": "Domain", "name": "both", "spec": {"owners": ["group:web", "group:data"]}},
    {"kind": "System", "name": "between", "spec": {"domain": "both"}},
    component("lone", system="to-come"),
    component("shared-part", system="between", partOf=["system:to-come-too"]),
]
OWNERS = "query($ref: String!) { entity(ref: $ref) { owners { ref } } }"


@pytest.mark.parametrize(
    ("whole", "part", "owners"), [("to-come", "lone", ["web"]), ("to-come-too", "shared-part", ["data", "web"])]
)
async def test_a_part_that_nobody_owns_gets_an_owner_by_its_whole_and_one_that_others_own_does_not(
    store: Store, whole: str, part: str, owners: list[str]
) -> None:
    async with serving(store) as clients:
        assert await clients.write(PUT, "admin", entities=PARTS) == []
        entities = [{"kind": "System", "name": whole, "spec": {"owner": "group:web"}}]
        if whole == "to-come":
            assert await clients.write(PUT, entities=entities) == []
        else:
            assert part not in str(await clients.refused(PUT, entities=entities))
        found = (await clients.send("viewer", OWNERS, ref=f"component:{part}"))["data"]["entity"]["owners"]
        assert [row["ref"].removeprefix("group:default/") for row in found] == owners
