"""Folders and files below a root: what there is, and what a text holds. Nothing outside the root is ever read."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from graph_api.catalog.snapshot import ProblemCode

MAX_FILE = 5_000_000
"""Bytes of a file that is read."""
MAX_FILES = 200_000
"""Files of one source."""

_READ_HIDDEN = (".github", ".gitlab")
_SKIPPED = ("node_modules", "__pycache__")
_PACKAGES = {"vendor": ("modules.txt", "autoload.php"), "venv": ("pyvenv.cfg",), "env": ("pyvenv.cfg",)}
"""Folders in which Go, Composer and Python keep the packages of others, and a file by which each is told."""
_SUFFIXES = (".yaml", ".yml")
CODEOWNERS = "CODEOWNERS"
_PLACES = (*_READ_HIDDEN, "docs")
"""Folders at the top of a repository in which its host looks for CODEOWNERS too."""


class SourceError(Exception):
    """A source that cannot be listed. Nothing of what it said before may be withdrawn."""


class FileError(Exception):
    """A file that cannot be used: UNREADABLE, TOO_LARGE or OUTSIDE_ROOT."""

    def __init__(self, code: ProblemCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(slots=True)
class Listing:
    """What lies below a root: paths of files, and of folders that are git work trees; sorted."""

    documents: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    """Every other file, for connectors that read more than YAML."""
    code_owners: list[Path] = field(default_factory=list)
    work_trees: list[Path] = field(default_factory=list)
    outside: list[Path] = field(default_factory=list)
    """Symbolic links to folders outside the root."""

    @property
    def files(self) -> int:
        return len(self.documents) + len(self.code_owners)


@dataclass(frozen=True, slots=True)
class Root:
    """A folder that is synced. `path` is absolute and without symbolic links; `base` is what paths are written from."""

    path: Path
    base: Path

    def list_all(self) -> Listing:
        """Everything below; SourceError if any folder cannot be listed."""
        listing = Listing()
        pending = [self.path]
        while pending:
            folder = pending.pop()
            for entry in _entries(folder):
                if _is_folder(entry):
                    self._note_folder(entry, listing, pending)
                else:
                    _note_file(Path(entry.path), listing)
            if listing.files > MAX_FILES:
                raise SourceError(
                    f"{self.path} holds more than {MAX_FILES:,} files; sync parts of it as several sources"
                )
        for paths in (listing.documents, listing.others, listing.code_owners, listing.work_trees, listing.outside):
            paths.sort(key=self.name)
        return listing

    def list_around(self, file: Path) -> Listing:
        """One file, and what tells the repository that its folder may be."""
        listing = Listing(documents=[file])
        if (self.path / ".git").exists():
            listing.work_trees.append(self.path)
        places = (self.path, *(self.path / name for name in _PLACES))
        listing.code_owners.extend(place / CODEOWNERS for place in places if (place / CODEOWNERS).is_file())
        return listing

    def name(self, path: Path) -> str:
        """A path as documents and problems write it: from the base, with `/`."""
        text = path.relative_to(self.base).as_posix() if path.is_relative_to(self.base) else path.as_posix()
        # A file name need not be valid UTF-8, but a text in the catalog must be.
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

    def resolve(self, path: Path) -> Path:
        """The file behind symbolic links, which need not exist; FileError if it lies outside the root."""
        try:
            real = path.resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise FileError(ProblemCode.UNREADABLE, f"cannot be read: {reason_of(error)}") from error
        if not real.is_relative_to(self.path):
            raise FileError(ProblemCode.OUTSIDE_ROOT, "lies outside the folder that is synced")
        return real

    def _note_folder(self, entry: "os.DirEntry[str]", listing: Listing, pending: list[Path]) -> None:
        path = Path(entry.path)
        if entry.name == ".git":
            listing.work_trees.append(path.parent)
        elif _is_passed_over(entry):
            return
        elif not entry.is_symlink():
            pending.append(path)
        elif not path.resolve().is_relative_to(self.path):
            listing.outside.append(path)


def is_place(folder: Path) -> bool:
    """Whether CODEOWNERS in it is that of the folder above."""
    return folder.name in _PLACES and not (folder / ".git").exists()


def _entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        raise SourceError(f"cannot list {folder}: {reason_of(error)}") from error


def _is_passed_over(entry: "os.DirEntry[str]") -> bool:
    if entry.name in _SKIPPED or (entry.name.startswith(".") and entry.name not in _READ_HIDDEN):
        return True
    return not entry.is_symlink() and _holds_packages(Path(entry.path))


def _holds_packages(folder: Path) -> bool:
    """False of one that may not be entered: that is told where it is listed."""
    with suppress(OSError):
        return any((folder / marker).is_file() for marker in _PACKAGES.get(folder.name, ()))
    return False


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a loop of links


def _note_file(path: Path, listing: Listing) -> None:
    if path.suffix.lower() in _SUFFIXES:
        listing.documents.append(path)
    elif path.name == CODEOWNERS:
        listing.code_owners.append(path)
    elif path.name == ".git":  # a submodule or linked work tree
        listing.work_trees.append(path.parent)
    else:
        listing.others.append(path)


def check_regular(path: Path) -> None:
    """FileError unless it is a regular file: to open anything else could wait for ever."""
    try:
        if stat.S_ISREG(path.stat().st_mode):
            return
    except (OSError, ValueError) as error:
        raise FileError(ProblemCode.UNREADABLE, f"cannot be read: {reason_of(error)}") from error
    raise FileError(ProblemCode.UNREADABLE, "is no regular file")


def read_bytes(path: Path, most: int = MAX_FILE) -> bytes:
    """The first `most` bytes and one more of a regular file; FileError if it cannot be read."""
    check_regular(path)
    try:
        with path.open("rb") as handle:
            return handle.read(most + 1)
    except OSError as error:
        raise FileError(ProblemCode.UNREADABLE, f"cannot be read: {reason_of(error)}") from error


def decode(data: bytes, most: int = MAX_FILE) -> str:
    """The text of a whole file in UTF-8; FileError if it has more bytes or is something else."""
    if len(data) > most:
        raise FileError(ProblemCode.TOO_LARGE, f"has more than {most:,} bytes")
    if b"\0" in data:
        raise FileError(ProblemCode.UNREADABLE, "holds NUL bytes, as UTF-16 does; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(ProblemCode.UNREADABLE, f"is not UTF-8: byte {error.start} is wrong") from error


def reason_of(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
