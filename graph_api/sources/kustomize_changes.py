"""What one kustomization changes in the objects that it has: patches, then labels, annotations and replicas."""

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from graph_api.catalog.snapshot import Severity
from graph_api.sources.documents import Document, Place, dig, listed, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.json_patch import is_json_patch
from graph_api.sources.kubernetes_objects import Manifest, text_of
from graph_api.sources.kustomize_patches import Budget, Patch, PatchError, merged, own_target, target_of
from graph_api.sources.parsing import Keys, TextError
from graph_api.sources.yaml_documents import read_yaml

_PATCHING = ("patches", "patchesStrategicMerge", "patchesJson6902")
_TEMPLATES: tuple[Keys, ...] = (("spec", "template"), ("spec", "jobTemplate", "spec", "template"))
_SCALED = frozenset({"Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"})

Files = Mapping[str, Sequence[Document]]


@dataclass(slots=True, eq=False)
class Changes:
    """`labels` are for the object, `selecting` for Services' selectors, `inner` and `annotations` also for pods."""

    document: Document
    patches: list[Patch] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    """Of the patches."""
    labels: dict[str, Any] = field(default_factory=dict)
    inner: dict[str, Any] = field(default_factory=dict)
    selecting: dict[str, Any] = field(default_factory=dict)
    annotations: dict[str, Any] = field(default_factory=dict)
    replicas: dict[str, Any] = field(default_factory=dict)
    problems: dict[Place, tuple[str, Severity]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.patches or self.labels or self.inner or self.annotations or self.replicas)

    def applied(self, manifest: Manifest, names: Set[str], namespaces: Set[str], budget: Budget) -> Manifest | None:
        """None if a patch deletes the object. Raises TooMuchError."""
        changed: Manifest | None = manifest
        for patch in self.patches:
            budget.spend(patch.target.cost)
            if changed and patch.target.fits(changed, names, namespaces):
                patch.used = True
                changed = self._patched(changed, patch, budget)
        part = self._part(changed, names) if changed else {}
        return merged(changed, part, lambda *_: self.document.at(), budget) if changed and part else changed

    def _patched(self, manifest: Manifest, patch: Patch, budget: Budget) -> Manifest | None:
        try:
            return patch.applied(manifest, budget)
        except PatchError as error:
            self.problems[patch.at()] = f"the patch is not applied: {error}", Severity.WARNING
            return manifest

    def _part(self, manifest: Manifest, names: Set[str]) -> dict[str, Any]:
        """What is laid over this object beside patches."""
        outer = {"labels": self.labels | self.inner, "annotations": self.annotations}
        part: dict[str, Any] = {"metadata": {key: value for key, value in outer.items() if value}}
        if manifest.kind == "Service" and self.selecting and mapping(manifest.get("spec", "selector")):
            part["spec"] = {"selector": self.selecting}
        count = next((self.replicas[name] for name in names if name in self.replicas), None)
        if count is not None and manifest.kind in _SCALED:
            part["spec"] = {"replicas": count}
        pods = {"labels": self.inner, "annotations": self.annotations}
        metadata = {"metadata": {key: value for key, value in pods.items() if value}}
        for keys in _TEMPLATES if metadata["metadata"] else ():
            if isinstance(manifest.get(*keys), dict):
                _within(part, keys)["template"] = metadata
        return part if part["metadata"] or len(part) > 1 else {}

    def report(self, findings: Findings) -> None:
        for patch in self.patches:
            if not patch.used:
                message = "the patch is for nothing that is read here; what it changes is not known"
                self.problems.setdefault(patch.at(), (message, Severity.INFO))
        for place, (message, severity) in self.problems.items():
            findings.problem(message, place, severity=severity)


def _within(part: dict[str, Any], keys: Keys) -> dict[str, Any]:
    """The mapping that holds the last of the keys."""
    for key in keys[:-1]:
        part = part.setdefault(str(key), {})
    return part


def changes_of(document: Document, files: Files) -> Changes:
    """`files` are the documents that may be patches, by path."""
    changes = Changes(document)
    for key in _PATCHING:
        for number, row in enumerate(listed(document.get(key))):
            place = document.at(key, number)
            try:
                changes.patches += _patches(changes, row, (key, number), files)
            except (PatchError, TextError) as error:
                changes.problems[place] = f"the patch is not applied: {error}", Severity.WARNING
    _take_labels(changes)
    changes.annotations = mapping(document.get("commonAnnotations"))
    for _, row in mappings(document.get("replicas")):
        if (name := text_of(row.get("name"))) and isinstance(row.get("count"), int):
            changes.replicas[name] = row["count"]
    return changes


def _take_labels(changes: Changes) -> None:
    common = mapping(changes.document.get("commonLabels"))
    changes.inner, changes.selecting = common.copy(), common.copy()
    for _, row in mappings(changes.document.get("labels")):
        pairs = mapping(row.get("pairs"))
        selects = row.get("includeSelectors") is True
        (changes.inner if selects or row.get("includeTemplates") is True else changes.labels).update(pairs)
        changes.selecting.update(pairs if selects else {})


def _patches(changes: Changes, row: Any, keys: Keys, files: Files) -> Iterator[Patch]:
    """Of one entry: a file's name, a patch as text, or an object of one of these and a target."""
    document = changes.document
    selector = mapping(dig(row, "target"))
    inline = dig(row, "patch") if isinstance(row, dict) else row if isinstance(row, str) and "\n" in row else None
    path = dig(row, "path") if isinstance(row, dict) else row
    if dig(row, "options", "allowNameChange") is True:
        changes.problems[document.at(*keys)] = "changes of names are not followed", Severity.WARNING
    if isinstance(inline, str):
        for found in read_yaml(inline):
            yield _patch(found.value, selector, lambda *_: document.at(*keys))
    elif isinstance(path, str):
        changes.files.append(local_path(document, path))
        for file in files.get(changes.files[-1], ()):
            yield _patch(file.value, selector, file.at)
        if changes.files[-1] not in files:
            message = "the file of the patch is nothing that is read here; what it changes is not known"
            changes.problems[document.at(*keys)] = message, Severity.INFO


def _patch(value: Any, selector: Mapping[str, Any], at: Callable[..., Place]) -> Patch:
    if is_json_patch(value):
        if not selector:
            raise PatchError("operations need a target")
        return Patch(target_of(selector), value, at)
    if not isinstance(value, dict):
        raise PatchError("it is neither a part of an object nor a list of operations")
    return Patch(target_of(selector) if selector else own_target(value), _body(value), at)


def _body(value: Mapping[str, Any]) -> dict[str, Any]:
    """Without what only says which object it is for."""
    body = {key: item for key, item in value.items() if key not in ("apiVersion", "kind")}
    meta = {key: item for key, item in mapping(body.get("metadata")).items() if key not in ("name", "namespace")}
    return body | {"metadata": meta}


def local_path(document: Document, text: str) -> str:
    return posixpath.normpath(posixpath.join(document.folder.as_posix(), text))
