"""Rows of Humanitec's answers -> entities and links; see humanitec.py for what becomes of what."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Severity
from graph_api.sources.answers import Row
from graph_api.sources.documents import Place, dig, mapping, texts
from graph_api.sources.findings import Findings
from graph_api.sources.image_classes import is_own_software
from graph_api.sources.images import is_named, main_container, state_image
from graph_api.sources.naming import image_name, ref_of, scoped
from graph_api.sources.platform_resources import class_of

NAME = "humanitec"
WORKLOAD = "workload"
"""The type of the node that is a workload itself."""
SUCCEEDED = "succeeded"

_WORKLOAD_OF = re.compile(r"(?:modules|workloads)\.([\w-]+)(?:\.|$)")
_NAMED = re.compile(r"\$\{(modules|shared)\.([\w-]+)")


class Target(NamedTuple):
    """An environment of an application (v1) or project (v2)."""

    org: str
    app: str
    env: str

    def environment(self) -> Ref:
        return ref_of("environment", f"{NAME}-{self.org}-{self.app}", self.env)

    def resource(self, type_: str, class_: Any, id_: str) -> Ref:
        """The workload's Component for a node that is one."""
        found = _WORKLOAD_OF.fullmatch(id_)
        if type_ == WORKLOAD and found:
            return workload_ref(self.org, self.app, found[1])
        name = "-".join((type_, str(class_ or "default"), id_))
        return ref_of("resource", f"{NAME}-{self.org}-{self.app}-{self.env}", name)


class Deployment(NamedTuple):
    """What was last deployed to an environment."""

    target: Target
    time: str | None


Deployed: TypeAlias = dict[tuple[str, str, str], list[Deployment]]
"""Deployments by organization, application and deployment set."""


def system_ref(org: str, app: str) -> Ref:
    return ref_of("system", f"{NAME}-{org}", app)


def workload_ref(org: str, app: str, workload: str) -> Ref:
    return ref_of("component", f"{NAME}-{org}-{app}", workload)


def read_application(row: Row, findings: Findings) -> None:
    if app := row.text("id"):
        title = row.text("name") or row.text("display_name")
        findings.entity(system_ref(row.names["org"], app), row.at("id"), name=app, title=title)


def read_environment(row: Row, deployed: Deployed, findings: Findings) -> None:
    org, app, env = row.names["org"], row.names["app"], row.text("id")
    if env is None:
        findings.problem("an environment without id", row.at())
        return
    target, last = Target(org, app, env), mapping(row.value.get("last_deploy"))
    type_ = row.text("type") or row.text("env_type_id")
    title = row.text("name") or row.text("display_name")
    ref = findings.entity(target.environment(), row.at("id"), name=env, type=type_, title=title)
    findings.link(ref, "PART_OF", system_ref(org, app), row.at("id"))
    if last.get("status") == SUCCEEDED:
        _note(target, last, deployed)


def read_deployments(rows: Sequence[Row], deployed: Deployed) -> None:
    """All deployments of one environment of v1."""
    last = standing(row.value for row in rows)
    if last:
        names = rows[0].names
        _note(Target(names["org"], names["app"], names["env"]), last, deployed)


