"""Kustomizations (kustomize.config.k8s.io, or no apiVersion): what they make of the manifests that they name.

A manifest that kustomizations name, directly or through others, is one thing, however many overlays deploy it: what it
is and needs in any of them, it is and needs.

- one namespace: the object is in it;
- several: the object keeps its own namespace, answers to its name in each, and is deployed to each;
- `namePrefix` and `nameSuffix` are in the names by which it is known in the cluster, not in its own;
- `images` replace images; a tag alone makes no other image;
- `patches`, `patchesStrategicMerge` and `patchesJson6902`, in files or in place, are applied as strategic merges and
  JSON patches; then `labels`, `commonLabels`, `commonAnnotations` and `replicas`. A target may use `.*`, `.+` and `|`,
  with up to 100 alternatives. What a kustomization or patch says has that as its evidence; files of patches are no
  objects themselves;
- a component changes what the kustomization that names it has.

Each of these is a problem, as rendered output is to be read instead: resources on the network, generators of
ConfigMaps, Helm charts, replacements, vars, plugins, schemas of one's own, components of components, targets with other
patterns or labels than equal ones, changes of names, and patches that do not fit. Objects are matched by their own
names and those after all prefixes; of directives only `$patch` is followed.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from graph_api.catalog.snapshot import Severity
from graph_api.sources.documents import Document, Place, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.kubernetes_objects import DEFAULT, Manifest, text_of
from graph_api.sources.kustomize_changes import Changes, changes_of, local_path
from graph_api.sources.kustomize_patches import Budget, TooMuchError
from graph_api.sources.parsing import TextError
from graph_api.sources.yaml_documents import read_yaml

GROUP = "kustomize.config.k8s.io"
FILES = ("kustomization.yaml", "kustomization.yml")
BARE = "Kustomization"
"""The name of a file that may be one too, and is handed over as text."""

MAX_OVERLAYS, MAX_DEPTH = 32, 16
"""Ways in which one kustomization is used, and kustomizations within each other, that are followed."""

_REMOTE = ("://", "git@", "github.com/", "?ref=")
_UNRESOLVED = (
    "configMapGenerator",
    "generators",
    "helmChartInflationGenerator",
    "helmCharts",
    "openapi",
    "replacements",
    "transformers",
    "vars",
)
_RENDER = "; to have it, sync what `kustomize build` prints"


class Overlay(NamedTuple):
    """What the kustomizations on one way to a manifest do to it."""

    namespace: str | None = None
    prefix: str = ""
    suffix: str = ""
    images: tuple[tuple[str, str, Place], ...] = ()
    """What replaces an image of this name, and where that is said."""
    changes: tuple[Changes, ...] = ()
    """The innermost first."""
    namespace_at: Place | None = None

    def around(self, inner: "Overlay") -> "Overlay":
        return Overlay(
            self.namespace or inner.namespace,
            self.prefix + inner.prefix,
            inner.suffix + self.suffix,
            inner.images + self.images,
            inner.changes + self.changes,
            self.namespace_at or inner.namespace_at,
        )

    def image(self, image: str, at: Place) -> tuple[str, Place]:
        for name, new, place in self.images:
            if image == name or image.startswith((f"{name}:", f"{name}@")):
                image, at = new + image[len(name) :], place
        return image, at


class Overlays:
    """Of all kustomizations among the documents; the others among them may be patches."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._folders: dict[str, Document] = {}
        for document in filter(is_kustomization, documents):
            self._folders.setdefault(document.folder.as_posix(), document)
        files: dict[str, list[Document]] = {}
        for document in documents:
            files.setdefault(document.path, []).append(document)
        self._changes = {folder: changes_of(document, files) for folder, document in self._folders.items()}
        self._own = {folder: _own(document, self._changes[folder]) for folder, document in self._folders.items()}
        self.patches = {path for changes in self._changes.values() for path in changes.files}
        self._files: dict[str, list[Overlay]] = {}
        self._budget = Budget()
        self._walk()

    def _walk(self) -> None:
        resources = {folder: _local(document, "resources", "bases") for folder, document in self._folders.items()}
        components = {folder: _local(document, "components") for folder, document in self._folders.items()}
        below = {path for included in (resources, components) for paths in included.values() for path in paths}
        uses: dict[str, set[Overlay]] = {folder: set() for folder in self._folders}
        pending = deque((folder, Overlay(), MAX_DEPTH) for folder in self._folders if folder not in below)
        while pending:
            folder, outer, left = pending.popleft()
            if not left or outer in uses[folder] or len(uses[folder]) >= MAX_OVERLAYS:
                continue
            uses[folder].add(outer)
            inside = outer.around(self._own[folder])
            pending.extend((path, inside, left - 1) for path in components[folder] if path in self._folders)
            for path in components[folder]:
                inside = inside.around(self._own[path]) if path in self._own else inside
            for path in resources[folder]:
                if path in self._folders:
                    pending.append((path, inside, left - 1))
                else:
                    self._files.setdefault(path, []).append(inside)

    def variants(self, manifest: Manifest) -> list[Manifest]:
        """The object as each way leaves it: one for all that leave it alike, none for those that delete it."""
        ways = self._files.get(manifest.document.path, [])
        found: dict[int, Manifest] = {}
        for way in ways:
            changed = self._changed(manifest, way)
            if changed:
                alike = found.setdefault(id(changed.value), changed)
                found[id(changed.value)] = replace(alike, ways=(*alike.ways, way))
        return list(found.values()) if ways else [manifest]

    def _changed(self, manifest: Manifest, way: Overlay) -> Manifest | None:
        names = {manifest.name, f"{way.prefix}{manifest.name}{way.suffix}"}
        namespaces = {manifest.namespace or DEFAULT, way.namespace or manifest.namespace or DEFAULT}
        changed: Manifest | None = manifest
        try:
            for changes in way.changes:
                changed = changes.applied(changed, names, namespaces, self._budget) if changed else None
        except TooMuchError:
            return manifest
        return changed

    def report(self, findings: Findings) -> None:
        """What is not followed, once all variants were asked for."""
        for folder, document in self._folders.items():
            self._changes[folder].report(findings)
            for key in _UNRESOLVED:
                if document.get(key):
                    message = f"`{key}` of kustomizations is not followed{_RENDER}"
                    findings.problem(message, document.at(key), severity=Severity.INFO)
            if any(path in self._folders and self._folders[path].get("components") for path in _components(document)):
                message = f"components of components change only what they name themselves{_RENDER}"
                findings.problem(message, document.at("components"))
            for key in ("resources", "components", "bases"):
                for number, text in enumerate(texts(document.get(key))):
                    if _is_remote(text):
                        message = f"what a kustomization has from the network is not read{_RENDER}"
                        findings.problem(message, document.at(key, number), severity=Severity.INFO)
        if self._budget.left < 0:
            document = next(iter(self._folders.values()))
            findings.problem(f"the kustomizations have too many patches; some are not applied{_RENDER}", document.at())

    def namespaces(self, manifest: Manifest) -> dict[str, Place]:
        """The namespaces that are stated for it, with where; none if nothing states one."""
        own = manifest.at("metadata", "namespace")
        places = {way.namespace: way.namespace_at for way in manifest.ways if way.namespace}
        return {name: places.get(name) or own for name in _stated(manifest, manifest.ways)}

    def namespace(self, manifest: Manifest) -> str:
        """The one in which it is known here, in all its variants."""
        stated = _stated(manifest, self._files.get(manifest.document.path, ()))
        return stated[0] if len(stated) == 1 else manifest.namespace or DEFAULT

    def names(self, manifest: Manifest, name: str) -> list[str]:
        """`NAMESPACE/NAME` in the cluster, once for each way of deploying it."""
        ours = manifest.namespace or DEFAULT
        ways: Sequence[Overlay] = manifest.ways or (Overlay(),)
        return sorted({f"{way.namespace or ours}/{way.prefix}{name}{way.suffix}" for way in ways})

    def images(self, manifest: Manifest, image: str, at: Place) -> list[tuple[str, Place]]:
        """What the image that is named there is in each way of deploying it."""
        return sorted({way.image(image, at) for way in manifest.ways} or {(image, at)})


