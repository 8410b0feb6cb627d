"""What a git work tree says of itself, read without running git."""

import re
from pathlib import Path

from graph_api.catalog.identifiers import normalize_identifier
from graph_api.sources.folders import FileError, decode, read_bytes

_REMOTE = re.compile(r'\[remote "(?P<name>[^"\n]*)"\](?P<body>[^\[]*)')
_URL = re.compile(r"^\s*url\s*=\s*(?P<url>\S+)", re.MULTILINE)


def work_tree_of(folder: Path) -> Path | None:
    """The nearest folder, from this one upwards, that is a git work tree."""
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)


def remote_of(work_tree: Path) -> str | None:
    """`https://host/org/repo` of the remote `origin`, or of the first one; None without a remote on a host."""
    config = _read(_git_folder(work_tree) / "config")
    urls = {match["name"]: url["url"] for match in _REMOTE.finditer(config) if (url := _URL.search(match["body"]))}
    remote = normalize_identifier(urls.get("origin") or next(iter(urls.values()), ""))
    return remote if remote.startswith("https://") else None


def _git_folder(work_tree: Path) -> Path:
    """`.git`, or the folder that a `.git` file of a submodule or linked work tree names."""
    git = work_tree / ".git"
    if git.is_dir():
        return git
    folder = work_tree / _read(git).removeprefix("gitdir:").strip()
    return folder / (_read(folder / "commondir").strip() or ".")


def _read(path: Path) -> str:
    try:
        return decode(read_bytes(path))
    except FileError:
        return ""
