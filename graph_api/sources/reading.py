"""Folders of files in any format -> one snapshot for each connector that knows some of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

from graph_api.catalog.entity import EntityStatement, LinkOrigin
from graph_api.catalog.identifiers import definition_name, normalize_all
from graph_api.catalog.kinds import KINDS
from graph_api.catalog.ref import Ref, kind_of
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity, Snapshot
from graph_api.errors import CatalogError
from graph_api.sources import files
from graph_api.sources.charts import TEMPLATE, Templates
from graph_api.sources.codeowners import placed, repository_url_of
from graph_api.sources.connector import Connector
from graph_api.sources.descriptors import is_descriptor
from graph_api.sources.documents import Document, Unanswered
from graph_api.sources.findings import MAX_PROBLEMS, Findings
from graph_api.sources.folders import Root, SourceError
from graph_api.sources.git import CONFIG, GIT, read_config
from graph_api.sources.loading import Loaded, load
from graph_api.sources.naming import is_image, repository_ref
from graph_api.sources.registry import FORMATS
from graph_api.sources.repository_paths import as_synced, folder_of, paths_in_repositories
from graph_api.spool import Spool


@contextmanager
def _refusing_too_much() -> Iterator[None]:
    """A temporary folder that is full leaves the source as it was, and others alone."""
    try:
        yield
    except CatalogError as error:
        raise SourceError(error.message) from error


@_refusing_too_much()
def read_paths(
    paths: Sequence[Path],
    *,
    source: str | None = None,
    repo: str | None = None,
    groups: Sequence[str] = (),
    only: Collection[str] = (),
) -> list[Snapshot]:
    """Read files and folders with all connectors, or with those named: a snapshot each, some of them empty.

    Descriptors are the source `source`, or `files:NAME` by the folder; connector C is the source `C:NAME`. What no
    connector wants is told by the descriptors' snapshot. SourceError if a folder cannot be listed.
    """
    listed = files.Files.listed(paths)
    descriptors, folders = files.read_descriptors(listed, source=source, repo=repo, groups=groups)
    name = descriptors.source.removeprefix(f"{files.CONNECTOR}:")
    formats = [format_ for format_ in FORMATS if not only or format_.name in only]
    loaded = _load(listed, formats, groups)
    claimed, unknown = _claimed(loaded.documents, formats, groups)
    if repo and (ref := repository_ref(repository_url_of(repo) or "")):
        folders = {PurePosixPath(): ref, **folders}
    snapshots = [
        _without(loaded.unreadable, _read(format_, claimed[format_.name], name, folders)) for format_ in formats
    ]
    if not only or files.CONNECTOR in only:
        known = {
            document.path
            for documents in claimed.values()
            for document in documents
            if not is_descriptor(document.value, groups)
        }
        told = _with_others(descriptors, known, [*loaded.problems, *unknown])
        # What does not look like a descriptor is not parsed for descriptors; it may be one that is broken now.
        snapshots.insert(0, _without(loaded.unreadable, told))
    folder = None if source else files.folder_alone(paths)
    return [replace(snapshot, read_from=folder) for snapshot in snapshots]


@_refusing_too_much()
def read_answers(connector: Connector, answers: Sequence[Document | Unanswered], name: str) -> Snapshot:
    """What a tool's API has answered, as the source `CONNECTOR:NAME`."""
    claimed = [answer for answer in answers if isinstance(answer, Document) and connector.claims(answer)]
    documents = sorted(claimed, key=lambda document: (document.path, document.line))
    snapshot = _read(connector, documents, name.removeprefix(f"{files.CONNECTOR}:"), {})
    return _told_of_unanswered(snapshot, [answer for answer in answers if isinstance(answer, Unanswered)])


def _told_of_unanswered(snapshot: Snapshot, unanswered: Sequence[Unanswered]) -> Snapshot:
    """What they said before stays, marked stale."""
    problems = [
        Problem(code=ProblemCode.UNREADABLE, severity=Severity.REFUSED, message=answer.message, path=answer.path)
        for answer in unanswered
    ]
    told = replace(snapshot, problems=(*snapshot.problems, *problems)[:MAX_PROBLEMS])
    return _without({answer.path for answer in unanswered}, told)


def _load(listed: files.Files, formats: Sequence[Connector], groups: Sequence[str]) -> Loaded:
    """Without the descriptors that no other connector wants: they are read already, and may be many."""
    loaded = Loaded(lambda document: not is_descriptor(document.value, groups) or any(_also_reads(formats, document)))
    patterns = [pattern for format_ in formats for pattern in format_.files]
    for root, listing, _ in listed.roots:
        load(root, [*listing.documents, *listing.others], patterns, loaded)
        if CONFIG in patterns:
            loaded.documents += [_work_tree(root, path) for path in listing.work_trees]
    return loaded


def _work_tree(root: Root, path: Path) -> Document:
    """A work tree's configuration, wherever git keeps it. Nothing else in `.git` is a document."""
    git = path / GIT
    return Document(root.name(git / CONFIG if git.is_dir() else git), text=read_config(path))


