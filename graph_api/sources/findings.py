"""What a connector finds, put together into one snapshot: what several documents say of one thing is one statement."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from math import inf
from pathlib import PurePosixPath
from typing import Any, TypeVar

from graph_api.catalog.entity import Criticality, EntityStatement, LinkKey, LinkOrigin, LinkStatement
from graph_api.catalog.identifiers import normalize_all, repository_url
from graph_api.catalog.kinds import kind_name
from graph_api.catalog.merge import DEFAULT_ROLE
from graph_api.catalog.ref import Ref, kind_of, split_ref
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity, Snapshot
from graph_api.sources.descriptor_links import add_link
from graph_api.sources.documents import Document, Place
from graph_api.sources.fields import MAX_LONG_TEXT, MAX_TEXT
from graph_api.sources.naming import name_of, without_user
from graph_api.spool import Spool

MAX_PROBLEMS = 1_000
"""Problems of one source that are listed."""

MAX_VALUES = 500
"""Tags, labels and so on of one entity that are put together from several statements: each costs them all again."""

T = TypeVar("T")

SILENT = "it adds nothing: the catalog has no use for what it says, or has it from other documents"

_FIRST = ("type", "title", "description", "lifecycle", "tier")


class Findings:
    """What the connector of that name found. `origin` is how it knows its links, where it does not say otherwise;
    `folders` hold repositories.
    """

    def __init__(
        self,
        connector: str,
        origin: LinkOrigin = LinkOrigin.DECLARED,
        folders: Mapping[PurePosixPath, Ref] | None = None,
    ) -> None:
        self.connector = connector
        self._origin = origin
        self._folders = folders or {}
        self._entities = Spool[Ref, EntityStatement]()
        self._links = Spool[LinkKey, LinkStatement]()
        self._problems: list[Problem] = []
        self._unreadable: set[str] = set()
        self._told: set[Place] = set()
        self._mentioned: set[Ref] = set()
        self._nameless: set[Ref] = set()
        """Stated by their refs alone."""
        self._mixed: set[Ref] = set()

    def entity(
        self,
        ref: Ref,
        at: Place,
        *,
        name: str | None = None,
        type: str | None = None,
        title: str | None = None,
        description: str | None = None,
        lifecycle: str | None = None,
        tier: int | None = None,
        tags: Iterable[str] = (),
        labels: Mapping[str, Any] | None = None,
        annotations: Mapping[str, Any] | None = None,
        links: Iterable[Mapping[str, str]] = (),
        spec: Mapping[str, Any] | None = None,
        identifiers: Iterable[str] = (),
    ) -> Ref:
        """State an entity. Said again, it fills what was lacking. `spec` holds what is worth showing, never secrets.

        Values of labels and annotations that are no texts become texts; empty ones are left out. `links` lose the
        users and passwords in their URLs.
        """
        new = EntityStatement(
            ref=ref,
            name=_short(name) or split_ref(ref).name,
            kind=kind_name(kind_of(ref)),
            document=at.document,
            location=at.location,
            type=_short(type),
            title=_short(title),
            description=_short(description, MAX_LONG_TEXT),
            lifecycle=_short(lifecycle),
            tier=tier,
            tags=tuple(dict.fromkeys(tag for tag in tags if tag and len(tag) <= MAX_TEXT)),
            labels=_texts(labels),
            annotations=_texts(annotations),
            links=tuple({**link, "url": without_user(link["url"])} for link in links),
            spec=spec or {},
            identifiers=normalize_all(_named(ref, identifiers)),
        )
        self._told.add(at)
        self._mentioned.discard(ref)
        old = self._entities.get(ref)
        if old and name and ref in self._nameless:
            old = replace(old, name=new.name)
        elif old and name and ref not in self._mixed and _have_one_slug(old.name, new.name):
            self._mixed.add(ref)
            message = f"{new.name} and {old.name} are one entity here: both names make one ref; rename one of them"
            self.problem(message, at, code=ProblemCode.DUPLICATE, ref=ref)
        if name:
            self._nameless.discard(ref)
        elif old is None:
            self._nameless.add(ref)
        self._entities[ref] = _filled(old, new) if old else new
        return ref

    def mention(self, ref: Ref, at: Place, **said: Any) -> Ref:
        """State an entity, as `entity` does, that the document only names: it is not made in the file's repository."""
        only_mentioned = ref not in self._entities or ref in self._mentioned
        self.entity(ref, at, **said)
        if only_mentioned:
            self._mentioned.add(ref)
        return ref

    @property
    def mentioned(self) -> frozenset[Ref]:
        """What no document declares."""
        return frozenset(self._mentioned)

    def link(
        self,
        source: Ref,
        relation: str,
        target: Ref,
        at: Place,
        *,
        environment: str | None = None,
        criticality: Criticality | None = None,
        confidence: float | None = None,
        properties: Mapping[str, Any] | None = None,
        origin: LinkOrigin | None = None,
        observed_at: str | None = None,
    ) -> None:
        """State a link, stored from the dependent to what it needs. Either end need not be stated."""
        self._told.add(at)
        add_link(
            self._links,
            LinkStatement(
                key=LinkKey(source, relation, target, environment),
                document=at.document,
                location=at.location,
                criticality=criticality,
                confidence=confidence,
                properties=properties or {},
                origin=origin or self._origin,
                observed_at=observed_at,
            ),
        )

    def code_owners(self, repository: Ref, at: Place, text: str, dialect: str, path: str) -> None:
        """State the CODEOWNERS file of a repository, which stands at `path` in it."""
        self._told.add(at)
        said = self._entities[self.entity(repository, at)]
        self._entities[repository] = replace(
            said,
            code_owners=text,
            code_owners_dialect=dialect,
            code_owners_path=path,
            code_owners_document=at.document,
        )

    def owner(self, ref: Ref, owner: Ref, at: Place, *, role: str = DEFAULT_ROLE, primary: bool = False) -> None:
        self.link(ref, "OWNED_BY", owner, at, properties={"role": role, "primary": primary})

    def problem(
        self,
        message: str,
        at: Place,
        *,
        code: ProblemCode = ProblemCode.BAD_FORMAT,
        severity: Severity = Severity.WARNING,
        ref: Ref | None = None,
    ) -> None:
        """Say what is wrong and how to mend it. The message must not quote values that may be secret."""
        self._told.add(at)
        if len(self._problems) < MAX_PROBLEMS:
            line = at.location.removeprefix(f"{at.document}:")
            self._problems.append(
                Problem(
                    code=code,
                    severity=severity,
                    message=message[:MAX_TEXT],
                    path=at.document,
                    line=int(line) if line.isdecimal() else None,
                    ref=ref,
                )
            )

    def refuse(self, document: Document, message: str, code: ProblemCode = ProblemCode.BAD_FORMAT) -> None:
        """Nothing of the document goes in now; what it said before stays, marked stale."""
        self.problem(message, document.at(), code=code, severity=Severity.REFUSED)
        self._unreadable.add(document.path)

    def repository_of(self, document: Document) -> tuple[Ref, PurePosixPath] | None:
        """The repository that the document's file stands in, and the file's folder there; None if nothing tells."""
        for folder in (document.folder, *document.folder.parents):
            if folder in self._folders:
                return self._folders[folder], document.folder.relative_to(folder)
        return None

    def knows(self, ref: Ref) -> bool:
        return ref in self._entities

    def name_silent(self, documents: Sequence[Document]) -> None:
        """Say of each of these documents of files, by path and line, that nothing came of it, where that is so."""
        told = _lines_by_document(self._told)
        for path, group in groupby(documents, key=lambda document: document.path):
            for document, end in _extents([*group]):
                lines = told.get(path, [])
                place = bisect_left(lines, document.line)
                if not document.is_url and not (place < len(lines) and lines[place] < end):
                    self.problem(SILENT, document.at(), code=ProblemCode.NOTHING_STATED, severity=Severity.INFO)

    def snapshot(self, source: str) -> Snapshot:
        return Snapshot(
            source=source,
            connector=self.connector,
            entities=self._entities.ordered(),
            links=self._links,
            problems=tuple(self._problems),
            unreadable=frozenset(self._unreadable),
        )


