"""Terraform's resources and what they need, from whichever of its documents, -> entities and links."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from graph_api.catalog.ref import Ref, kind_of
from graph_api.sources.cloud_resources import names_of, state_tags, title_of, workload_name
from graph_api.sources.documents import Place, dig
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, repository_ref
from graph_api.sources.resource_classes import OTHER, resource_class

MAX_STEPS = 2_000_000
"""References that are followed in one configuration."""
MAX_JOINED = 10_000
"""Pairs that one attachment joins."""
MODULE = "module"
"""The type of a module whose code is not at hand."""

_INDEX = re.compile(r'\[(?:"(?:[^"\\]|\\.)*"|[^\]"\[]*)\]')
_KINDS = {
    "qovery_project": ("system", "project"),
    "qovery_environment": ("environment", "environment"),
    "qovery_application": ("component", "application"),
    "qovery_container": ("component", "container"),
    "qovery_helm": ("component", "helm"),
    "qovery_job": ("component", "job"),
    "qovery_terraform_service": ("component", "terraform"),
    "humanitec_application": ("system", "application"),
    "humanitec_environment": ("environment", "environment"),
    "platform-orchestrator_project": ("system", "project"),
    "platform-orchestrator_environment": ("environment", "environment"),
    "kubernetes_deployment": ("component", "service"),
    "kubernetes_stateful_set": ("component", "service"),
    "kubernetes_daemonset": ("component", "service"),
    "kubernetes_daemon_set": ("component", "service"),
    "kubernetes_job": ("component", "job"),
    "kubernetes_cron_job": ("component", "job"),
}
_VERSION = re.compile(r"_v\d+(?:beta\d+)?$")
_ROLES = "aws_iam_role aws_iam_user aws_iam_group"
_TARGETS = "aws_instance aws_lambda_function aws_lb aws_alb"
_JOINS = {
    "aws_volume_attachment": ("aws_instance", "aws_ebs_volume"),
    "aws_lb_target_group_attachment": ("aws_lb_target_group", _TARGETS),
    "aws_alb_target_group_attachment": ("aws_alb_target_group", _TARGETS),
    "aws_elb_attachment": ("aws_elb", "aws_instance"),
    "aws_iam_role_policy_attachment": ("aws_iam_role", "aws_iam_policy"),
    "aws_iam_user_policy_attachment": ("aws_iam_user", "aws_iam_policy"),
    "aws_iam_group_policy_attachment": ("aws_iam_group", "aws_iam_policy"),
    "aws_iam_policy_attachment": (_ROLES, "aws_iam_policy"),
    "aws_lambda_event_source_mapping": ("aws_lambda_function", "aws_sqs_queue aws_kinesis_stream aws_dynamodb_table"),
    "aws_sns_topic_subscription": ("aws_sqs_queue aws_lambda_function", "aws_sns_topic"),
    "aws_route_table_association": ("aws_subnet", "aws_route_table"),
    "azurerm_virtual_machine_data_disk_attachment": (
        "azurerm_virtual_machine azurerm_linux_virtual_machine azurerm_windows_virtual_machine",
        "azurerm_managed_disk",
    ),
    "azurerm_subnet_network_security_group_association": ("azurerm_subnet", "azurerm_network_security_group"),
    "google_compute_attached_disk": ("google_compute_instance", "google_compute_disk"),
    "openstack_compute_volume_attach_v2": ("openstack_compute_instance_v2", "openstack_blockstorage_volume_v3"),
}
"""Resources that only join two others: the first needs the second."""
_RELATIONS = {"environment": "DEPLOYED_TO", "system": "PART_OF"}


@dataclass(kw_only=True)
class Found:
    """A resource, data source or module. `address` has no indexes: all instances are one. `values` are instances'."""

    address: str
    type: str
    at: Place
    data: bool = False
    module: str = ""
    provider: str = ""
    values: list[Mapping[str, Any]] = field(default_factory=list)
    instances: int = 0
    """How many there are, as far as the document says."""
    change: str | None = None

    @property
    def shown(self) -> bool:
        """Data sources that only compute, such as policy documents, are seen through."""
        return not self.data or resource_class(self.type) != OTHER