def _claimed(
    documents: Sequence[Document], formats: Sequence[Connector], groups: Sequence[str]
) -> tuple[dict[str, list[Document]], list[Problem]]:
    """Documents by connector, and a word on each that is nobody's."""
    claimed: dict[str, list[Document]] = {format_.name: [] for format_ in formats}
    unknown = []
    templates = Templates(documents)
    for document in sorted(documents, key=lambda document: (document.path, document.line)):
        if is_descriptor(document.value, groups):
            for format_ in _also_reads(formats, document):
                claimed[format_.name].append(document)
            continue
        if document in templates:
            unknown.append(_word(document, ProblemCode.TEMPLATE, TEMPLATE))
            continue
        claimant = next((format_ for format_ in formats if format_.claims(document)), None)
        if claimant:
            claimed[claimant.name].append(document)
        else:
            message = "no connector knows this format; `graph-api connectors` lists what they read"
            unknown.append(_word(document, ProblemCode.UNKNOWN_FORMAT, message))
    return claimed, unknown


def _word(document: Document, code: ProblemCode, message: str) -> Problem:
    return Problem(code=code, severity=Severity.INFO, message=message, path=document.path, line=document.line)


def _also_reads(formats: Sequence[Connector], descriptor: Document) -> Iterator[Connector]:
    return (format_ for format_ in formats if format_.reads_descriptors and format_.claims(descriptor))


def _read(
    connector: Connector, documents: Sequence[Document], name: str, folders: Mapping[PurePosixPath, Ref]
) -> Snapshot:
    source = f"{connector.name}:{name}"
    paths = paths_in_repositories(documents, folders)
    offered = _renamed(documents, paths) if paths else documents
    findings = Findings(
        connector.name, connector.origin, {**folders, **{folder_of(ref): ref for ref in folders.values()}}
    )
    try:
        connector.read(offered, findings)
        findings.name_silent(offered)
    except CatalogError:
        raise
    except Exception as error:
        # A defect of ours; what the source said before stays, and the other connectors go on.
        connector.log_defect(error)
        findings = Findings(connector.name)
        for document in offered:
            findings.refuse(document, f"the connector {connector.name} failed here or nearby; the log says how")
    snapshot = as_synced(findings.snapshot(source), paths)
    if connector.origin is LinkOrigin.DECLARED and folders:
        snapshot = _in_repositories(snapshot, findings.mentioned, folders)
    return _with_definitions(snapshot, documents)


def _renamed(documents: Sequence[Document], paths: Mapping[str, str]) -> list[Document]:
    renamed = (replace(document, path=paths.get(document.path, document.path)) for document in documents)
    return sorted(renamed, key=lambda document: (document.path, document.line))


def _with_definitions(snapshot: Snapshot, documents: Sequence[Document]) -> Snapshot:
    """With the name of its definition on each API, so that it is the one of the descriptor that includes the file."""
    if not any(kind_of(ref) == "api" for ref in snapshot.entities):
        return snapshot
    texts = {document.path: document.text for document in documents}
    entities = (
        (ref, replace(said, identifiers=normalize_all((*said.identifiers, definition_name(texts[said.document])))))
        if kind_of(ref) == "api" and texts.get(said.document)
        else (ref, said)
        for ref, said in snapshot.entities.items()
    )
    return replace(snapshot, entities=Spool(entities))


def _without(unreadable: Collection[str], snapshot: Snapshot) -> Snapshot:
    """With the files that cannot be read now."""
    return replace(snapshot, unreadable=snapshot.unreadable.union(unreadable))


def _in_repositories(snapshot: Snapshot, mentioned: Collection[Ref], folders: Mapping[PurePosixPath, Ref]) -> Snapshot:
    """With the repositories that its entities are declared in."""
    entities = (
        (ref, said if ref in mentioned else _in_repository(said, folders)) for ref, said in snapshot.entities.items()
    )
    return replace(snapshot, entities=Spool(entities))


def _in_repository(said: EntityStatement, folders: Mapping[PurePosixPath, Ref]) -> EntityStatement:
    """A package, image or other repository that a file names is not made in the file's repository."""
    kind = KINDS.get(kind_of(said.ref))
    if kind is None or not kind.ownable or is_image(said.ref):
        return said
    within = placed(said, folders)
    return said if kind.key == "repository" and within.repository != said.ref else within


def _with_others(descriptors: Snapshot, known: Collection[str], others: Sequence[Problem]) -> Snapshot:
    """Without the remark that other connectors' documents are no descriptors, and with what nobody else told."""
    better = {*known, *(problem.path for problem in others if problem.code is not ProblemCode.UNKNOWN_FORMAT)}
    told = [
        problem
        for problem in descriptors.problems
        if problem.code is not ProblemCode.NOT_A_DESCRIPTOR or problem.path not in better
    ]
    paths = {problem.path for problem in told}
    told += [problem for problem in others if problem.path not in paths]
    return replace(descriptors, problems=tuple(told))