def _lines_by_document(places: Iterable[Place]) -> dict[str, list[int]]:
    """Sorted."""
    lines = defaultdict(list)
    for place in places:
        line = place.location.removeprefix(f"{place.document}:")
        lines[place.document].append(int(line) if line.isdecimal() else 1)
    return {document: sorted(found) for document, found in lines.items()}


def _extents(documents: Sequence[Document]) -> Iterator[tuple[Document, float]]:
    """The documents of one file, each with the line before which it ends. Lines of JSON are one document."""
    if documents[0].yaml is None:
        yield documents[0], inf
        return
    ends = [*(document.line for document in documents[1:]), inf]
    yield from zip(documents, ends, strict=True)


def _filled(old: EntityStatement, new: EntityStatement) -> EntityStatement:
    lacking = {name: getattr(new, name) for name in _FIRST if getattr(old, name) is None}
    return replace(
        old,
        tags=tuple(dict.fromkeys((*old.tags, *new.tags)))[:MAX_VALUES],
        labels=_united(old.labels, new.labels),
        annotations=_united(old.annotations, new.annotations),
        links=old.links or new.links,
        spec=_united(old.spec, new.spec),
        identifiers=tuple(sorted({*old.identifiers, *new.identifiers}))[:MAX_VALUES],
        **lacking,
    )


def _have_one_slug(one: str, other: str) -> bool:
    """Whether they differ, in more than capitals, and only by what refs leave out."""
    return one.casefold() != other.casefold() and name_of(one) == name_of(other)


def _named(ref: Ref, identifiers: Iterable[str]) -> Iterable[str]:
    """A repository by its URL alone: whoever wrote it down may have put a token into the query."""
    return (repository_url(text) or text for text in identifiers) if kind_of(ref) == "repository" else identifiers


def _united(old: Mapping[str, T], new: Mapping[str, T]) -> Mapping[str, T]:
    """The old ones' values win."""
    return {**new, **old} if new and len(old) < MAX_VALUES else old


def _short(text: str | None, limit: int = MAX_TEXT) -> str | None:
    return text[:limit] if text else None


def _texts(values: Mapping[str, Any] | None) -> dict[str, str]:
    """What is text, or a number or flag as JSON writes it."""
    found: dict[str, str] = {}
    for key, value in (values or {}).items():
        if isinstance(value, bool):
            found[key] = "true" if value else "false"
        elif isinstance(value, str | int | float) and str(value):
            found[key] = str(value)[:MAX_TEXT]
    return found
