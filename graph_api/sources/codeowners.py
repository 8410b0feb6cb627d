"""Repositories below the synced folders: which they are, who their CODEOWNERS files name, and what lies in them.

A repository's folder is a git work tree, or where no work tree is around it, what a CODEOWNERS file shows: the folder
above `.github/`, `.gitlab/` or `docs/`, even where only that one is synced, else the file's own.
"""

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from graph_api.catalog.codeowners import CodeOwners, Dialect
from graph_api.catalog.entity import EntityStatement
from graph_api.catalog.identifiers import named_repository, repository_url, repository_urls
from graph_api.catalog.ref import Ref, kind_of
from graph_api.catalog.snapshot import Problem, ProblemCode, Severity
from graph_api.sources.folders import CODEOWNERS, FileError, Listing, Root, decode, is_place, read_bytes
from graph_api.sources.git import GIT, remote_of
from graph_api.sources.naming import repository_ref
from graph_api.spool import Spool

_GITHUB_ORDER = (f".github/{CODEOWNERS}", CODEOWNERS, f"docs/{CODEOWNERS}", f".gitlab/{CODEOWNERS}")
_GITLAB_ORDER = (CODEOWNERS, f"docs/{CODEOWNERS}", f".gitlab/{CODEOWNERS}", f".github/{CODEOWNERS}")
_SECTION = re.compile(r"^\^?\[[^\]\n]+\](?:\[\d+\])?(?:[ \t]|$)", re.MULTILINE)


@dataclass(slots=True)
class Checkout:
    """A folder that holds a repository, `folder` as documents write it."""

    path: Path
    folder: PurePosixPath
    at_top: bool
    """Of what is synced, so that --repo means it."""
    work_tree: bool = False
    files: dict[str, tuple[Root, Path]] = field(default_factory=dict)
    """The CODEOWNERS files in it, by their path in the repository, each with the root that it may be read from."""


@dataclass(frozen=True, slots=True)
class _File:
    """The CODEOWNERS file that the host reads."""

    text: str
    dialect: Dialect
    path: str
    document: str


def find_checkouts(listed: Sequence[tuple[Root, Listing]]) -> list[Checkout]:
    """The repositories below the roots, and the one that all of them are parts of; outer ones first."""
    work_trees = _work_trees(listed)
    found = {path: _checkout(path, listed, work_tree=True) for path in work_trees}
    for root, listing in listed:
        for file in listing.code_owners:
            path = _folder_of(file, root)
            # Of a work tree the host reads only the files in the three places at its top.
            if path in found or work_trees.isdisjoint(path.parents):
                checkout = found.setdefault(path, _checkout(path, listed))
                checkout.files.setdefault(file.relative_to(path).as_posix(), (root, file))
    return sorted(found.values(), key=lambda checkout: (len(checkout.path.parts), checkout.folder))


def _work_trees(listed: Sequence[tuple[Root, Listing]]) -> set[Path]:
    """With the one whose parts the roots are."""
    around = {root.base for root, _ in listed if (root.base / GIT).exists()}
    return around.union(*(listing.work_trees for _, listing in listed))


def _checkout(path: Path, listed: Sequence[tuple[Root, Listing]], *, work_tree: bool = False) -> Checkout:
    base = listed[0][0].base
    at_top = path == base or any(path == root.path for root, _ in listed)
    return Checkout(path, PurePosixPath(listed[0][0].name(path)), at_top, work_tree)


def _folder_of(file: Path, root: Root) -> Path:
    above = file.parent.parent
    return above if is_place(file.parent) and above.is_relative_to(root.base) else file.parent