@dataclass
class Graph:
    """`edges` lead from addresses, and from locals, variables and outputs between them, to what each refers to."""

    scope: str
    found: dict[str, Found] = field(default_factory=dict)
    edges: dict[str, list[str]] = field(default_factory=dict)
    refs: dict[str, Ref] = field(default_factory=dict)

    def add(self, found: Found, needs: Iterable[str] = ()) -> None:
        """Add a resource or further instances of it."""
        old = self.found.setdefault(found.address, found)
        if old is not found:
            old.values += found.values
            old.instances += found.instances
            old.change = old.change or found.change
            old.provider = old.provider or found.provider
        self.edges.setdefault(found.address, []).extend(needs)

    def state(self, findings: Findings) -> None:
        """State all managed resources, and the data sources that they need."""
        steps, stated = MAX_STEPS, set[str]()
        pending = [address for address, found in self.found.items() if not found.data]
        while pending:
            address = pending.pop()
            if address in stated:
                continue
            stated.add(address)
            targets, steps = self._needs(address, steps)
            self._state(self.found[address], targets, findings)
            pending += [target for target in targets if self.found[target].data]
        if steps <= 0 and stated:
            at = self.found[min(stated)].at
            findings.problem(f"more than {MAX_STEPS:,} references between blocks; the rest is not followed", at)

    def _needs(self, address: str, steps: int) -> tuple[list[str], int]:
        """The nearest resources along the edges, and how many steps are left."""
        needs, seen, pending = list[str](), {address}, [address]
        while pending and steps > 0:
            for target in self.edges.get(pending.pop(), ()):
                steps -= 1
                if target not in seen:
                    seen.add(target)
                    found = self.found.get(target)
                    (needs if found and found.shown else pending).append(target)
        return needs, steps

    def _state(self, found: Found, targets: Sequence[str], findings: Findings) -> None:
        ref = self._ref(found)
        merged = {key: value for values in reversed(found.values) for key, value in values.items()}
        findings.entity(
            ref,
            found.at,
            name=found.address,
            type=_kind(found.type)[1],
            title=title_of(merged),
            labels={"terraform-type": found.type, "terraform-module": found.module},
            spec=_spec(found),
            identifiers=[name for values in found.values for name in _identifiers(found.type, values)],
        )
        state_tags(ref, merged, found.at, findings)
        for target in targets:
            _link(ref, self._ref(self.found[target]), found.at, findings)
        self._join(found, targets, findings)
        repository = repository_ref(_text(dig(merged.get("git_repository"), "url")))
        if repository:
            findings.link(ref, "BUILT_FROM", repository, found.at)

    def _ref(self, found: Found) -> Ref:
        if found.address not in self.refs:
            self.refs[found.address] = ref_of(_kind(found.type)[0], self.scope, found.address)
        return self.refs[found.address]

    def _join(self, found: Found, targets: Sequence[str], findings: Findings) -> None:
        """What an attachment joins is linked itself, so that impact passes."""
        ends = [self.found[target] for target in targets]
        dependents, needed = (
            [end for end in ends if end.type in types.split()] for types in _JOINS.get(found.type, ("", ""))
        )
        if len(dependents) * len(needed) > MAX_JOINED:
            findings.problem(f"it joins more than {MAX_JOINED:,} pairs; none of them is linked", found.at)
            return
        for dependent, other in product(dependents, needed):
            source, target = self._ref(dependent), self._ref(other)
            findings.link(source, "DEPENDS_ON", target, found.at, properties={"through": found.address})


def plain(address: str) -> str:
    """An address without indexes: `module.a["x"].aws_instance.web[0]` -> `module.a.aws_instance.web`."""
    return _INDEX.sub("", address)


def address_of(module: str, type_: str, name: str, *, data: bool) -> str:
    return ".".join(part for part in (plain(module), "data" if data else "", type_, name) if part)


def _kind(type_: str) -> tuple[str, str]:
    return _KINDS.get(_VERSION.sub("", type_)) or ("resource", MODULE if type_ == MODULE else resource_class(type_))


def _link(source: Ref, target: Ref, at: Place, findings: Findings) -> None:
    relation = _RELATIONS.get(kind_of(target), "DEPENDS_ON")
    if source != target:
        findings.link(source, relation, target, at)


def _spec(found: Found) -> dict[str, Any]:
    spec = {
        "address": found.address,
        "provider": found.provider.removeprefix('provider["').removesuffix('"]'),
        "instances": found.instances,
        "change": found.change,
        "mode": "data" if found.data else None,
    }
    return {key: value for key, value in spec.items() if value}


def _identifiers(type_: str, values: Mapping[str, Any]) -> list[str]:
    bare = _VERSION.sub("", type_)
    known = bare == "kubernetes_service" or (bare.startswith("kubernetes_") and bare in _KINDS)
    return [*names_of(type_, values), *(workload_name(values) if known else ())]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
