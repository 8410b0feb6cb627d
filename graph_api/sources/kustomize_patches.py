"""Patches of kustomizations: which objects each is for, and what it makes of them."""

import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from fnmatch import translate
from functools import lru_cache, partial
from typing import Any

from graph_api.sources.documents import Place, mapping
from graph_api.sources.json_patch import JsonPatchError, Log, patched
from graph_api.sources.kubernetes_objects import Manifest, text_of
from graph_api.sources.strategic_merge import DELETE, DIRECTIVE, Merge

MAX_WORK = 2_000_000
"""Values that the kustomizations of a source may look at and copy."""

MAX_ALTERNATIVES = 100
"""Of one pattern."""

_SELECTED = ("group", "version", "kind", "name", "namespace")
_PATTERN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./*+|")

Pattern = tuple[re.Pattern[str], ...]
"""The alternatives, one of which a whole value has to match."""


class TooMuchError(Exception):
    """The kustomizations do more than is followed."""


class PatchError(Exception):
    """A patch that is not applied; the message says why, and holds nothing of a value."""


@dataclass(slots=True)
class Budget:
    left: int = MAX_WORK

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise TooMuchError


@dataclass(frozen=True, slots=True)
class Target:
    """Which objects a patch is for: patterns by field of the object, and labels and annotations that it has."""

    patterns: Mapping[str, Pattern]
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def cost(self) -> int:
        """Of asking whether an object fits."""
        return 1 + sum(map(len, self.patterns.values()))

    def fits(self, manifest: Manifest, names: Set[str], namespaces: Set[str]) -> bool:
        have: dict[str, Set[str]] = {"name": names, "namespace": namespaces}
        have |= {"kind": {manifest.kind}, "group": {manifest.group}, "version": {manifest.version}}
        return (
            all(
                any(one.fullmatch(value) for value in have[key] for one in pattern)
                for key, pattern in self.patterns.items()
            )
            and self.labels.items() <= manifest.labels.items()
            and self.annotations.items() <= manifest.annotations.items()
        )


def target_of(selector: Mapping[str, Any]) -> Target:
    """Raises PatchError for more than `.*`, some alternatives and equal labels."""
    patterns = {key: _pattern(key, text) for key in _SELECTED if (text := text_of(selector.get(key)))}
    return Target(patterns, _equal(selector, "labelSelector"), _equal(selector, "annotationSelector"))


@lru_cache(maxsize=1024)
def _pattern(key: str, text: str) -> Pattern:
    text = text.strip("^$")
    text = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    if not _PATTERN.issuperset(text):
        raise PatchError(f"the pattern in target.{key} is not followed")
    if text.count("|") >= MAX_ALTERNATIVES:
        raise PatchError(f"the pattern in target.{key} has more than {MAX_ALTERNATIVES} alternatives")
    globs = text.replace(".+", "?*").replace(".*", "*").split("|")
    return tuple(re.compile(translate(glob)) for glob in globs)


def _equal(selector: Mapping[str, Any], key: str) -> dict[str, str]:
    found = {}
    for part in filter(None, (text_of(selector.get(key)) or "").split(",")):
        name, equals, value = part.replace("==", "=").partition("=")
        if not equals or name.strip().endswith("!") or "(" in part:
            raise PatchError(f"target.{key} has more than `name=value`, which is not followed")
        found[name.strip()] = value.strip()
    return found


def own_target(value: Mapping[str, Any]) -> Target:
    """Of a patch that says itself what it is for."""
    group, _, version = (text_of(value.get("apiVersion")) or "").rpartition("/")
    meta = mapping(value.get("metadata"))
    told = {"group": group, "version": version, "kind": text_of(value.get("kind")) or ""}
    told |= {key: text_of(meta.get(key)) or "" for key in ("name", "namespace")}
    return Target({key: (re.compile(re.escape(text)),) for key, text in told.items() if text})


@dataclass(slots=True, eq=False)
class Patch:
    """`value` is a mapping to merge or a list of operations; `at` says where a place in it stands."""

    target: Target
    value: Any
    at: Callable[..., Place]
    used: bool = False

    def applied(self, manifest: Manifest, budget: Budget) -> Manifest | None:
        """None if it deletes the object. Raises PatchError and TooMuchError."""
        if isinstance(self.value, list):
            return _operated(manifest, self.value, self.at, budget)
        return None if self.value.get(DIRECTIVE) == DELETE else merged(manifest, self.value, self.at, budget)


def _operated(manifest: Manifest, operations: list[Any], at: Callable[..., Place], budget: Budget) -> Manifest:
    budget.spend(len(manifest.origins.whole))
    origins = manifest.origins.copy()
    log = Log(budget.spend, lambda number, keys: origins.note(keys, at(number)), partial(manifest.moved, origins))
    try:
        value = patched(manifest.value, operations, log)
    except JsonPatchError as error:
        raise PatchError(f"it does not fit an object here: {error}") from None
    return replace(manifest, value=value, origins=origins)


def merged(manifest: Manifest, value: Mapping[str, Any], at: Callable[..., Place], budget: Budget) -> Manifest:
    """With this part of an object laid over it. Raises TooMuchError."""
    budget.spend(len(manifest.origins.whole))
    origins = manifest.origins.copy()
    keyed = "." not in manifest.group or manifest.group.endswith(".k8s.io")
    merge = Merge(at, budget.spend, origins, partial(manifest.moved, origins), keyed)
    return replace(manifest, value=merge.of(manifest.value, value), origins=origins)