def parsed(documents: Sequence[Document], findings: Findings) -> list[Document]:
    """With the values of those that are handed over as text."""
    found = []
    for document in documents:
        try:
            bare = read_yaml(document.text) if _is_bare(document) else []
        except TextError as error:
            findings.refuse(document, error.message, error.code)
            continue
        found += [replace(document, value=row.value, line=row.line, yaml=row) for row in bare] or [document]
    return found


def _is_bare(document: Document) -> bool:
    return document.name == BARE and document.value is None


def is_kustomization(document: Document) -> bool:
    version = document.get("apiVersion")
    if isinstance(version, str):
        return version.startswith(f"{GROUP}/")
    return _is_bare(document) or (document.name in (*FILES, BARE) and isinstance(document.value, dict))


def _stated(manifest: Manifest, ways: Iterable[Overlay]) -> list[str]:
    stated = {way.namespace or manifest.namespace for way in ways} or {manifest.namespace}
    return sorted(filter(None, stated))


def _own(document: Document, changes: Changes) -> Overlay:
    images = [
        (name, new, document.at("images", index))
        for index, image in mappings(document.get("images"))
        if (name := text_of(image.get("name"))) and (new := text_of(image.get("newName")))
    ]
    return Overlay(
        text_of(document.get("namespace")),
        text_of(document.get("namePrefix")) or "",
        text_of(document.get("nameSuffix")) or "",
        tuple(images),
        (changes,) if changes else (),
        document.at("namespace") if text_of(document.get("namespace")) else None,
    )


def _local(document: Document, *keys: str) -> list[str]:
    return [local_path(document, text) for key in keys for text in texts(document.get(key)) if not _is_remote(text)]


def _components(document: Document) -> Iterator[str]:
    yield from _local(document, "components")


def _is_remote(text: str) -> bool:
    return any(mark in text for mark in _REMOTE)
