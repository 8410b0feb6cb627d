"""Strategic merge patches of Kubernetes: a part of an object that is laid over the whole.

Values are never changed in place: what a patch does not touch is shared by all variants of an object.

https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graph_api.sources.documents import Place, dig
from graph_api.sources.kubernetes_objects import Origins, text_of
from graph_api.sources.parsing import Keys

DIRECTIVE, DELETE, REPLACE = "$patch", "delete", "replace"

_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
}
"""By which key items of lists are merged; other lists are replaced as a whole."""


@dataclass(frozen=True, slots=True)
class Merge:
    """`at` says where a place in the patch stands; `spend` hears how much is copied. With `keyed` items of lists are
    merged, as in Kubernetes' own objects."""

    at: Callable[..., Place]
    spend: Callable[[int], None]
    origins: Origins
    moved: Callable[[Keys, int, int, int], None]
    """Hears that items of the list at these keys move from an index on, by how much, and how many there were."""
    keyed: bool

    def of(self, old: Any, new: Any, keys: Keys = (), place: Keys = ()) -> Any:
        self.spend(1)
        if isinstance(new, dict) and isinstance(old, dict) and new.get(DIRECTIVE) != REPLACE:
            return self._fields(old, new, keys, place)
        key = _MERGE_KEYS.get(str(keys[-1])) if self.keyed and keys else None
        if key and isinstance(new, list) and isinstance(old, list) and {DIRECTIVE: REPLACE} not in new:
            return self._items(old, new, key, keys, place)
        self.origins.note(keys, self.at(*place))
        return self._bare(new)

    def _fields(self, old: dict[str, Any], new: Mapping[str, Any], keys: Keys, place: Keys) -> dict[str, Any]:
        self.spend(len(old))
        result = old.copy()
        for name, item in new.items():
            if _removes(item):
                result.pop(name, None)
            elif not name.startswith("$"):
                result[name] = self.of(old.get(name), item, (*keys, name), (*place, name))
        return result

    def _items(self, old: list[Any], new: list[Any], key: str, keys: Keys, place: Keys) -> list[Any]:
        self.spend(len(old))
        result = old.copy()
        places = {text_of(dig(item, key)): index for index, item in enumerate(old)}
        gone = set()
        for number, item in enumerate(new):
            name = text_of(dig(item, key))
            index = places.get(name, len(result)) if name else len(result)
            if dig(item, DIRECTIVE) == DELETE:
                if index < len(old):
                    gone.add(index)
            elif index < len(result):
                result[index] = self.of(result[index], item, (*keys, index), (*place, number))
            else:
                result.append(self.of(None, item, (*keys, index), (*place, number)))
        for index in sorted(gone, reverse=True):
            self.spend(len(result))
            self.moved(keys, index, -1, len(result))
            del result[index]
        return result

    def _bare(self, value: Any) -> Any:
        """Without directives, and what they remove."""
        if not isinstance(value, dict | list):
            return value
        self.spend(len(value))
        if isinstance(value, list):
            return [self._bare(item) for item in value if dig(item, DIRECTIVE) is None]
        kept = {key: item for key, item in value.items() if not key.startswith("$") and not _removes(item)}
        return {key: self._bare(item) for key, item in kept.items()}


def _removes(item: Any) -> bool:
    return item is None or dig(item, DIRECTIVE) == DELETE
