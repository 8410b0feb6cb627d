"""Patterns of CODEOWNERS as regular expressions; codeowners.py says in what the hosts' patterns differ."""

import re

MAX_PATTERN = 4096
"""Characters; no path on a common file system is longer, and it bounds what a hostile pattern may cost."""

_TOKEN = re.compile(
    r"\\(?P<escaped>.)|(?P<stars>\*+)|(?P<any>\?)|\[(?P<negated>[!^]?)(?P<set>(?:\\.|[^\]\\])+)\]|(?P<literal>.)",
    re.DOTALL,
)
_SET_ITEM = re.compile(r"\\?(?P<low>.)(?:-\\?(?P<high>.))?", re.DOTALL)


def github_matcher(pattern: str) -> re.Pattern[str]:
    """Return what to `match` file paths with. Raises ValueError, which says why GitHub would not take the pattern."""
    _check_length(pattern)
    return _compiled(pattern, *_split_github(pattern))


def gitlab_matcher(pattern: str) -> re.Pattern[str]:
    """Return what github_matcher() does, by GitLab's rules; of an exclusion, what it excludes."""
    _check_length(pattern)
    return _compiled(pattern, _split_gitlab(pattern.removeprefix("!")), below=False)


def _check_length(pattern: str) -> None:
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"the pattern has {len(pattern)} characters, at most {MAX_PATTERN} are read")


def _compiled(pattern: str, parts: list[str], below: bool) -> re.Pattern[str]:
    try:
        return re.compile(_join(parts, below))
    except re.error as error:
        raise ValueError(f"the set of characters in {pattern[:80]!r} is malformed") from error


def _split_github(pattern: str) -> tuple[list[str], bool]:
    """The parts of a path that the pattern asks for, and whether all below such a path matches too."""
    if pattern.startswith(("!", "\\#")):
        raise ValueError("GitHub does not support patterns that start with ! or \\#")
    if any(token["set"] or token["literal"] in ("[", "]") for token in _TOKEN.finditer(pattern)):
        raise ValueError("GitHub does not support [ ] in patterns, only \\[ and \\]")
    parts = pattern.strip("/").split("/")
    if parts == [""]:
        raise ValueError("the pattern names no path")
    if "/" not in pattern[:-1]:
        parts.insert(0, "**")
    if pattern.endswith("/"):
        return [*parts, "**", "*"], False
    if parts[-1] == "**":
        return [*parts, "*"], False
    return parts, parts[-1] != "*"


def _split_gitlab(pattern: str) -> list[str]:
    if not pattern:
        raise ValueError("the exclusion names no path")
    parts = pattern[1:].split("/") if pattern.startswith("/") else ["**", *pattern.split("/")]
    if parts[-1] == "":
        return [*parts[:-1], "**", "*"]
    if parts[-1] == "**":
        parts[-1] = "*"
    return parts


def _join(parts: list[str], below: bool) -> str:
    """No star can be tried again after what follows it matched, so the effort stays polynomial, whatever the pattern.

    That loses no match: for a run of parts, and for the text between two stars of a part, the earliest place is best.
    """
    runs: list[list[str]] = [[]]
    for part in parts:
        if part == "**":
            runs.append([])
        else:
            runs[-1].append(_part(part))
    end = r"(?:/|\Z)" if below else r"\Z"
    first, *others = runs
    if not others:
        return "/".join(first) + end
    *middle, last = ["(?:[^/]+/)*?" + "/".join(run) for run in others if run]
    return "".join(f"{part}/" for part in first) + "".join(f"(?>{run}/)" for run in middle) + last + end


def _part(glob: str) -> str:
    pieces = [""]
    for token in _TOKEN.finditer(glob):
        if token["stars"]:
            pieces.append("")
        else:
            pieces[-1] += _character(token)
    first, *others = pieces
    if not others:
        return first
    *middle, last = others
    return rf"(?>{first}{''.join(f'(?>[^/]*?{piece})' for piece in middle)}[^/]*{last}(?=/|\Z))"


def _character(token: re.Match[str]) -> str:
    if token["any"]:
        return "[^/]"
    if token["set"]:
        items = (
            re.escape(item["low"]) + (f"-{re.escape(item['high'])}" if item["high"] else "")
            for item in _SET_ITEM.finditer(token["set"])
        )
        return f"(?!/)[{'^' if token['negated'] else ''}{''.join(items)}]"
    if token["literal"] in ("[", "\\"):
        raise ValueError(f"{token['literal']} needs {'a ] after it' if token['literal'] == '[' else 'a character'}")
    return re.escape(token["escaped"] or token["literal"])
