"""What a git work tree says of itself, read without running git."""

import re
from pathlib import Path

from graph_api.catalog.identifiers import normalize_identifier
from graph_api.sources.folders import FileError, decode, read_bytes

GIT, CONFIG = ".git", "config"

_REMOTE = re.compile(r'\[remote "(?P<name>[^"\n]*)"\](?P<body>[^\[]*)')
_URL = re.compile(r"^[ \t]*url[ \t]*=[ \t]*(?P<url>\S+)", re.MULTILINE)


def work_tree_of(folder: Path) -> Path | None:
    """The nearest folder, from this one upwards, that is a git work tree."""
    return next((parent for parent in (folder, *folder.parents) if (parent / GIT).exists()), None)


def remote_of(work_tree: Path) -> str | None:
    """`https://host/org/repo` of the remote `origin`, or of the first one; None without a remote on a host."""
    found = remote_in(read_config(work_tree))
    return found[0] if found else None


def remote_in(config: str) -> tuple[str, int] | None:
    """As remote_of(), of the text of a configuration, and the line where it stands."""
    remotes = {
        match["name"]: (found["url"], match.start("body") + found.start("url"))
        for match in _REMOTE.finditer(config)
        if (found := _URL.search(match["body"]))
    }
    url, place = remotes.get("origin") or next(iter(remotes.values()), ("", 0))
    remote = normalize_identifier(url)
    return (remote, config.count("\n", 0, place) + 1) if remote.startswith("https://") else None


def read_config(work_tree: Path) -> str:
    """The text of a work tree's configuration; empty if it cannot be read."""
    return _read(_git_folder(work_tree) / CONFIG)


def _git_folder(work_tree: Path) -> Path:
    """`.git`, or the folder that a `.git` file of a submodule or linked work tree names."""
    git = work_tree / GIT
    if git.is_dir():
        return git
    folder = work_tree / _read(git).removeprefix("gitdir:").strip()
    return folder / (_read(folder / "commondir").strip() or ".")


def _read(path: Path) -> str:
    try:
        return decode(read_bytes(path))
    except FileError:
        return ""
