"""Dagster: software-defined assets -> datasets, and the jobs that materialize them.

Answers to the GraphQL query `QUERY` below, and to others that ask `assetNodes` for the same fields; they are read from
files too.

- An asset is a Dataset of type asset, or external-asset where Dagster does not materialize it itself. It READS_FROM the
  assets in its `dependencyKeys`; those that are not in the answer stay unresolved refs.
- A job is a Pipeline in a namespace of its code location; assets are WRITTEN_BY it. Jobs that Dagster makes itself
  (`__ASSET_JOB`) are left out, and jobs without assets are not asked for. A job does not read assets itself: the assets
  do, each its own.
- Owners are the asset's: teams, and users by their e-mail address.

What is read online lives in a namespace of the API's host, since asset keys are one deployment's own. An asset's
metadata is not kept: it may hold anything.

Online: POST `/graphql`; the token is sent as Dagster+ wants it, an open source deployment needs none.

https://docs.dagster.io/api/graphql
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.sources.answers import namespace_in
from graph_api.sources.api import Api, ApiError
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, Place, dig, listed, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of
from graph_api.sources.owner_hints import state_owners
from graph_api.sources.scalars import text_in

NAME = "dagster"
QUERY = """\
query GraphApiAssets {
  assetNodes {
    assetKey { path }
    description
    groupName
    computeKind
    isMaterializable
    jobNames
    tags { key value }
    owners {
      ... on UserAssetOwner { email }
      ... on TeamAssetOwner { team }
    }
    dependencyKeys { path }
    repository { name location { name } }
  }
}
"""

_HIDDEN = "__"


def claims(document: Document) -> bool:
    return isinstance(document.get("data", "assetNodes"), list)


def read(documents: Sequence[Document], findings: Findings) -> None:
    for document in documents:
        for number, node in mappings(document.get("data", "assetNodes")):
            _read_asset(document, node, document.at("data", "assetNodes", number), findings)


def _asset_ref(document: Document, key: Any) -> Ref | None:
    path = texts(dig(key, "path"))
    return ref_of("dataset", namespace_in(NAME, document), ".".join(path)) if path else None


def _read_asset(document: Document, node: dict[str, Any], at: Place, findings: Findings) -> None:
    ref = _asset_ref(document, node.get("assetKey"))
    if ref is None:
        findings.problem("an asset without assetKey", at)
        return
    labels = {f"tag.{tag.get('key')}": tag.get("value") or "true" for _, tag in mappings(node.get("tags"))}
    findings.entity(
        ref,
        at,
        name="/".join(texts(dig(node, "assetKey", "path"))),
        type="external-asset" if node.get("isMaterializable") is False else "asset",
        description=text_in(node.get("description")),
        labels={"group": node.get("groupName"), "compute": node.get("computeKind"), **labels},
    )
    for needed in listed(node.get("dependencyKeys")):
        if target := _asset_ref(document, needed):
            findings.link(ref, "READS_FROM", target, at)
    for job in texts(node.get("jobNames")):
        if not job.startswith(_HIDDEN):
            findings.link(ref, "WRITTEN_BY", _read_job(document, node, job, at, findings), at)
    state_owners(ref, [_owner(owner) for _, owner in mappings(node.get("owners"))], at, findings)


def _read_job(document: Document, node: dict[str, Any], job: str, at: Place, findings: Findings) -> Ref:
    location = text_in(dig(node, "repository", "location", "name"))
    namespace = "-".join(filter(None, (namespace_in(NAME, document), location)))
    return findings.entity(
        ref_of("pipeline", namespace, job), at, name=job, type="job", labels={"code-location": location}
    )


def _owner(owner: Mapping[str, Any]) -> str | None:
    team = text_in(owner.get("team"))
    return f"team:{team}" if team else text_in(owner.get("email"))


async def fetch(api: Api, _options: Mapping[str, str]) -> AsyncIterator[Document]:
    answer = await api.post("/graphql", {"query": QUERY})
    errors = [text for _, error in mappings(dig(answer, "errors")) if (text := text_in(error.get("message")))]
    if errors or not isinstance(mapping(dig(answer, "data")).get("assetNodes"), list):
        raise ApiError(f"{api.url('/graphql')} answers with errors: {'; '.join(errors)[:500] or 'no assets at all'}")
    yield Document(path=api.url("/graphql"), value=answer)


CONNECTOR = Connector(
    name=NAME,
    description="Assets of Dagster, what they are made from, and the jobs that materialize them",
    input="Answers of the GraphQL API to a query for assetNodes",
    claims=claims,
    read=read,
    online=Online(
        base_url=None,
        token_variable="DAGSTER_TOKEN",
        fetch=fetch,
        authorization="Dagster-Cloud-Api-Token: {token}",
    ),
)
