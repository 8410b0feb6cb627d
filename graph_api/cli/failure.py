"""How the command ends when something is wrong: one line on standard error, and an exit code that says which kind."""

import errno
from enum import IntEnum
from typing import Any

import click

from graph_api.errors import UNREACHABLE, CatalogError
from graph_api.sources.folders import SourceError

EXIT_CODES = (
    "Exit codes: 0 done, 1 problems or errors found, 2 wrong usage, 3 a sync is held until confirmed, "
    "4 a database or source cannot be reached, 130 interrupted."
)


class Exit(IntEnum):
    PROBLEMS = 1
    USAGE = 2
    HELD = 3
    UNAVAILABLE = 4
    INTERRUPTED = 130


class Failure(click.ClickException):
    """Ends the command with one line on standard error."""

    def __init__(self, message: str, exit_code: Exit) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc] # click reads the instance's


_ABOUT_FILES = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO})
"""What may be wrong with a file without being told of which."""


class FriendlyGroup(click.Group):
    """Errors that people can mend are shown without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CatalogError as error:
            raise Failure(f"{error.message} ({error.code})", exit_of(error)) from error
        except SourceError as error:
            raise Failure(str(error), exit_of(error)) from error
        except KeyboardInterrupt as error:
            raise Failure("interrupted", Exit.INTERRUPTED) from error
        except OSError as error:
            if error.filename is None and error.errno not in _ABOUT_FILES:
                raise
            name = f"{error.filename}: " if error.filename else ""
            raise Failure(f"{name}{error.strerror}", Exit.PROBLEMS) from error


def exit_of(error: CatalogError | SourceError) -> Exit:
    unreachable = isinstance(error, SourceError) or error.code in UNREACHABLE
    return Exit.UNAVAILABLE if unreachable else Exit.PROBLEMS
