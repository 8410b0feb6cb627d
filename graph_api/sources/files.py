"""The connector `files`: descriptors and CODEOWNERS files on disk -> Snapshot."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from graph_api.catalog.entity import EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity, Snapshot
from graph_api.sources.codeowners import Repositories, find_checkouts, repository_url_of
from graph_api.sources.descriptor_links import add_link
from graph_api.sources.file_reader import FileReader, Found
from graph_api.sources.folders import CODEOWNERS, Listing, Root, SourceError, is_place, reason_of
from graph_api.sources.git import remote_of, work_tree_of
from graph_api.spool import Spool

CONNECTOR = "files"


def read_files(
    paths: Sequence[Path], *, source: str | None = None, repo: str | None = None, groups: Sequence[str] = ()
) -> Snapshot:
    """All that the files and folders say. Paths in the snapshot are relative to the folder that holds all of them.

    `repo` names the repository (`org/repo` or a URL) at the top of a folder; `groups` are further API groups whose
    documents are descriptors. SourceError if a path or folder cannot be listed: then nothing may be withdrawn.
    """
    return read_descriptors(Files.listed(paths), source=source, repo=repo, groups=groups)[0]


def read_descriptors(
    listed: "Files", *, source: str | None = None, repo: str | None = None, groups: Sequence[str] = ()
) -> tuple[Snapshot, dict[PurePosixPath, Ref]]:
    """As read_files(), and the folders of the source that hold a repository."""
    if repo and repository_url_of(repo) is None:
        raise SourceError(f"{repo!r} is no repository: write org/repo or its URL")
    found = Found(groups=[group.lower() for group in groups])
    for root, listing, whole in listed.roots:
        _read_root(root, listing, found, whole=whole)
    entities, links, problems = _merge(found)
    checkouts = find_checkouts([(root, listing) for root, listing, _ in listed.roots])
    repositories = Repositories(entities, checkouts, repo)
    repositories.attach()
    snapshot = Snapshot(
        source=source or source_name(listed.paths),
        connector=CONNECTOR,
        entities=entities.ordered(),
        links=links,
        problems=tuple(sorted([*found.problems, *problems, *repositories.problems], key=_place_of)),
        unreadable=frozenset(found.unreadable | repositories.unreadable),
    )
    return snapshot, repositories.folders


@dataclass(frozen=True, slots=True)
class Files:
    """What lies at some paths: for each a root, its listing, and whether it is a whole folder."""

    paths: Sequence[Path]
    roots: Sequence[tuple[Root, Listing, bool]]

    @classmethod
    def listed(cls, paths: Sequence[Path]) -> "Files":
        """SourceError if a path or folder cannot be listed."""
        real = [_resolve(path) for path in paths]
        base = _base([_in_repository(_folder(path)) for path in real])
        return cls(paths, [_list(path, base) for path in real])


def _in_repository(folder: Path) -> Path:
    """The folder, or that of the repository whose CODEOWNERS file it keeps: owners are of paths from there."""
    return folder.parent if is_place(folder) and (folder / CODEOWNERS).is_file() else folder


def _list(path: Path, base: Path) -> tuple[Root, Listing, bool]:
    root = Root(_folder(path), base)
    return root, root.list_all() if path.is_dir() else root.list_around(path), path.is_dir()


def source_name(paths: Sequence[Path]) -> str:
    """The name of a source without one: `files:` and the git remote with the folder in it, else the folder's name."""
    base, remote = _base_and_remote(paths)
    return f"{CONNECTOR}:{remote or base.name or 'root'}"


def folder_alone(paths: Sequence[Path]) -> str | None:
    """The folder that a source without a name has its name of, where no git remote tells it from others."""
    base, remote = _base_and_remote(paths)
    return None if remote else str(base)


def _base_and_remote(paths: Sequence[Path]) -> tuple[Path, str | None]:
    """The folder of all paths, and its git remote with the folder in it."""
    base = _base([_resolve(path) for path in paths])
    work_tree = work_tree_of(base)
    remote = remote_of(work_tree) if work_tree else None
    if work_tree is None or remote is None:
        return base, None
    inside = base.relative_to(work_tree).as_posix()
    return base, remote.removeprefix("https://") + ("" if inside == "." else f"/{inside}")


def _resolve(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceError(f"cannot read {path.absolute()}: {reason_of(error)}") from error


def _base(paths: Sequence[Path]) -> Path:
    if not paths:
        raise SourceError("there is no path to read")
    return Path(os.path.commonpath([_folder(path) for path in paths]))


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _read_root(root: Root, listing: Listing, found: Found, *, whole: bool) -> None:
    for link in listing.outside:
        message = "a symbolic link to a folder outside the one that is synced; it is not followed"
        found.report(ProblemCode.OUTSIDE_ROOT, message, root.name(link), severity=Severity.INFO)
    reader = FileReader(root, found, listing.documents, lambda: (listing if whole else root.list_all()).documents)
    for file in listing.documents:
        reader.read(file)


def _merge(found: Found) -> tuple[Spool[Ref, EntityStatement], Spool[LinkKey, LinkStatement], list[Problem]]:
    """Statements unique by ref and by link; of two documents with one ref the first by path and line wins."""
    entities = Spool[Ref, EntityStatement]()
    links = Spool[LinkKey, LinkStatement]()
    problems: list[Problem] = []
    for (path, line, _), reading in found.readings.in_order():
        entity = reading.entity
        first = entities.get(entity.ref) if entity else None
        if entity and first:
            problems.append(_duplicate(entity, first, path, line))
            continue
        problems += reading.problems
        if entity:
            entities[entity.ref] = entity
        for link in reading.links:
            add_link(links, link)
    return entities, links, problems


def _duplicate(entity: EntityStatement, first: EntityStatement, path: str, line: int) -> Problem:
    return Problem(
        code=ProblemCode.DUPLICATE,
        severity=Severity.REFUSED,
        message=f"{entity.ref} stands in {first.location} already; this one is ignored",
        path=path,
        line=line,
        ref=entity.ref,
    )


def _place_of(problem: Problem) -> tuple[str, int, str, str]:
    return problem.path, problem.line or 0, problem.code, problem.message