class Repositories:
    """Adds to a source's entities what the repositories around them say; `repo` is what --repo says."""

    def __init__(self, entities: Spool[Ref, EntityStatement], checkouts: Sequence[Checkout], repo: str | None) -> None:
        self.problems: list[Problem] = []
        self.unreadable: set[str] = set()
        self._entities = entities
        self._checkouts = checkouts
        self._repo = repo
        self.folders: dict[PurePosixPath, Ref] = {}
        """After attach(): folders of the source that hold a repository."""
        self._declared = _by_url(entities.values())
        self._named = _named_in({checkout.folder for checkout in checkouts}, entities.values())

    def attach(self) -> None:
        """State the repository of each checkout, and of each entity the repository and folder that it stands in, or
        else those that its annotations name."""
        taken: set[Ref] = set()
        for checkout in self._checkouts:
            ref = self._attach(checkout, taken)
            if ref:
                self.folders[checkout.folder] = ref
                taken.add(ref)
        for ref, statement in self._entities.items():
            within = placed(statement, self.folders)
            within = within if within.repository else _named_by_itself(statement, self._declared)
            if within is not statement:
                self._entities[ref] = within
        self._add_work_trees(taken)

    def _add_work_trees(self, taken: Container[Ref]) -> None:
        """Work trees whose repository no descriptor or CODEOWNERS file tells, for the files of other connectors."""
        for checkout in self._checkouts:
            if not checkout.work_tree or checkout.folder in self.folders:
                continue
            url = repository_url_of(self._repo) if self._repo and checkout.at_top else remote_of(checkout.path)
            ref = repository_ref(url) if url else None
            if ref and ref not in taken:
                self.folders[checkout.folder] = ref

    def _attach(self, checkout: Checkout, taken: set[Ref]) -> Ref | None:
        url = self._url(checkout)
        ref = self._declared.get(url or "")
        if not checkout.files:
            return None if ref in taken else ref
        place = _place(checkout.files, _host(url))
        root, path = checkout.files[place]
        document = root.name(path)
        ref = ref or (repository_ref(url) if url else None)
        if ref is None or url is None:
            message = "cannot tell which repository this is: give --repo, or annotate github.com/project-slug"
            self._report(ProblemCode.NO_REPOSITORY, message, document)
            return None
        if ref in taken:
            message = f"{ref} has a CODEOWNERS file already; this one is ignored"
            self._report(ProblemCode.DUPLICATE, message, document)
            return None
        file = self._read(checkout, place, document, url)
        if file:
            self._entities[ref] = _with_owners(self._entities.get(ref), ref, url, file)
        return ref

    def _url(self, checkout: Checkout) -> str | None:
        """By --repo, else the git remote, else the annotations of the descriptors in it."""
        if self._repo and (checkout.at_top or len(self._checkouts) == 1):
            return repository_url_of(self._repo)
        remote = remote_of(checkout.path) if checkout.work_tree else None
        return remote or self._annotated(checkout.folder)

    def _annotated(self, folder: PurePosixPath) -> str | None:
        """The one repository that descriptors in the folder name: all of them, or else those nearest to its top."""
        named = self._named.get(folder, {})
        everywhere = set[str]().union(*named.values())
        nearest = named[min(named)] if named else set()
        return next((next(iter(urls)) for urls in (everywhere, nearest) if len(urls) == 1), None)

    def _read(self, checkout: Checkout, place: str, document: str, url: str) -> _File | None:
        root, path = checkout.files[place]
        try:
            text = decode(read_bytes(root.resolve(path)))
        except FileError as error:
            self._report(error.code, f"the file {error.message}", document, Severity.REFUSED)
            self.unreadable.add(document)
            return None
        dialect = _dialect(place, _host(url), text)
        for problem in CodeOwners.parse(text, dialect).problems:
            self._report(ProblemCode.BAD_CODEOWNERS, problem.message, document, line=problem.line)
        return _File(text, dialect, place, document)

    def _report(
        self, code: ProblemCode, message: str, path: str, severity: Severity = Severity.WARNING, line: int | None = None
    ) -> None:
        self.problems.append(Problem(code=code, severity=severity, message=message, path=path, line=line))


