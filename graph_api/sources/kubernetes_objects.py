"""Objects in the manner of Kubernetes: of manifests, of Lists as `kubectl get -o json` prints them, of API answers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import ProblemCode
from graph_api.sources.documents import Document, Place, dig, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of
from graph_api.sources.parsing import Keys
from graph_api.sources.scalars import is_template

DEFAULT = "default"
"""The namespace of what names none."""


@dataclass(frozen=True, slots=True)
class Origins:
    """Where parts of an object stand that a patch wrote: those that it wrote whole, and items of lists it changed."""

    whole: dict[Keys, Place] = field(default_factory=dict)
    changed: dict[Keys, Place] = field(default_factory=dict)

    def copy(self) -> "Origins":
        return Origins(self.whole.copy(), self.changed.copy())

    def note(self, keys: Keys, place: Place) -> None:
        self.whole[keys] = place
        if len(keys) > 1 and isinstance(keys[-2], int):
            self.changed.setdefault(keys[:-1], place)

    def shift(self, keys: Keys, index: int, by: int, places: Mapping[int, Place]) -> None:
        """Items of the list at `keys` move from `index` on, by 1 for a new one there or by -1 for one that is gone.
        `places` are theirs, by their indexes before."""
        size = len(keys)
        for rows in (self.whole, self.changed):
            moving = [row for row in rows if len(row) > size and row[:size] == keys and int(row[size]) >= index]
            taken = {row: rows.pop(row) for row in moving}
            kept = {row: place for row, place in taken.items() if row[size] in places}
            rows.update({(*keys, int(row[size]) + by, *row[size + 1 :]): place for row, place in kept.items()})
        for old, place in places.items():
            self.whole.setdefault((*keys, old + by), place)

    def of(self, keys: Keys) -> Place | None:
        above = (self.whole.get(keys[:length]) for length in range(len(keys), 0, -1))
        return next(filter(None, above), None) or self.changed.get(keys)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object: a document, or the item of a List at `keys` in it; as patches have left it."""

    document: Document
    keys: Keys
    value: dict[str, Any]
    kind: str
    group: str
    version: str
    origins: Origins = field(default_factory=Origins, compare=False)
    ways: tuple[Any, ...] = ()
    """Of kustomizations, as kustomize.py has them, that lead to it in this shape."""

    def moved(self, origins: Origins, keys: Keys, index: int, by: int, count: int) -> None:
        """Note in origins that are to be this object's that items of a list of `count` have moved from `index` on."""
        places = {
            old: origins.of((*keys, old)) or self.document.at(*self.keys, *keys, old)
            for old in range(index + (by < 0), count)
        }
        origins.shift(keys, index, by, places)

    def at(self, *keys: str | int) -> Place:
        return self.origins.of(keys) or self.document.at(*self.keys, *keys)

    def get(self, *keys: str | int) -> Any:
        return dig(self.value, *keys)

    def text(self, *keys: str | int) -> str | None:
        return text_of(self.get(*keys))

    @property
    def name(self) -> str:
        """Empty if it has none. A Job may have only the beginning of a name."""
        return self.text("metadata", "name") or (self.text("metadata", "generateName") or "").rstrip("-")

    @property
    def namespace(self) -> str | None:
        return self.text("metadata", "namespace")

    @property
    def is_template(self) -> bool:
        """Whether its name still has to be filled in."""
        return is_template(self.name) or is_template(self.namespace or "")

    @property
    def labels(self) -> dict[str, Any]:
        return mapping(self.get("metadata", "labels"))

    @property
    def annotations(self) -> dict[str, Any]:
        return mapping(self.get("metadata", "annotations"))

    @property
    def has_controller(self) -> bool:
        """Whether another object made this one, and says all about it."""
        return any(owner.get("controller") is True for _, owner in mappings(self.get("metadata", "ownerReferences")))


def text_of(value: Any) -> str | None:
    """A text that is not empty, or a number as text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def group_of(value: Any) -> str | None:
    """The API group of a document's value, of a List that of its first item; None if it is no Kubernetes object."""
    version, kind = dig(value, "apiVersion"), dig(value, "kind")
    if not isinstance(version, str) or not isinstance(kind, str):
        return None
    if kind == "List":
        first = dig(value, "items", 0)
        return group_of(first) if first is not None and dig(first, "kind") != "List" else ""
    return version.rpartition("/")[0]


def objects_of(documents: Iterable[Document]) -> Iterator[Manifest]:
    """All objects, also those in Lists; what has another shape is left out."""
    for document in documents:
        kind = document.get("kind")
        if isinstance(kind, str) and kind.endswith("List") and isinstance(document.get("items"), list):
            for index, item in mappings(document.get("items")):
                yield from _object(document, ("items", index), item, kind.removesuffix("List"))
        elif isinstance(document.value, dict):
            yield from _object(document, (), document.value, "")


def _object(document: Document, keys: Keys, value: dict[str, Any], kind: str) -> Iterator[Manifest]:
    """Items of an API's answer leave out kind and version, which their List names."""
    kind = text_of(value.get("kind")) or kind
    group, _, version = (text_of(value.get("apiVersion")) or text_of(document.get("apiVersion")) or "").rpartition("/")
    if kind:
        yield Manifest(document, keys, value, kind, group, version)


def refuse_template(manifest: Manifest, findings: Findings) -> None:
    findings.refuse(manifest.document, "a template: its name is not filled in", ProblemCode.TEMPLATE)


def environment_ref(namespace: str) -> Ref:
    """The place that a namespace is, for all connectors that deploy to the cluster they speak of."""
    return ref_of("environment", "kubernetes", namespace)


def scoped_ref(kind: str, tool: str, namespace: str | None, name: str) -> Ref:
    return ref_of(kind, f"{tool}-{namespace or DEFAULT}", name)


def application_ref(namespace: str | None, name: str) -> Ref:
    """An Argo CD Application. Argo CD's own namespace, where they usually are, says nothing."""
    own = namespace in (None, "argocd", "openshift-gitops")
    return ref_of("component", "argocd" if own else f"argocd-{namespace}", name)


def flux_ref(kind: str, namespace: str | None, name: str) -> Ref:
    """A Kustomization or HelmRelease of Flux."""
    return scoped_ref("component", "flux", namespace, f"{kind}-{name}")
