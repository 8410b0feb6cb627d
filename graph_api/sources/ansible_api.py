"""What the connector ansible asks AWX, or the automation controller."""

from collections.abc import AsyncIterator, Mapping

from graph_api.sources.answers import answer_to, options_in, page_numbers, rows_in
from graph_api.sources.api import Api
from graph_api.sources.documents import Document, dig, mappings
from graph_api.sources.scalars import text_in

OPTIONS = {"inventories": "Names of inventories, with commas between; all that the token may see if not set"}
PAGE = 100
INVENTORIES = "/api/v2/inventories/"


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    """The listing of each inventory, as `ansible-inventory --list` writes it; of hosts that are not disabled."""
    wanted = set(options_in(options, "inventories"))
    async for id_ in _inventories(api, wanted):
        path = f"{INVENTORIES}{id_}/script/"
        yield await answer_to(api, path, {"hostvars": 1})


async def _inventories(api: Api, wanted: set[str]) -> AsyncIterator[int]:
    for page in page_numbers(api.url(INVENTORIES)):
        answer = await api.get(INVENTORIES, {"page": page, "page_size": PAGE, "order_by": "id"})
        for _, row in mappings(rows_in(answer, "results", api.url(INVENTORIES))):
            if isinstance(row.get("id"), int) and (not wanted or text_in(row.get("name")) in wanted):
                yield row["id"]
        if not dig(answer, "next"):
            return
