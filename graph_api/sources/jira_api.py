"""What the connector jira asks Jira Cloud."""

from collections.abc import AsyncIterator, Mapping
from itertools import count
from typing import Any
from urllib.parse import quote

from graph_api.sources.answers import answer_to, options_in, pages_by_offset, rows_in
from graph_api.sources.api import Api, Pages
from graph_api.sources.documents import Document, dig, mappings
from graph_api.sources.scalars import text_in

PAGE = 100
FIELDS = ("summary", "status", "issuetype", "priority", "resolution", "labels", "components", "project", "assignee",
          "created", "updated", "duedate", "parent")  # fmt: skip


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    """The projects, the components of each, and the issues of the query."""
    wanted = options_in(options, "project")
    asked = {"expand": "description,lead", "keys": wanted, "maxResults": PAGE}
    keys = []
    async for document in pages_by_offset(api, "/rest/api/3/project/search", "values", asked, _has_more, "startAt"):
        keys += [key for _, row in mappings(document.get("values")) if (key := text_in(row.get("key")))]
        yield document
    for key in keys:
        path = f"/rest/api/3/project/{quote(key, safe='')}/components"
        yield await answer_to(api, path)
    within = f"project in ({', '.join(_quoted(key) for key in wanted)}) AND " if wanted else ""
    query = options.get("jql") or f"{within}statusCategory != Done ORDER BY key"
    async for document in _issues(api, query):
        yield document


def _quoted(key: str) -> str:
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _has_more(answer: Any, _: int) -> bool:
    return dig(answer, "isLast") is False


async def _issues(api: Api, query: str) -> AsyncIterator[Document]:
    path = "/rest/api/3/search/jql"
    params: dict[str, Any] = {"jql": query, "fields": ",".join(FIELDS), "maxResults": PAGE}
    pages = Pages(api.url(path))
    for number in count(1):
        answer = await api.get(path, params)
        rows_in(answer, "issues", api.url(path))
        yield Document(f"{api.url(path)}?page={number}", answer)
        token = text_in(dig(answer, "nextPageToken"))
        if token is None or dig(answer, "isLast") is True:
            return
        pages.turn_to(token)
        params["nextPageToken"] = token
