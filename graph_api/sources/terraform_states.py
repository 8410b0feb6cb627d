"""Terraform's states (version 3 and 4), `show -json` of states and plans, and `graph`, -> graphs of addresses."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graph_api.sources.cloud_resources import kept
from graph_api.sources.documents import Document, dig, listed, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.hcl import reference
from graph_api.sources.parsing import Keys
from graph_api.sources.terraform_graph import Found, Graph, address_of, plain
from graph_api.sources.terraform_modules import Call, Declared, Module, expand

_NUMBER = re.compile(r"\.\d+$")
_NODE = re.compile(r'"((?:[^"\\]|\\.)*)"')
_RESOURCE = re.compile(
    r"(?P<module>(?:module\.[\w-]+\.)*)(?P<data>data\.)?"
    r"(?!(?:var|local|output|provider|module|meta|root|data|path|each)\.)(?P<type>[a-z][\w-]*)\.(?P<name>[\w-]+)"
)


def read_state_4(document: Document, graph: Graph) -> None:
    for number, row in mappings(document.get("resources")):
        type_, name = row.get("type"), row.get("name")
        if not isinstance(type_, str) or not isinstance(name, str):
            continue
        instances = [instance for _, instance in mappings(row.get("instances"))]
        data, module = row.get("mode") == "data", _text(row.get("module"))
        found = Found(
            address=address_of(module, type_, name, data=data),
            type=type_,
            at=document.at("resources", number),
            data=data,
            module=plain(module),
            provider=_text(row.get("provider")),
            values=[kept(instance.get("attributes"), _sensitive(instance)) for instance in instances],
            instances=len(instances),
        )
        needs = (text for instance in instances for text in _dependencies(instance))
        graph.add(found, dict.fromkeys(plain(need) for need in needs))


def _dependencies(instance: Mapping[str, Any]) -> list[str]:
    """Up to 0.12 they were called `depends_on`."""
    return texts(instance.get("dependencies")) + texts(instance.get("depends_on"))


def _sensitive(instance: Mapping[str, Any]) -> Iterator[str]:
    for path in listed(instance.get("sensitive_attributes")):
        first = path[0] if isinstance(path, list) and path else path
        yield _text(dig(first, "value") if isinstance(first, dict) else first)


def read_state_3(document: Document, graph: Graph) -> None:
    for number, module in mappings(document.get("modules")):
        path = "".join(f"module.{name}." for name in texts(module.get("path"))[1:])
        for key, row in mapping(module.get("resources")).items():
            type_ = dig(row, "type")
            if not isinstance(type_, str):
                continue
            flat = {**mapping(dig(row, "primary", "attributes")), "id": dig(row, "primary", "id")}
            found = Found(
                address=path + _NUMBER.sub("", key),
                type=type_,
                at=document.at("modules", number, "resources", key),
                data=key.startswith("data."),
                module=path.rstrip("."),
                provider=_text(dig(row, "provider")),
                values=[kept({**flat, "tags": _tags(flat)})],
                instances=1,
            )
            graph.add(found, [path + _NUMBER.sub("", need) for need in texts(dig(row, "depends_on"))])


def _tags(flat: Mapping[str, Any]) -> dict[str, Any]:
    return {key.removeprefix("tags."): value for key, value in flat.items() if key.startswith("tags.")}


def read_shown(document: Document, graph: Graph, findings: Findings) -> None:
    """A plan holds what will be, and the configuration, which has the references; a state holds `depends_on`."""
    planned = isinstance(document.get("planned_values"), dict)
    changes = _changes(document) if planned else {}
    if planned:
        _add_configuration(document, graph, findings)
    for keys, module, row in _shown_resources(document, "planned_values" if planned else "values"):
        type_, name = row.get("type"), row.get("name")
        if not isinstance(type_, str) or not isinstance(name, str):
            continue
        data = row.get("mode") == "data"
        address = address_of(module, type_, name, data=data)
        hidden = (key for key, mark in mapping(row.get("sensitive_values")).items() if mark is True)
        found = Found(
            address=address,
            type=type_,
            at=document.at(*keys),
            data=data,
            module=plain(module),
            provider=_text(row.get("provider_name")),
            values=[kept(row.get("values"), hidden)],
            instances=1,
            change=changes.get(address),
        )
        graph.add(found, [plain(need) for need in texts(row.get("depends_on"))])


def _shown_resources(document: Document, part: str) -> Iterator[tuple[Keys, str, dict[str, Any]]]:
    """Keys, address of the module and values of each resource."""
    pending: list[tuple[Keys, dict[str, Any]]]
    pending = [((part, "root_module"), mapping(document.get(part, "root_module")))]
    while pending:
        keys, module = pending.pop()
        for number, row in mappings(module.get("resources")):
            yield (*keys, "resources", number), _text(module.get("address")), row
        pending += [((*keys, "child_modules", number), row) for number, row in mappings(module.get("child_modules"))]


def _changes(document: Document) -> dict[str, str]:
    """What the plan does to each resource, by address."""
    found = {}
    for _, row in mappings(document.get("resource_changes")):
        actions = "+".join(texts(dig(row, "change", "actions")))
        if actions not in ("", "no-op", "read"):
            found[plain(_text(row.get("address")))] = actions
    return found


def _add_configuration(document: Document, graph: Graph, findings: Findings) -> None:
    modules: dict[str, Module] = {}
    root = mapping(document.get("configuration", "root_module"))
    pending: list[tuple[str, Keys, dict[str, Any]]] = [("", ("configuration", "root_module"), root)]
    while pending:
        key, keys, value = pending.pop()
        module = modules[key] = Module(outputs=_outputs(value))
        for number, row in mappings(value.get("resources")):
            if isinstance(row.get("address"), str) and isinstance(row.get("type"), str):
                at, data = document.at(*keys, "resources", number), row.get("mode") == "data"
                module.resources[row["address"]] = Declared(type=row["type"], data=data, at=at, needs=_needs(row))
        for name, row in mapping(value.get("module_calls")).items():
            inputs = {variable: _references([said]) for variable, said in mapping(dig(row, "expressions")).items()}
            called, source = f"{key}/{name}", _text(dig(row, "source"))
            call = Call(
                at=document.at(*keys, "module_calls", name),
                source=source,
                module=called,
                inputs=inputs,
                needs=_targets(texts(dig(row, "depends_on"))),
            )
            module.calls[name] = call
            pending.append((called, (*keys, "module_calls", name, "module"), mapping(dig(row, "module"))))
    declared = Graph(graph.scope)
    expand(modules, "", declared, findings)
    graph.edges = declared.edges
    graph.found = {address: found for address, found in declared.found.items() if found.data}


def _outputs(module: Mapping[str, Any]) -> dict[str, set[str]]:
    return {name: _references([output]) for name, output in mapping(module.get("outputs")).items()}


def _needs(row: Mapping[str, Any]) -> set[str]:
    expressions = [row.get(key) for key in ("expressions", "count_expression", "for_each_expression")]
    return _references(expressions) | _targets(texts(row.get("depends_on")))


def _references(values: Iterable[Any]) -> set[str]:
    """`module.a.b` comes with `module.a`, which would mean all of the module."""
    found, pending = set[str](), list(values)
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            found |= {need for need in _targets(texts(value.get("references"))) if not _is_module(need)}
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return found


def _is_module(need: str) -> bool:
    return need.startswith("module.") and need.count(".") == 1


def _targets(addresses: Iterable[str]) -> set[str]:
    return {reference(plain(text).split(".")) for text in addresses} - {""}


def read_graph(document: Document, graph: Graph) -> None:
    """Nodes that destroy are left out: arrows lead the other way between them."""
    for number, line in enumerate(document.text.split("\n"), start=1):
        names = [name.replace('\\"', '"') for name in _NODE.findall(line.partition("[label")[0])]
        if not names or "subgraph" in line or any("(destroy" in name for name in names):
            continue
        nodes = [_add_node(name, document, number, graph) for name in names[:2]]
        if "->" in line and len(nodes) == 2:
            graph.edges.setdefault(nodes[0], []).append(nodes[1])


def _add_node(name: str, document: Document, line: int, graph: Graph) -> str:
    text = plain(name.removeprefix("[root] "))
    match = _RESOURCE.fullmatch(text.removesuffix(" (expand)"))
    if match is None:
        return text
    data, module = bool(match["data"]), match["module"].rstrip(".")
    address = address_of(module, match["type"], match["name"], data=data)
    graph.add(Found(address=address, type=match["type"], at=document.at_line(line), data=data, module=module))
    return address


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
