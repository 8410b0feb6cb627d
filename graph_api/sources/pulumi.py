"""Pulumi stacks: `pulumi stack export`, checkpoints of a self-managed backend, and the API of Pulumi Cloud.

Versions 1 to 4 of both, and the oldest checkpoints, which have none; others are refused.

- A stack is an Environment, `PROJECT/STACK`; all in it are DEPLOYED_TO it.
- A resource is a Resource of a class (see resource_classes.py) with its type token as the label `pulumi-type`;
  Kubernetes workloads are Component. So are component resources; what has a parent is PART_OF it.
- `dependencies`, `propertyDependencies` and `deletedWith` are DEPENDS_ON, as is what the resource's provider depends
  on (a cluster, say). Providers are no entities themselves, nor is what waits to be deleted.
- A StackReference stands for the other stack: what needs it, and this stack, DEPENDS_ON that Environment.
- ARNs, links, ids that no other thing has and host names are identifiers, the same as Terraform's; tags see
  cloud_resources.py. No other input or output is kept, and no secret.

https://www.pulumi.com/docs/iac/concepts/state-and-backends/
https://www.pulumi.com/docs/reference/cloud-rest-api/
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import quote

from graph_api.catalog.ref import Ref
from graph_api.sources.answers import answer_to, rows_in
from graph_api.sources.api import Api, Pages
from graph_api.sources.cloud_resources import kept, names_of, state_tags, title_of, workload_name
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, Place, dig, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, scoped
from graph_api.sources.resource_classes import resource_class
from graph_api.sources.scalars import text_in

NAME = "pulumi"

_VERSIONS = (None, 1, 2, 3, 4)
_STACK, _REFERENCE, _PROVIDER = "pulumi:pulumi:Stack", "pulumi:pulumi:StackReference", "pulumi:providers:"
_WORKLOADS = {"Deployment": "service", "StatefulSet": "service", "DaemonSet": "service", "Job": "job", "CronJob": "job"}
_MAX_OF_PROVIDER = 50
"""Dependencies of a provider that count for each of its resources."""
_DEPLOYMENTS = (("deployment",), ("checkpoint", "latest"), ("latest",))
"""Where the resources are in an export, in a checkpoint, and in the oldest checkpoints."""


class Urn(NamedTuple):
    """The parts of `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`."""

    stack: str
    project: str
    types: str
    name: str

    @property
    def environment(self) -> Ref:
        return ref_of("environment", f"{NAME}-{self.project}", self.stack)


@dataclass(frozen=True)
class _Resource:
    urn: Urn
    type: str
    row: Mapping[str, Any]
    at: Place

    @property
    def is_provider(self) -> bool:
        return self.type.startswith(_PROVIDER)

    @cached_property
    def values(self) -> dict[str, Any]:
        hidden = texts(self.row.get("additionalSecretOutputs"))
        return {**kept(self.row.get("inputs"), hidden), **kept(self.row.get("outputs"), hidden), **kept(self.row)}

    @cached_property
    def ref(self) -> Ref:
        """The stack's environment for the stack itself, and another stack's for a reference to it."""
        if self.type == _STACK:
            return self.urn.environment
        if self.type == _REFERENCE:
            *_, project, stack = ["", "", *str(dig(self.row, "inputs", "name") or self.urn.name).split("/")]
            return ref_of("environment", f"{NAME}-{project}", stack)
        kind = "component" if self.workload else "resource"
        return ref_of(kind, f"{NAME}-{self.urn.project}-{self.urn.stack}", f"{self.urn.types}.{self.urn.name}")

    @property
    def workload(self) -> str | None:
        provider, _, name = self.type.partition(":")
        return _WORKLOADS.get(name.rpartition(":")[2]) if provider == "kubernetes" else None


def claims(document: Document) -> bool:
    return any(_is_deployment(document.get(*keys)) for keys in _DEPLOYMENTS)


def _is_deployment(value: Any) -> bool:
    return isinstance(dig(value, "manifest"), dict) or parse_urn(dig(value, "resources", 0, "urn")) is not None


def parse_urn(text: Any) -> Urn | None:
    parts = text.split("::", 3) if isinstance(text, str) and text.startswith("urn:pulumi:") else []
    return Urn(parts[0].removeprefix("urn:pulumi:"), *parts[1:]) if len(parts) == 4 else None


def read(documents: Sequence[Document], findings: Findings) -> None:
    for document in documents:
        version = document.get("version")
        if version not in _VERSIONS or isinstance(version, bool):
            findings.refuse(document, f"version {str(version)[:20]}; 1 to 4 are read")
            continue
        found = dict(_resources(document))
        for resource in found.values():
            _state(resource, found, findings)


def _resources(document: Document) -> Iterator[tuple[str, _Resource]]:
    keys = next(keys for keys in _DEPLOYMENTS if _is_deployment(document.get(*keys)))
    for number, row in mappings(document.get(*keys, "resources")):
        urn = parse_urn(row.get("urn"))
        if urn and row.get("delete") is not True:
            type_ = row.get("type")
            named = type_ if isinstance(type_, str) else urn.types.rpartition("$")[2]
            yield row["urn"], _Resource(urn, named, row, document.at(*keys, "resources", number))


def _state(resource: _Resource, found: Mapping[str, _Resource], findings: Findings) -> None:
    environment, at = resource.urn.environment, resource.at
    if not findings.knows(environment):
        name = f"{resource.urn.project}/{resource.urn.stack}"
        findings.entity(environment, at, name=name, type="stack", identifiers=[scoped(NAME, name)])
    if resource.is_provider or resource.type == _STACK:
        return
    if resource.type == _REFERENCE:
        if resource.ref != environment:
            findings.link(environment, "DEPENDS_ON", resource.ref, at)
        return
    _state_entity(resource, findings)
    findings.link(resource.ref, "DEPLOYED_TO", environment, at)
    parent = found.get(str(resource.row.get("parent")))
    if parent and parent.type != _STACK and parent.ref != resource.ref:
        findings.link(resource.ref, "PART_OF", parent.ref, at)
    for target in dict.fromkeys(_needs(resource, found)):
        if target != resource.ref:
            findings.link(resource.ref, "DEPENDS_ON", target, at)


def _state_entity(resource: _Resource, findings: Findings) -> None:
    row, values, at = resource.row, resource.values, resource.at
    findings.entity(
        resource.ref,
        at,
        name=resource.urn.name,
        type=resource.workload or resource_class(resource.type),
        title=title_of(values),
        labels={"pulumi-type": resource.type},
        spec={
            "urn": row["urn"],
            **({"mode": "component"} if row.get("custom") is False else {}),
            **({"mode": "external"} if row.get("external") is True else {}),
        },
        identifiers=[*names_of(resource.type, values), *(workload_name(values) if _is_named(resource) else ())],
    )
    state_tags(resource.ref, values, at, findings)


def _is_named(resource: _Resource) -> bool:
    """Whether other tools know it by its Kubernetes name alone, without its kind."""
    return resource.workload is not None or resource.type == "kubernetes:core/v1:Service"


def _needs(resource: _Resource, found: Mapping[str, _Resource]) -> Iterator[Ref]:
    """What it depends on, and what its provider does."""
    provider = found.get(str(resource.row.get("provider")).rpartition("::")[0])
    through = _dependencies(provider.row)[:_MAX_OF_PROVIDER] if provider else []
    for urn in (*_dependencies(resource.row), *through):
        target = found.get(urn)
        if target and not target.is_provider:
            yield target.ref


def _dependencies(row: Mapping[str, Any]) -> list[str]:
    by_property = (urn for urns in mapping(row.get("propertyDependencies")).values() for urn in texts(urns))
    return list(dict.fromkeys((*texts(row.get("dependencies")), *by_property, *texts([row.get("deletedWith")]))))


async def fetch(api: Api, options: Mapping[str, str]) -> AsyncIterator[Document]:
    """The export of each stack that the token sees, or of those of one organization."""
    wanted = {"organization": options["organization"]} if options.get("organization") else {}
    path, pages = "api/user/stacks", Pages(api.url("api/user/stacks"))
    while True:
        answer = await api.get(path, wanted)
        for _, stack in mappings(rows_in(answer, "stacks", api.url(path))):
            names = (quote(str(stack.get(key)), safe="") for key in ("orgName", "projectName", "stackName"))
            document = await answer_to(api, f"api/stacks/{'/'.join(names)}/export")
            if not _is_new(document):
                yield document
        token = text_in(dig(answer, "continuationToken"))
        if token is None:
            return
        pages.turn_to(token)
        wanted["continuationToken"] = token


def _is_new(export: Document) -> bool:
    """Whether the stack was never deployed."""
    return export.get("version") is not None and export.get("deployment") is None


CONNECTOR = Connector(
    name=NAME,
    description="Stacks of Pulumi, their resources, owners and dependencies",
    input="`pulumi stack export` and checkpoints, versions 1 to 4; Pulumi Cloud",
    claims=claims,
    read=read,
    online=Online(
        base_url="https://api.pulumi.com",
        token_variable="PULUMI_ACCESS_TOKEN",
        fetch=fetch,
        options={"organization": "The organization whose stacks are read; without it, all that the token sees"},
        authorization="token {token}",
        headers={"Accept": "application/vnd.pulumi+8"},
    ),
)
