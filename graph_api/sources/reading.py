"""Folders of files in any format -> one snapshot for each connector that knows some of them."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from graph_api.catalog.entity import EntityStatement, LinkOrigin
from graph_api.catalog.identifiers import definition_name, normalize_all
from graph_api.catalog.kinds import KINDS
from graph_api.catalog.ref import Ref, kind_of
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity, Snapshot
from graph_api.sources import files
from graph_api.sources.codeowners import placed, repository_url_of
from graph_api.sources.connector import Connector
from graph_api.sources.descriptors import is_descriptor
from graph_api.sources.documents import Document
from graph_api.sources.findings import Findings
from graph_api.sources.folders import Root
from graph_api.sources.git import CONFIG, GIT, read_config
from graph_api.sources.loading import Loaded, load
from graph_api.sources.naming import is_image, repository_ref
from graph_api.sources.registry import FORMATS

logger = logging.getLogger(__name__)


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
    loaded = _load(listed, [pattern for format_ in formats for pattern in format_.files])
    claimed, unknown = _claimed(loaded.documents, formats, groups)
    if repo and not folders and (ref := repository_ref(repository_url_of(repo) or "")):
        folders = {PurePosixPath(): ref}
    snapshots = [
        _finished(format_, _read(format_, claimed[format_.name], name, folders), folders, loaded.unreadable)
        for format_ in formats
    ]
    if only and files.CONNECTOR not in only:
        return snapshots
    known = {
        document.path
        for documents in claimed.values()
        for document in documents
        if not is_descriptor(document.value, groups)
    }
    return [_with_others(descriptors, known, [*loaded.problems, *unknown]), *snapshots]


def read_answers(connector: Connector, documents: Sequence[Document], name: str) -> Snapshot:
    """What a tool's API has answered, as the source `CONNECTOR:NAME`."""
    answers = sorted(filter(connector.claims, documents), key=lambda document: (document.path, document.line))
    return _read(connector, answers, name.removeprefix(f"{files.CONNECTOR}:"), {})


def _load(listed: files.Files, patterns: Sequence[str]) -> Loaded:
    loaded = Loaded()
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
    for document in sorted(documents, key=lambda document: (document.path, document.line)):
        if is_descriptor(document.value, groups):
            for format_ in formats:
                if format_.reads_descriptors and format_.claims(document):
                    claimed[format_.name].append(document)
            continue
        claimant = next((format_ for format_ in formats if format_.claims(document)), None)
        if claimant:
            claimed[claimant.name].append(document)
        else:
            message = "no connector knows this format; `graph-api connectors` lists what they read"
            unknown.append(
                Problem(
                    code=ProblemCode.UNKNOWN_FORMAT,
                    severity=Severity.INFO,
                    message=message,
                    path=document.path,
                    line=document.line,
                )
            )
    return claimed, unknown


def _read(
    connector: Connector, documents: Sequence[Document], name: str, folders: Mapping[PurePosixPath, Ref]
) -> Snapshot:
    source = f"{connector.name}:{name}"
    findings = Findings(connector.origin, folders)
    try:
        connector.read(documents, findings)
        findings.name_silent(documents)
    except Exception:
        # A defect of ours; what the source said before stays, and the other connectors go on.
        logger.exception("The connector %s failed", connector.name)
        findings = Findings()
        for document in documents:
            findings.refuse(document, f"the connector {connector.name} failed here or nearby; the log says how")
    return _with_definitions(findings.snapshot(source, connector.name), documents)


def _with_definitions(snapshot: Snapshot, documents: Sequence[Document]) -> Snapshot:
    """With the name of its definition on each API, so that it is the one of the descriptor that includes the file."""
    texts = {document.path: document.text for document in documents}
    entities = {
        ref: replace(said, identifiers=normalize_all((*said.identifiers, definition_name(texts[said.document]))))
        if kind_of(ref) == "api" and texts.get(said.document)
        else said
        for ref, said in snapshot.entities.items()
    }
    return replace(snapshot, entities=entities)


def _finished(
    connector: Connector, snapshot: Snapshot, folders: Mapping[PurePosixPath, Ref], unreadable: Collection[str]
) -> Snapshot:
    """With the repositories that its entities are declared in, and with the files that cannot be read now."""
    entities = snapshot.entities
    if connector.origin is LinkOrigin.DECLARED:
        entities = {ref: placed(said, folders) if _is_ours(said) else said for ref, said in entities.items()}
    return replace(snapshot, entities=entities, unreadable=snapshot.unreadable.union(unreadable))


def _is_ours(said: EntityStatement) -> bool:
    """A package or image that a file names is not made in the file's repository."""
    kind = KINDS.get(kind_of(said.ref))
    return kind is not None and kind.ownable and not is_image(said.ref)


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
