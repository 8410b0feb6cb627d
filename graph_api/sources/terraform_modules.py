"""Terraform's configuration: modules that call each other, expanded into one graph of addresses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph_api.sources.documents import Place, mapping
from graph_api.sources.findings import Findings
from graph_api.sources.terraform_graph import MODULE, Found, Graph

MAX_MODULES = 2_000
"""Calls of modules in one configuration."""


@dataclass(kw_only=True)
class Declared:
    """A resource or data block; `needs` holds references as hcl.references gives them.

    `tag_locals` are the locals that its tags are taken from.
    """

    type: str
    data: bool
    at: Place
    needs: set[str]
    values: dict[str, Any] = field(default_factory=dict)
    tag_locals: Sequence[str] = ()


@dataclass(kw_only=True)
class Call:
    """A module block. `module` is the key of the module's code, if that is at hand."""

    at: Place
    source: str
    module: str
    inputs: dict[str, set[str]]
    needs: set[str]


@dataclass
class Module:
    """The code of one module; resources by their address in it, and the literals of locals that are objects."""

    resources: dict[str, Declared] = field(default_factory=dict)
    locals: dict[str, set[str]] = field(default_factory=dict)
    objects: dict[str, dict[str, str]] = field(default_factory=dict)
    outputs: dict[str, set[str]] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)


def expand(modules: Mapping[str, Module], root: str, graph: Graph, findings: Findings) -> None:
    """Add the root and all that it calls to the graph."""
    pending: list[tuple[str, str, tuple[str, ...]]] = [(root, "", (root,))]
    count = 1
    while pending:
        key, prefix, chain = pending.pop()
        module = modules[key]
        opened = {name for name, call in module.calls.items() if call.module in modules and call.module not in chain}
        if count + len(opened) > MAX_MODULES:
            at = next(iter(module.calls.values())).at
            findings.problem(f"more than {MAX_MODULES:,} calls of modules; those from here on are not followed", at)
            opened = set()
        count += len(opened)
        _Expansion(module, prefix, opened, graph).add(modules)
        for name in sorted(opened, reverse=True):
            called = module.calls[name].module
            pending.append((called, f"{prefix}module.{name}.", (*chain, called)))


@dataclass
class _Expansion:
    """One call of a module. The node `PREFIX(needs)` stands for what the call as a whole depends on."""

    module: Module
    prefix: str
    opened: set[str]
    graph: Graph

    def add(self, modules: Mapping[str, Module]) -> None:
        for address, block in self.module.resources.items():
            self._add(address, block.type, block.at, block)
        for kind, values in (("local", self.module.locals), ("output", self.module.outputs)):
            for name, needs in values.items():
                self.graph.edges[f"{self.prefix}{kind}.{name}"] = self._nodes(needs)
        for name, call in self.module.calls.items():
            if name in self.opened:
                self._open(name, call, modules[call.module])
            else:
                needs = call.needs.union(*call.inputs.values())
                self._add(f"module.{name}", MODULE, call.at, Declared(type=MODULE, data=False, at=call.at, needs=needs))

    def _add(self, address: str, type_: str, at: Place, block: Declared) -> None:
        found = Found(
            address=self.prefix + address,
            type=type_,
            at=at,
            data=block.data,
            module=self.prefix.rstrip("."),
            values=[self._with_local_tags(block)],
        )
        self.graph.add(found, [*self._nodes(block.needs), f"{self.prefix}(needs)"])

    def _with_local_tags(self, block: Declared) -> dict[str, Any]:
        shared = [self.module.objects.get(name, {}) for name in block.tag_locals]
        tags = {key: value for tags in shared for key, value in tags.items()}
        return {**block.values, "tags": {**tags, **mapping(block.values.get("tags"))}} if tags else block.values

    def _open(self, name: str, call: Call, called: Module) -> None:
        within = f"{self.prefix}module.{name}."
        for variable, needs in call.inputs.items():
            self.graph.edges[f"{within}var.{variable}"] = self._nodes(needs)
        self.graph.edges[f"{within}(needs)"] = [*self._nodes(call.needs), f"{self.prefix}(needs)"]
        self.graph.edges[within.rstrip(".")] = [within + address for address in called.resources]

    def _nodes(self, needs: Iterable[str]) -> list[str]:
        return [self.prefix + self._node(need) for need in sorted(needs)]

    def _node(self, need: str) -> str:
        head, _, output = need.rpartition(".")
        if not need.startswith("module.") or head == "module":
            return need
        return f"{head}.output.{output}" if head.removeprefix("module.") in self.opened else head
