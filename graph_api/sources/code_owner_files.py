"""CODEOWNERS files as the APIs of GitHub and GitLab answer them: base64 within JSON."""

import base64
import binascii
from collections.abc import Sequence

from graph_api.catalog.codeowners import CodeOwners, Dialect
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import ProblemCode
from graph_api.sources.answers import Row
from graph_api.sources.findings import Findings
from graph_api.sources.folders import CODEOWNERS, FileError, decode

GITHUB_PLACES = (f".github/{CODEOWNERS}", CODEOWNERS, f"docs/{CODEOWNERS}")
GITLAB_PLACES = (CODEOWNERS, f"docs/{CODEOWNERS}", f".gitlab/{CODEOWNERS}")
"""Where each looks for the file; the first counts."""


class CodeOwnerFiles:
    """Takes the first file of each repository, if they come in the order of places."""

    def __init__(self, dialect: Dialect, findings: Findings) -> None:
        self._dialect = dialect
        self._findings = findings
        self._taken: set[Ref] = set()

    def state(self, repository: Ref, row: Row, path: str) -> None:
        if repository in self._taken:
            return
        self._taken.add(repository)
        try:
            text = _text(row)
        except ValueError as error:
            self._findings.refuse(row.document, str(error))
            return
        for problem in CodeOwners.parse(text, self._dialect).problems:
            message = f"line {problem.line}: {problem.message}"
            self._findings.problem(message, row.at("content"), code=ProblemCode.BAD_CODEOWNERS)
        self._findings.code_owners(repository, row.at("content"), text, self._dialect.value, path)


def _text(row: Row) -> str:
    """Raises ValueError that says why there is none."""
    if row.text("encoding") not in (None, "base64"):
        raise ValueError("a CODEOWNERS file without its text, which GitHub leaves out above 1 MB")
    try:
        return decode(base64.b64decode(row.text("content") or ""))
    except (binascii.Error, ValueError, FileError) as error:
        raise ValueError("a CODEOWNERS file that is not text in base64") from error


def in_order(rows: Sequence[Row], key: str, places: Sequence[str]) -> list[tuple[Row, str]]:
    """The files that stand in one of the places, by `key`, with that place."""
    found = [(row, path) for row in rows if (path := row.text(key)) in places and path]
    return sorted(found, key=lambda pair: places.index(pair[1]))