def standing(deployments: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The newest of an environment's deployments that changed it: one that failed leaves the one before."""
    done = (row for row in deployments if row.get("status") == SUCCEEDED and not row.get("plan_only"))
    return max(done, key=lambda row: str(row.get("created_at")), default=None)


def _note(target: Target, last: Mapping[str, Any], deployed: Deployed) -> None:
    time, key = last.get("created_at"), (target.org, target.app, str(last.get("set_id")))
    deployed.setdefault(key, []).append(Deployment(target, time if isinstance(time, str) else None))


def read_set(row: Row, deployed: Deployed, findings: Findings) -> None:
    org, app = row.names["org"], row.names["app"]
    deployments = deployed.get((org, app, row.names["set"]), [])
    shared = mapping(row.value.get("shared"))
    for name, module in mapping(row.value.get("modules")).items():
        ref = _workload(org, app, name, row.at("modules", name), findings, module)
        for deployment in deployments:
            _deployed(ref, deployment, row.at("modules", name), findings)
            for external, said in mapping(dig(module, "externals")).items():
                at = row.at("modules", name, "externals", external)
                _needed(ref, deployment.target, said, f"modules.{name}.externals.{external}", at, findings)
            for other in _named(module, "shared"):
                _needed(ref, deployment.target, shared.get(other), f"shared.{other}", row.at("shared", other), findings)
        for other in _named(module, "modules") - {name}:
            findings.link(ref, "DEPENDS_ON", workload_ref(org, app, other), row.at("modules", name))


def read_deployment(row: Row, findings: Findings) -> None:
    """A deployment of v2."""
    effective = row.text("status") == SUCCEEDED and row.text("mode") != "destroy" and not row.value.get("plan_only")
    target = Target(row.names["org"], row.text("project_id") or "", row.text("env_id") or "")
    if not effective:
        return
    workloads = mapping(dig(row.value, "manifest", "workloads"))
    for name, workload in workloads.items():
        at = row.at("manifest", "workloads", name)
        ref = _workload(target.org, target.app, name, at, findings)
        _deployed(ref, Deployment(target, row.text("completed_at") or row.text("created_at")), at, findings)
        for resource, said in mapping(dig(workload, "resources")).items():
            at = row.at("manifest", "workloads", name, "resources", resource)
            _needed(ref, target, said, f"workloads.{name}.{resource}", at, findings)
    for name, said in mapping(dig(row.value, "manifest", "shared")).items():
        _resource(target, said, f"shared.{name}", row.at("manifest", "shared", name), findings)


def _workload(org: str, app: str, name: str, at: Place, findings: Findings, module: Any = None) -> Ref:
    images = _images(module)
    own = images.get(main_container(mapping(dig(module, "spec", "containers")), name) or "")
    names = [scoped("image", image_name(own))] if own and is_own_software(own) else []
    ref = findings.entity(
        workload_ref(org, app, name),
        at,
        name=name,
        type=WORKLOAD,
        identifiers=[scoped(NAME, f"{org}/{app}/{name}"), *names],
    )
    findings.link(ref, "PART_OF", system_ref(org, app), at)
    for image in images.values():
        state_image(ref, image, at, findings)
    return ref


def _images(module: Any) -> dict[str, str]:
    """By container."""
    containers = mapping(dig(module, "spec", "containers"))
    found = ((name, dig(container, "image")) for name, container in containers.items())
    return {name: image for name, image in found if isinstance(image, str) and image and is_named(image)}


def _named(module: Any, what: str) -> set[str]:
    """The workloads or shared resources that a workload's placeholders name."""
    return {name for kind, name in _NAMED.findall(repr(dig(module, "spec"))) if kind == what}


def _deployed(workload: Ref, deployment: Deployment, at: Place, findings: Findings) -> None:
    environment = deployment.target.environment()
    findings.link(workload, "DEPLOYED_TO", environment, at, origin=LinkOrigin.OBSERVED, observed_at=deployment.time)


def _needed(workload: Ref, target: Target, said: Any, id_: str, at: Place, findings: Findings) -> None:
    resource = _resource(target, said, id_, at, findings)
    if resource:
        findings.link(workload, "DEPENDS_ON", resource, at, environment=target.env)


def _resource(target: Target, said: Any, id_: str, at: Place, findings: Findings) -> Ref | None:
    type_, id_ = dig(said, "type"), dig(said, "id") or id_
    if not isinstance(type_, str) or not type_:
        findings.problem("a resource without type", at)
        return None
    return _state(target, type_, dig(said, "class"), str(id_), at, findings)


def _state(
    target: Target,
    type_: str,
    class_: Any,
    id_: str,
    at: Place,
    findings: Findings,
    facts: Mapping[str, Any] | None = None,
) -> Ref:
    ref = target.resource(type_, class_, id_)
    if type_ != WORKLOAD:
        labels = {"type": type_, "class": class_ or "default", **(facts or {})}
        findings.entity(ref, at, name=id_, type=class_of(type_), labels=labels)
        findings.link(ref, "DEPLOYED_TO", target.environment(), at)
    return ref


def read_active(row: Row, findings: Findings) -> None:
    """An active resource of v1."""
    target = Target(row.names["org"], row.names["app"], row.names["env"])
    type_, id_ = row.text("type") or "unknown", row.text("res_id") or ""
    ref = _state(target, type_, row.value.get("class"), id_, row.at("res_id"), findings, _facts(row, "def_id"))
    _of_workload(target, id_, ref, row.at("res_id"), findings)


def _of_workload(target: Target, id_: str, ref: Ref, at: Place, findings: Findings) -> None:
    """The workload in a resource's id needs it."""
    found = _WORKLOAD_OF.match(id_)
    workload = workload_ref(target.org, target.app, found[1]) if found else ref
    if workload != ref:
        findings.link(workload, "DEPENDS_ON", ref, at, environment=target.env)


def _facts(row: Row, *keys: str) -> dict[str, Any]:
    return {key: row.value.get(key) for key in keys}


class Node(NamedTuple):
    """A node of a resource graph; `key` is unique in its organization."""

    key: str
    target: Target
    type: str
    class_: Any
    id: str
    needs: list[str]
    row: Row


def node_of_graph(row: Row) -> Node:
    target = Target(row.names["org"], row.names["app"], row.names["env"])
    needs = texts(row.value.get("depends_on"))
    type_, id_ = row.text("type") or "unknown", row.text("id") or ""
    return Node(f"{target}{row.text('guresid')}", target, type_, row.value.get("class"), id_, needs, row)


def node_of_active(row: Row) -> Node:
    target = Target(row.names["org"], row.text("project_id") or "", row.text("env_id") or "")
    needs = texts([*mapping(row.value.get("edges")).values()])
    type_, id_ = row.text("resource_type") or "unknown", row.text("resource_id") or ""
    return Node(f"{target}{row.text('id')}", target, type_, row.value.get("resource_class"), id_, needs, row)


def read_nodes(nodes: list[Node], findings: Findings) -> None:
    refs = {}
    for node in nodes:
        facts = _facts(node.row, "def_id", "driver_type", "module_id")
        refs[node.key] = _state(node.target, node.type, node.class_, node.id, node.row.at(), findings, facts)
        _of_workload(node.target, node.id, refs[node.key], node.row.at(), findings)
    for node in nodes:
        for needed in node.needs:
            ref = refs.get(f"{node.target}{needed}")
            if ref is None:
                message = "a resource graph names a node that it does not hold"
                findings.problem(message, node.row.at(), severity=Severity.INFO)
            else:
                findings.link(refs[node.key], "DEPENDS_ON", ref, node.row.at(), environment=node.target.env)
