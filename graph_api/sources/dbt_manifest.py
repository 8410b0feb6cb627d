"""dbt's manifest: the nodes in it, what they are called and what they need."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Document, dig, mapping, texts
from graph_api.sources.naming import ref_of
from graph_api.sources.scalars import text_in

NAME = "dbt"
MAX_BEHIND = 200
"""Nodes that are followed behind the metrics that one node depends on."""

_BUILT = ("model", "seed", "snapshot")


@dataclass(frozen=True, slots=True)
class Project:
    """A manifest: whose it is, and the refs of the datasets in it by dbt's unique ids."""

    document: Document
    name: str
    ref: Ref
    datasets: dict[str, Ref] = field(default_factory=dict)
    named: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Nodes that are no datasets (metrics, semantic models), by unique id: what they depend on."""

    @property
    def namespace(self) -> str:
        return f"{NAME}-{self.name}"

    def dataset(self, id_: str) -> Ref:
        return self.datasets.get(id_) or ref_of("dataset", self.namespace, id_)

    def needs(self, node: dict[str, Any]) -> Iterator[str]:
        """Unique ids of the datasets that a node depends on, also those behind metrics, of which there is an end."""
        waiting, seen = _needs(node), set[str]()
        for _ in range(len(waiting) + MAX_BEHIND):
            id_ = waiting.pop() if waiting else ""
            if id_ in seen:
                continue
            seen.add(id_)
            if id_ in self.named:
                waiting += self.named[id_][:MAX_BEHIND]
            elif id_.partition(".")[0] in (*_BUILT, "source"):
                yield id_


def nodes_of(document: Document, *parts: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Part, unique id and node."""
    for part in parts:
        yield from ((part, id_, node) for id_, node in mapping(document.get(part)).items() if isinstance(node, dict))


def indexed(document: Document) -> Project:
    name = _project_name(document)
    project = Project(document, name, ref_of("pipeline", NAME, name))
    for part, id_, node in nodes_of(document, "nodes", "sources"):
        if part == "sources" or node.get("resource_type") in _BUILT:
            project.datasets[id_] = ref_of("dataset", project.namespace, relation_of(node) or id_)
    for _, id_, node in nodes_of(document, "metrics", "semantic_models"):
        project.named[id_] = tuple(_needs(node))
    return project


def _project_name(document: Document) -> str:
    """As the manifest says; older ones have only a digest of the name, or not even that."""
    packages = Counter(
        package for _, _, node in nodes_of(document, "nodes") if (package := text_at(node, "package_name"))
    )
    id_, name = document.get("metadata", "project_id"), text_in(document.get("metadata", "project_name"))
    told = (package for package in packages if md5(package.encode(), usedforsecurity=False).hexdigest() == id_)
    return name or next(told, None) or next((package for package, _ in packages.most_common(1)), "project")


def relation_of(node: dict[str, Any]) -> str | None:
    """`database.schema.table` as it is in the warehouse; None where the node does not say."""
    table = text_at(node, "identifier") or text_at(node, "alias") or text_at(node, "name")
    schema, database = text_at(node, "schema"), text_at(node, "database")
    return ".".join(filter(None, (database, schema, table))) if schema and table else None


def _needs(node: dict[str, Any]) -> list[str]:
    return texts(dig(node, "depends_on", "nodes"))


def text_at(node: dict[str, Any], *keys: str) -> str | None:
    return text_in(dig(node, *keys))
