"""The namespaces of objects of Flux that name none: what leads to their files says it.

That is the `targetNamespace` of the Kustomization of Flux whose `path` is their folder or the nearest above, else the
`namespace` of the kustomizations that name the file. A path is one of the repository, whose root is the first folder
on the way to the Kustomization in which there is such a path.
"""

import posixpath
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from graph_api.sources.documents import Document, mapping
from graph_api.sources.kubernetes_objects import DEFAULT, Manifest, objects_of
from graph_api.sources.kustomize import Overlays

GROUP = "kustomize.toolkit.fluxcd.io"


class Namespaces:
    def __init__(self, documents: Sequence[Document]) -> None:
        self._overlays = Overlays(documents)
        self._folders = {folder for row in documents for folder in _upwards(row.folder)}
        self._targets: dict[PurePosixPath, set[str | None]] = {}
        for manifest in objects_of(documents):
            if manifest.group == GROUP and manifest.get("spec", "kubeConfig") is None:
                self._note(manifest)

    def _note(self, manifest: Manifest) -> None:
        path = manifest.text("spec", "path")
        for above in reversed(_upwards(manifest.document.folder)) if path else ():
            folder = PurePosixPath(posixpath.normpath(f"{above}/{path}"))
            if folder in self._folders:
                self._targets.setdefault(folder, set()).add(manifest.text("spec", "targetNamespace"))
                return

    def placed(self, manifest: Manifest) -> Manifest:
        """With the namespace, if it names none and there is one for it."""
        if manifest.namespace:
            return manifest
        namespace = self._target(manifest.document.folder)
        if namespace is None and (namespace := self._overlays.namespace(manifest)) == DEFAULT:
            return manifest
        metadata = mapping(manifest.get("metadata")) | {"namespace": namespace}
        return replace(manifest, value=manifest.value | {"metadata": metadata})

    def _target(self, folder: PurePosixPath) -> str | None:
        """None also where several lead to one folder."""
        nearest = next((self._targets[row] for row in _upwards(folder) if row in self._targets), set())
        return next(iter(nearest)) if len(nearest) == 1 else None


def _upwards(folder: PurePosixPath) -> list[PurePosixPath]:
    return [folder, *folder.parents]