def placed_by_annotations(
    statements: Sequence[EntityStatement], known: Mapping[str, Ref] = MappingProxyType({})
) -> list[EntityStatement]:
    """With the repositories that their annotations name, and the folders there: of what is in no files. `known`:
    repositories that are declared elsewhere, by their URLs.
    """
    declared = {**known, **_by_url(statements)}
    return [_named_by_itself(statement, declared) for statement in statements]


def urls_of_repositories(statements: Iterable[EntityStatement]) -> set[str]:
    """Of those that their annotations name."""
    named = (named_repository(statement.annotations) for statement in statements if statement.annotations)
    return {found[0] for found in named if found}


def _named_by_itself(statement: EntityStatement, declared: Mapping[str, Ref]) -> EntityStatement:
    named = named_repository(statement.annotations) if statement.annotations else None
    if named is None or kind_of(statement.ref) == "repository":
        return statement
    url, folder = named
    repository = declared.get(url) or repository_ref(url)
    return replace(statement, repository=repository, folder=folder) if repository else statement


def placed(statement: EntityStatement, folders: Mapping[PurePosixPath, Ref]) -> EntityStatement:
    """With the nearest of the repositories in these folders that its document stands in, and the folder there."""
    folder = _nearest(statement, folders) if folders else None
    if folder is None:
        return statement
    inside = PurePosixPath(statement.document).parent.relative_to(folder).as_posix()
    return replace(statement, repository=folders[folder], folder="" if inside == "." else inside)


def repository_url_of(repo: str) -> str | None:
    """`https://host/org/repo` of what --repo says: a URL in any spelling, or `org/repo` on GitHub."""
    return repository_url(repo) or repository_url(f"https://github.com/{repo.strip('/')}")


def _place(files: Container[str], host: str) -> str:
    """The CODEOWNERS file that the host reads; of an unknown host, what is there says whose it is."""
    order = _GITLAB_ORDER if "gitlab" in host else _GITHUB_ORDER
    return next(place for place in order if place in files)


def _dialect(place: str, host: str, text: str) -> Dialect:
    if place.startswith(".gitlab/") or "gitlab" in host:
        return Dialect.GITLAB
    if place.startswith(".github/") or "github" in host:
        return Dialect.GITHUB
    return Dialect.GITLAB if _SECTION.search(text) else Dialect.GITHUB


def _host(url: str | None) -> str:
    return (url or "").removeprefix("https://").partition("/")[0]


def _by_url(statements: Iterable[EntityStatement]) -> dict[str, Ref]:
    """The first declared repository of each identifier."""
    repositories = sorted((said for said in statements if kind_of(said.ref) == "repository"), key=attrgetter("ref"))
    return {name: said.ref for said in reversed(repositories) for name in said.identifiers}


def _named_in(
    folders: set[PurePosixPath], statements: Iterable[EntityStatement]
) -> dict[PurePosixPath, dict[int, set[str]]]:
    """The repositories that annotations name, by the checkout that they stand in and how deep."""
    named: dict[PurePosixPath, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for statement in statements if folders else ():
        urls = repository_urls(statement.annotations)
        folder = _nearest(statement, folders) if urls else None
        if folder is not None:
            named[folder][statement.document.count("/")].update(urls)
    return named


def _nearest(statement: EntityStatement, folders: Container[PurePosixPath]) -> PurePosixPath | None:
    return next((parent for parent in PurePosixPath(statement.document).parents if parent in folders), None)


def _with_owners(declared: EntityStatement | None, ref: Ref, url: str, file: _File) -> EntityStatement:
    statement = declared or EntityStatement(
        ref=ref, name=ref.rpartition("/")[2], kind="Repository", document=file.document, location=f"{file.document}:1"
    )
    return replace(
        statement,
        identifiers=tuple(sorted({*statement.identifiers, url})),
        code_owners=file.text,
        code_owners_dialect=file.dialect.value,
        code_owners_path=file.path,
        code_owners_document=file.document,
    )
