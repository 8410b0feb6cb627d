"""Kustomizations (kustomize.config.k8s.io, or no apiVersion): what they make of the manifests that they name.

A manifest that kustomizations name, directly or through others, is one thing, however many overlays deploy it:

- one namespace: the object is in it;
- several: the object keeps its own namespace, answers to its name in each, and is deployed to each;
- `namePrefix` and `nameSuffix` are in the names by which it is known in the cluster, not in its own;
- `images` replace images; files of `patches` change objects and are none themselves.

Resources on the network, generators, Helm charts and replacements are not resolved: read rendered output for those.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

import posixpath
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from graph_api.sources.documents import Document, listed, mappings, texts
from graph_api.sources.kubernetes_objects import DEFAULT, Manifest, text_of

GROUP = "kustomize.config.k8s.io"
FILES = ("kustomization.yaml", "kustomization.yml")

MAX_OVERLAYS, MAX_DEPTH = 32, 16
"""Ways in which one kustomization is used, and kustomizations within each other, that are followed."""

_INCLUDING = ("resources", "components", "bases")
_PATCHING = ("patches", "patchesStrategicMerge", "patchesJson6902")


class Overlay(NamedTuple):
    """What the kustomizations on one way to a manifest do to it."""

    namespace: str | None
    prefix: str
    suffix: str
    images: tuple[tuple[str, str], ...]

    def around(self, inner: "Overlay") -> "Overlay":
        return Overlay(
            self.namespace or inner.namespace,
            self.prefix + inner.prefix,
            inner.suffix + self.suffix,
            inner.images + self.images,
        )

    def image(self, image: str) -> str:
        for name, new in self.images:
            if image == name or image.startswith((f"{name}:", f"{name}@")):
                image = new + image[len(name) :]
        return image


class Overlays:
    def __init__(self, kustomizations: Iterable[Document]) -> None:
        self._folders: dict[str, Document] = {}
        for document in kustomizations:
            self._folders.setdefault(document.folder.as_posix(), document)
        self._files: dict[str, list[Overlay]] = {}
        self.patches = {path for document in self._folders.values() for path in _patches(document)}
        self._walk()

    def _walk(self) -> None:
        included = {folder: list(_included(document)) for folder, document in self._folders.items()}
        below = {path for paths in included.values() for path in paths}
        uses: dict[str, set[Overlay]] = {folder: set() for folder in included}
        pending = deque((row, _own(self._folders[row]), MAX_DEPTH) for row in self._folders if row not in below)
        while pending:
            folder, overlay, left = pending.popleft()
            if not left or overlay in uses[folder] or len(uses[folder]) >= MAX_OVERLAYS:
                continue
            uses[folder].add(overlay)
            for path in included[folder]:
                if path in self._folders:
                    pending.append((path, overlay.around(_own(self._folders[path])), left - 1))
                else:
                    self._files.setdefault(path, []).append(overlay)

    def _of(self, manifest: Manifest) -> Sequence[Overlay]:
        return self._files.get(manifest.document.path, ())

    def namespaces(self, manifest: Manifest) -> list[str]:
        """The namespaces that are stated for it; none if nothing states one."""
        stated = {overlay.namespace or manifest.namespace for overlay in self._of(manifest)} or {manifest.namespace}
        return sorted(filter(None, stated))

    def namespace(self, manifest: Manifest) -> str:
        """The one in which it is known here."""
        stated = self.namespaces(manifest)
        return stated[0] if len(stated) == 1 else manifest.namespace or DEFAULT

    def names(self, manifest: Manifest, name: str) -> list[str]:
        """`NAMESPACE/NAME` in the cluster, once for each way of deploying it."""
        if not (ways := self._of(manifest)):
            return [f"{manifest.namespace or DEFAULT}/{name}"]
        ours = manifest.namespace or DEFAULT
        return sorted({f"{way.namespace or ours}/{way.prefix}{name}{way.suffix}" for way in ways})

    def images(self, manifest: Manifest, image: str) -> list[str]:
        return sorted({way.image(image) for way in self._of(manifest)} or {image})


def is_kustomization(document: Document) -> bool:
    version = document.get("apiVersion")
    if isinstance(version, str):
        return version.startswith(f"{GROUP}/")
    return document.name in FILES and isinstance(document.value, dict)


def _own(document: Document) -> Overlay:
    images = [
        (name, new)
        for _, image in mappings(document.get("images"))
        if (name := text_of(image.get("name"))) and (new := text_of(image.get("newName")))
    ]
    return Overlay(
        text_of(document.get("namespace")),
        text_of(document.get("namePrefix")) or "",
        text_of(document.get("nameSuffix")) or "",
        tuple(images),
    )


def _included(document: Document) -> Iterator[str]:
    for key in _INCLUDING:
        yield from (_path(document, text) for text in texts(document.get(key)) if "://" not in text)


def _patches(document: Document) -> Iterator[str]:
    for key in _PATCHING:
        for patch in listed(document.get(key)):
            path: Any = patch.get("path") if isinstance(patch, dict) else patch
            if isinstance(path, str) and "\n" not in path:
                yield _path(document, path)


def _path(document: Document, text: str) -> str:
    return posixpath.normpath(posixpath.join(document.folder.as_posix(), text))
