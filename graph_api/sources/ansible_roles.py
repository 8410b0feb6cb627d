"""Ansible's playbooks, roles and requirements."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Document, Place, dig, listed, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import namespace_of, ref_of, repository_ref

_GALAXY = "ansible-galaxy"
_PARTS = frozenset({"meta", "tasks", "handlers", "defaults", "vars"})
_IMPORTS = ("import_playbook", "ansible.builtin.import_playbook")
_ROLES = tuple(
    prefix + name for prefix in ("", "ansible.builtin.", "ansible.legacy.") for name in ("import_role", "include_role")
)
_TASKS = ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always")


def is_playbook(value: Any) -> bool:
    """A list of plays, each with the hosts that it chooses, or of other playbooks."""
    plays = listed(value)
    return bool(plays) and all(
        isinstance(play, dict) and (isinstance(play.get("hosts"), str | list) or any(key in play for key in _IMPORTS))
        for play in plays
    )


def is_requirements(document: Document) -> bool:
    if document.name not in ("requirements.yml", "requirements.yaml"):
        return False
    return isinstance(document.value, list) or bool({"roles", "collections"} & mapping(document.value).keys())


def role_folder(document: Document) -> PurePosixPath | None:
    """`roles/NAME` of a document in a part of a role whose content is Ansible's own."""
    place = document.folder
    for folder in (place, *place.parents):
        if folder.parent.name == "roles":
            part = place.relative_to(folder).parts[:1]
            return folder if part and part[0] in _PARTS else None
    return None


class Roles:
    """The roles of all projects. One whose code is at hand belongs to the folder that holds `roles/`."""

    def __init__(self, documents: Sequence[Document], findings: Findings) -> None:
        self._findings = findings
        self._known = {folder for document in documents if (folder := role_folder(document))}
        for document in documents:
            if folder := role_folder(document):
                self._read_part(document, folder)
            elif is_requirements(document):
                self._read_requirements(document)

    def state_playbook(self, document: Document) -> Ref:
        """The playbook, and what it imports."""
        ref = _playbook(document.path)
        self._findings.entity(ref, document.at(), name=document.path, type="playbook")
        for number, play in mappings(document.value):
            for key in _IMPORTS:
                if isinstance(play.get(key), str):
                    target = _playbook(posixpath.normpath(posixpath.join(document.folder.as_posix(), play[key])))
                    self._findings.link(ref, "DEPENDS_ON", target, document.at(number, key))
        return ref

    def of_play(self, document: Document, number: int, play: Mapping[str, Any]) -> Iterator[tuple[Ref, Place]]:
        """The roles that a play lists, and those that its tasks name."""
        for place, role in enumerate(listed(play.get("roles"))):
            if name := _name(role):
                at = document.at(number, "roles", place)
                yield self._state(name, document.folder, at), at
        for name in _named_by_tasks(play):
            yield self._state(name, document.folder, document.at(number)), document.at(number)

    def _read_part(self, document: Document, folder: PurePosixPath) -> None:
        at = document.at()
        role = self._ref(folder.name, folder.parent.parent)
        meta = document.get("galaxy_info", "description")
        description = meta if isinstance(meta, str) else None
        self._findings.entity(role, at, name=folder.name, type="role", description=description)
        for place, item in enumerate(listed(document.get("dependencies"))):
            if name := _name(item):
                there = document.at("dependencies", place)
                self._depend(role, self._state(name, folder.parent.parent, there), there)
        if isinstance(document.value, list):
            for name in _named_by_tasks({"tasks": document.value}):
                self._depend(role, self._state(name, folder.parent.parent, at), at)

    def _depend(self, role: Ref, other: Ref, at: Place) -> None:
        if role != other:
            self._findings.link(role, "DEPENDS_ON", other, at)

    def _read_requirements(self, document: Document) -> None:
        whole = isinstance(document.value, list)
        for place, item in enumerate(listed(document.value if whole else document.get("roles"))):
            if name := _name(item):
                at = document.at(place) if whole else document.at("roles", place)
                role = self._state(name, document.folder, at)
                self._findings.mention(role, at, name=name, type="role", spec=_version(item))
                repository = repository_ref(_text(dig(item, "src")).partition(",")[0])
                if repository:
                    self._findings.link(role, "BUILT_FROM", repository, at)
        for place, item in enumerate(listed(document.get("collections"))):
            if name := _name(item):
                self._collection(name, document.at("collections", place), _version(item))

    def _state(self, name: str, folder: PurePosixPath, at: Place) -> Ref:
        role = self._ref(name, folder)
        self._findings.entity(role, at, name=name, type="role")
        if name.count(".") == 2 and role.startswith(f"component:{_GALAXY}/"):
            self._findings.link(role, "DEPENDS_ON", self._collection(name.rpartition(".")[0], at), at)
        return role

    def _ref(self, name: str, folder: PurePosixPath) -> Ref:
        for project in (folder, folder.parent):
            if project / "roles" / name in self._known:
                return ref_of("component", namespace_of("ansible-role", *project.parts), name)
        if "." in name:
            return ref_of("component", _GALAXY, name)
        return ref_of("component", namespace_of("ansible-role", *folder.parts), name)

    def _collection(self, name: str, at: Place, spec: Mapping[str, Any] | None = None) -> Ref:
        ref = ref_of("component", f"{_GALAXY}-collection", name)
        return self._findings.mention(ref, at, name=name, type="collection", spec=spec)


def _playbook(path: str) -> Ref:
    place = PurePosixPath(path)
    return ref_of("component", namespace_of("ansible-playbook", *place.parent.parts), place.stem)


def _name(item: Any) -> str:
    """Of a role or requirement: `name`, or `role: name`, or `{name: ..., src: ...}`; templates have none."""
    name = item if isinstance(item, str) else _text(dig(item, "role") or dig(item, "name") or dig(item, "src"))
    if "://" in name or name.startswith("git@"):
        name = PurePosixPath(name.partition(",")[0]).name.removesuffix(".git")
    return "" if "{{" in name else PurePosixPath(name.partition(",")[0]).name


def _version(item: Any) -> dict[str, Any]:
    version = dig(item, "version")
    return {"version": str(version)} if isinstance(version, str | int | float) else {}


def _named_by_tasks(play: Mapping[str, Any]) -> list[str]:
    found, pending = dict[str, None](), [play]
    while pending:
        task = pending.pop()
        for key in _ROLES:
            if name := _name(dig(task, key)):
                found.setdefault(name)
        pending += [inner for key in _TASKS for _, inner in reversed(mappings(task.get(key)))]
    return list(found)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
