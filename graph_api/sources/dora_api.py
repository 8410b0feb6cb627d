"""What the connector dora asks GitHub and GitLab."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from graph_api.sources.answers import answer_to, document_if_any, list_in, options_in
from graph_api.sources.api import Api, ApiError
from graph_api.sources.documents import Document, mappings
from graph_api.sources.dora_figures import METRICS, is_production
from graph_api.sources.scalars import text_in

OPTIONS = {
    "repositories": "`owner/name` of repositories on GitHub, with commas between; the URL is https://api.github.com",
    "projects": "`group/name` of projects on GitLab, with commas between; the URL is https://gitlab.com/api/v4",
    "days": "How far back deployments are asked for; default 30",
}
PAGE = {"per_page": 100}
DAYS = 30
_NO_COMMIT = 422
"""GitHub's answer to a hash of which there is no commit, such as one that was rewritten."""
_UNASKED = (403, 404)
"""GitLab's answers where its own figures are not in the subscription."""


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    """GitHub: two questions for each deployment to production. GitLab: five for each project."""
    repositories, projects = options_in(options, "repositories"), options_in(options, "projects")
    if not (repositories or projects):
        raise ApiError("say in the options which `repositories` of GitHub or `projects` of GitLab to ask for")
    days = options.get("days", str(DAYS))
    if not days.isdecimal() or len(days) > len("9999"):
        raise ApiError("the option `days` is a number of at most 4 digits")
    since = f"{datetime.now(UTC) - timedelta(days=int(days)):%Y-%m-%dT%H:%M:%SZ}"
    for name in repositories:
        async for document in _of_repository(api, f"repos/{quote(name)}", since):
            yield document
    for name in projects:
        async for document in _of_project(api, f"projects/{quote(name, safe='')}", since):
            yield document


async def _of_repository(api: Api, repository: str, since: str) -> AsyncIterator[Document]:
    """Deployments come latest first."""
    async for url, page in api.linked_pages(f"{repository}/deployments", PAGE):
        rows = list(_to_production(list_in(page, url, "statuses_url", "sha"), since))
        if rows:
            yield Document(url, rows)
        for row in rows:
            path = f"{repository}/deployments/{row['id']}/statuses"
            yield await answer_to(api, path, PAGE)
        for sha in dict.fromkeys(sha for row in rows if (sha := text_in(row.get("sha")))):
            # Without its commit a deployment has no lead time.
            for commit in await document_if_any(api, f"{repository}/commits/{quote(sha, safe='')}", _NO_COMMIT):
                yield commit
        if any((text_in(row.get("created_at")) or since) < since for _, row in mappings(page)):
            return


def _to_production(page: Any, since: str) -> Iterator[dict[str, Any]]:
    for _, row in mappings(page):
        production = row.get("production_environment") is True or is_production(row.get("environment"))
        if production and isinstance(row.get("id"), int) and (text_in(row.get("created_at")) or "") >= since:
            yield row


async def _of_project(api: Api, project: str, since: str) -> AsyncIterator[Document]:
    asked = {**PAGE, "order_by": "updated_at", "sort": "desc", "updated_after": since}
    async for url, page in api.linked_pages(f"{project}/deployments", asked):
        yield Document(url, page)
    for metric in METRICS:
        path = f"{project}/dora/metrics"
        try:
            value = await api.get(path, {"metric": metric, "interval": "daily", "start_date": since[:10]})
        except ApiError as error:
            if error.status not in _UNASKED:
                raise
            return
        yield Document(f"{api.url(path)}?metric={metric}", value)
