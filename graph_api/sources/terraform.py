"""Terraform and OpenTofu: configuration, states, plans and graphs -> resources and what they need.

Read are `*.tf`, `*.tofu` and `*.tf.json`; states of version 4 and 3 (older ones are refused); `show -json` of states
and plans, format 0.x and 1.x; `graph` (`*.dot`, `*.gv`, without `-type=plan-destroy`); and, online, the current state
of each workspace of HCP Terraform or Terraform Enterprise. A workspace whose state it does not give (404) is told, and
what was read of it before stays.

What becomes what:

- A managed resource is a Resource of a class (database, storage, compute, transit ..., see resource_classes.py) with
  its type as the label `terraform-type`. All its instances by `count` and `for_each` are one. Rules, policies and
  attachments are resources as well; a table of attachments also gives the link between what they join.
- Types of Qovery, Humanitec and Kubernetes that are applications, environments or projects are Component, Environment
  and System; needing an environment is DEPLOYED_TO, needing a system PART_OF.
- `depends_on`, dependencies in states, and references, also through locals, variables, outputs and modules, are
  DEPENDS_ON. What a state does not declare is left out.
- A data source is what another configuration manages: it is a Resource where something needs it and its class is known,
  and joined with the managed one by ARN or id. Others (policy documents, templates) are seen through.
- Modules are the label `terraform-module`. A module whose code is not at hand is a Resource of type `module`.
- ARNs, links, ids that no other thing has, host names and image repositories are identifiers; tags see
  cloud_resources.py. No other attribute is kept, and none that is marked as sensitive.

Files of one folder tell of one configuration and its resources. A state, plan or graph with a name of its own, such as
`production.tfstate` instead of `terraform.tfstate`, `state.json` or `plan.json`, is a configuration by itself.

Figures: other tools count instances, and pairs with data sources among dependencies; the sum of `instances` is theirs.

https://developer.hashicorp.com/terraform/internals/json-format
https://developer.hashicorp.com/terraform/cloud-docs/api-docs/state-versions
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

from graph_api.sources.answers import rows_in
from graph_api.sources.api import Api, ApiError, Pages
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, Unanswered, dig, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import namespace_of
from graph_api.sources.terraform_files import read_files
from graph_api.sources.terraform_graph import Graph
from graph_api.sources.terraform_states import read_graph, read_shown, read_state_3, read_state_4

NAME = "terraform"

_CODE = (".tf", ".tofu", ".tf.json", ".tofu.json")
_STATE = ".tfstate"
_GRAPHS = (".dot", ".gv")
_SHARED = frozenset({"terraform", "tfplan", "plan", "state", "show", "graph"})
"""Names of files that tell of their folder's configuration."""
_STATES = {4: read_state_4, 3: read_state_3}
_PAGE = 100
_NOT_FOUND = 404


def claims(document: Document) -> bool:
    value = document.value
    if value is None:
        graph = document.name.endswith(_GRAPHS) and ('"[root] ' in document.text or 'rankdir = "RL"' in document.text)
        return document.name.endswith(_CODE) or graph
    if not isinstance(value, dict):
        return False
    return document.name.endswith((*_CODE, _STATE)) or _is_state(value) or _is_shown(value)


def _is_state(value: Mapping[str, object]) -> bool:
    first = dig(value.get("resources"), 0)
    return isinstance(value.get("version"), int) and (
        ("lineage" in value and "serial" in value)
        or (isinstance(first, dict) and {"type", "instances"} <= first.keys())
    )


def _is_shown(value: Mapping[str, object]) -> bool:
    return "format_version" in value and (
        len(value) == 1 or any(key in value for key in ("values", "planned_values", "resource_changes"))
    )


def read(documents: Sequence[Document], findings: Findings) -> None:
    files = [document for document in documents if document.name.endswith(_CODE)]
    read_files(files, _scope_of_folder, findings)
    for document in documents:
        if not document.name.endswith(_CODE):
            graph = Graph(_scope(document))
            _read(document, graph, findings)
            graph.state(findings)


def _read(document: Document, graph: Graph, findings: Findings) -> None:
    if document.value is None:
        read_graph(document, graph)
    elif _is_shown(mapping(document.value)):
        version = document.get("format_version")
        if str(version).partition(".")[0] in ("0", "1"):
            read_shown(document, graph, findings)
        else:
            findings.refuse(document, f"format_version {str(version)[:20]!r}; 0.x and 1.x are read")
    elif reader := _STATES.get(_version(document)):
        if not isinstance(document.get("modules" if reader is read_state_3 else "resources"), list | None):
            findings.refuse(document, "a state whose resources are no list; pull it anew")
            return
        reader(document, graph)
    else:
        findings.refuse(document, "a state of another version than 3 and 4; `terraform apply -refresh-only` renews it")


def _version(document: Document) -> int:
    version = document.get("version")
    return version if isinstance(version, int) else 0


def _scope(document: Document) -> str:
    if document.is_url:
        return namespace_of(NAME, *urlsplit(document.path).path.split("/")[2::2])
    name = document.name.partition(".")[0]
    return namespace_of(_scope_of_folder(document.folder), "" if name in _SHARED else document.name.rpartition(".")[0])


def _scope_of_folder(folder: PurePosixPath) -> str:
    return namespace_of(NAME, *folder.parts)


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document | Unanswered]:
    """The current state of each workspace of the organization that has one."""
    organization = options.get("organization")
    if not organization:
        raise ApiError("the option `organization` is missing: its workspaces are read")
    async for workspace in _workspaces(api, f"api/v2/organizations/{quote(organization, safe='')}/workspaces"):
        name = dig(workspace, "attributes", "name")
        if isinstance(name, str) and dig(workspace, "relationships", "current-state-version", "data"):
            url = api.url(f"app/{quote(organization, safe='')}/workspaces/{quote(name, safe='')}")
            yield await _state(api, str(workspace.get("id")), url)


async def _workspaces(api: Api, path: str) -> AsyncIterator[dict[str, Any]]:
    pages, page = Pages(api.url(path)), 1
    while page:
        pages.turn_to(page)
        answer = await api.get(path, {"page[number]": page, "page[size]": _PAGE})
        for _, workspace in mappings(rows_in(answer, "data", api.url(path))):
            yield workspace
        page = dig(answer, "meta", "pagination", "next-page")


async def _state(api: Api, workspace: str, url: str) -> Document | Unanswered:
    """404 is also the answer where the token may not read the state, which is there all the same."""
    try:
        return Document(url, await _download(api, workspace))
    except ApiError as error:
        if error.status != _NOT_FOUND:
            raise
        return Unanswered(url, "its state is not there, or the token may not read it; what was read last stays")


async def _download(api: Api, workspace: str) -> object:
    path = f"api/v2/workspaces/{quote(workspace, safe='')}/current-state-version"
    version = await api.get(path)
    url = dig(version, "data", "attributes", "hosted-state-download-url")
    if not isinstance(url, str):
        raise ApiError(f"the workspace {workspace} has no state to download; may the token read states?")
    return await api.download(url, path)


CONNECTOR = Connector(
    name=NAME,
    description="Resources of Terraform and OpenTofu, their classes, owners and dependencies",
    input="*.tf, *.tofu, *.tf.json; states (version 3, 4); `show -json` of states and plans (0.x, 1.x); `graph` (DOT)",
    claims=claims,
    read=read,
    files=("*.tf", "*.tofu", "*.dot", "*.gv"),
    online=Online(
        base_url="https://app.terraform.io",
        token_variable="TFE_TOKEN",
        fetch=fetch,
        options={"organization": "The organization whose workspaces are read"},
    ),
)
