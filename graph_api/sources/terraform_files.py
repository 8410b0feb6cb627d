"""Terraform's configuration files (`*.tf`, `*.tofu`, `*.tf.json`) -> modules. One folder is one module."""

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from graph_api.sources.cloud_resources import kept
from graph_api.sources.documents import Document, listed, mapping
from graph_api.sources.findings import Findings
from graph_api.sources.hcl import (
    Block,
    HclError,
    Tokens,
    literal,
    literals,
    pairs,
    read_blocks,
    references,
    template_references,
)
from graph_api.sources.terraform_graph import Graph
from graph_api.sources.terraform_modules import Call, Declared, Module, expand

_OF_MODULES = frozenset({"source", "version", "providers", "depends_on"})


def read_files(documents: Sequence[Document], scope_of: Callable[[PurePosixPath], str], findings: Findings) -> None:
    """State what the folders declare that no module of the others calls."""
    modules: dict[str, Module] = {}
    for document in documents:
        module = modules.setdefault(document.folder.as_posix(), Module())
        try:
            (_read_hcl if document.value is None else _read_json)(document, module)
        except HclError as error:
            findings.refuse(document, f"line {error.line}: {error.message}; `terraform validate` says more")
    for root in _roots(modules):
        graph = Graph(scope_of(PurePosixPath(root)))
        expand(modules, root, graph, findings)
        graph.state(findings)


def _roots(modules: Mapping[str, Module]) -> Iterator[str]:
    """Modules that no other calls, and one of each circle."""
    called = {call.module for module in modules.values() for call in module.calls.values()}
    met = set[str]()
    for root in sorted(modules, key=lambda key: (key in called, key)):
        if root not in called or root not in met:
            yield root
            met |= _reached(modules, root)


def _reached(modules: Mapping[str, Module], root: str) -> set[str]:
    seen, pending = {root}, [root]
    while pending:
        for call in modules[pending.pop()].calls.values():
            if call.module in modules and call.module not in seen:
                seen.add(call.module)
                pending.append(call.module)
    return seen


def _read_hcl(document: Document, module: Module) -> None:
    for block in read_blocks(document.text):
        match block.type, block.labels:
            case (("resource" | "data"), (type_, name)):
                _add(module, block.type, type_, name, _declared(document, block, type_))
            case "module", (name,):
                needs = references(block.attributes.get("depends_on", ()))
                inputs = {key: references(value) for key, value in block.attributes.items() if key not in _OF_MODULES}
                source = literal(block.attributes.get("source")) or ""
                module.calls.setdefault(name, _call(document, block.line, source, inputs, needs))
            case "locals", ():
                module.locals.update({key: references(value) for key, value in block.attributes.items()})
                module.objects.update({key: pairs(value) for key, value in block.attributes.items()})
            case "output", (name,):
                module.outputs[name] = references(block.body)


def _add(module: Module, block: str, type_: str, name: str, declared: Declared) -> None:
    module.resources.setdefault(f"data.{type_}.{name}" if block == "data" else f"{type_}.{name}", declared)


def _declared(document: Document, block: Block, type_: str) -> Declared:
    needs = references(block.body)
    values: dict[str, Any] = {key: _value(tokens) for key, tokens in block.attributes.items()}
    values |= {inner.type: _literals(inner.attributes) for inner in block.blocks}
    return Declared(
        type=type_,
        data=block.type == "data",
        at=document.at_line(block.line),
        needs=needs,
        tag_locals=_tag_locals(block.attributes),
        values=kept(values),
    )


def _tag_locals(attributes: Mapping[str, Tokens]) -> list[str]:
    needs = {need for key in ("tags", "labels") for need in references(attributes.get(key, ()))}
    return sorted(need.removeprefix("local.") for need in needs if need.startswith("local."))


def _value(tokens: Tokens) -> Any:
    return literal(tokens) or pairs(tokens) or literals(tokens)


def _literals(attributes: Mapping[str, Tokens]) -> dict[str, str]:
    return {key: text for key, tokens in attributes.items() if (text := literal(tokens))}


def _call(document: Document, line: int, source: str, inputs: dict[str, set[str]], needs: set[str]) -> Call:
    local = source.startswith(("./", "../"))
    key = posixpath.normpath(posixpath.join(document.folder.as_posix(), source)) if local else ""
    return Call(at=document.at_line(line), source=source, module=key, inputs=inputs, needs=needs)


def _read_json(document: Document, module: Module) -> None:
    for block in ("resource", "data"):
        for type_, named in mapping(document.get(block)).items():
            for name, value in mapping(named).items():
                line, bodies = document.line_of(block, type_, name), _bodies(value)
                declared = Declared(
                    type=type_,
                    data=block == "data",
                    at=document.at_line(line),
                    needs=_needs(bodies),
                    values=kept(next(iter(bodies), {})),
                )
                _add(module, block, type_, name, declared)
    for name, value in mapping(document.get("module")).items():
        body: dict[str, Any] = next(iter(_bodies(value)), {})
        inputs = {key: _needs([inner]) for key, inner in body.items() if key not in _OF_MODULES}
        source, line = body.get("source"), document.line_of("module", name)
        needs = _needs([body.get("depends_on")])
        call = _call(document, line, source if isinstance(source, str) else "", inputs, needs)
        module.calls.setdefault(name, call)
    for body in _bodies(document.get("locals")):
        module.locals.update({key: _needs([value]) for key, value in body.items()})
    for name, value in mapping(document.get("output")).items():
        module.outputs[name] = _needs([value])


def _bodies(value: Any) -> list[dict[str, Any]]:
    """A block's body, which may stand in a list."""
    return [body for body in (value, *listed(value)) if isinstance(body, dict)]


def _needs(values: Iterable[Any]) -> set[str]:
    needs, pending = set[str](), list(values)
    while pending:
        value = pending.pop()
        if isinstance(value, dict | list):
            pending += value.values() if isinstance(value, dict) else value
        elif isinstance(value, str) and ("${" in value or "." in value):
            try:
                needs |= template_references(value)
            except HclError:
                continue  # a text that only looks like an expression
    return needs
