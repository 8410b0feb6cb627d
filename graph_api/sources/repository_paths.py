"""Paths by which connectors know files: those in their repositories, wherever these lie in what is synced.

Many connectors name things by the place of a file, such as `deploy/main.tf`. So that two repositories' files are not
one thing, and a repository's are the same from whatever folder it is synced, connectors get
`ORG/NAME/deploy/main.tf` where the repository is known. What they state has its evidence by the synced path again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TypeVar

from graph_api.catalog.entity import EntityStatement, LinkStatement
from graph_api.catalog.ref import Ref, split_ref
from graph_api.catalog.snapshot import Snapshot
from graph_api.sources.documents import Document
from graph_api.spool import Spool

Statement = TypeVar("Statement", EntityStatement, LinkStatement)


def folder_of(repository: Ref) -> PurePosixPath:
    return PurePosixPath(*split_ref(repository)[1:])


def paths_in_repositories(documents: Sequence[Document], folders: Mapping[PurePosixPath, Ref]) -> dict[str, str]:
    """By its synced path, the path of each document that lies in a repository; none that another document has."""
    synced = {document.path for document in documents if not document.is_url} if folders else set[str]()
    found: dict[str, str] = {}
    taken = set(synced)
    for path in sorted(synced):
        inside = _in_repository(PurePosixPath(path), folders)
        if inside and inside not in taken:
            found[path] = inside
            taken.add(inside)
    return found


def _in_repository(path: PurePosixPath, folders: Mapping[PurePosixPath, Ref]) -> str | None:
    folder = next((parent for parent in path.parents if parent in folders), None)
    return None if folder is None else (folder_of(folders[folder]) / path.relative_to(folder)).as_posix()


def as_synced(snapshot: Snapshot, paths: Mapping[str, str]) -> Snapshot:
    """With the synced paths in all evidence, problems and names of documents."""
    if not paths:
        return snapshot
    synced = {inside: path for path, inside in paths.items()}
    return replace(
        snapshot,
        entities=Spool((ref, _placed(said, synced)) for ref, said in snapshot.entities.items()),
        links=Spool((key, _placed(said, synced)) for key, said in snapshot.links.items()),
        problems=tuple(replace(row, path=synced.get(row.path, row.path)) for row in snapshot.problems),
        unreadable=frozenset(synced.get(path, path) for path in snapshot.unreadable),
    )


def _placed(said: Statement, synced: Mapping[str, str]) -> Statement:
    path = synced.get(said.document)
    return replace(said, document=path, location=path + said.location.removeprefix(said.document)) if path else said
