"""One line per message, as JSON or as text, with the request and the principal that it is about.

Of an exception only its types and places are written: what it says may quote a client's text or a password.
"""

import json
import logging
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from traceback import extract_tb
from typing import Any, TextIO

import orjson

from graph_api.telemetry.record import CURRENT

MAX_MESSAGE = 10_000
MAX_PLACES = 20
# They log whole URLs, headers of answers, or the parameters of statements.
TALKATIVE = ("httpx", "httpcore", "neo4j", "urllib3", "asyncio")
FIELDS = "fields"
"""The name in `extra` of further fields: logger.info("...", extra={FIELDS: {...}})."""


class LogFormat(StrEnum):
    JSON = "json"
    TEXT = "text"


def configure_logs(level: str, format_: LogFormat | None, stream: TextIO = sys.stderr) -> logging.Handler:
    """All messages of the program to `stream`: by default text on a terminal, else JSON. Returns the handler."""
    wanted = format_ or (LogFormat.TEXT if stream.isatty() else LogFormat.JSON)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if wanted is LogFormat.JSON else TextLines())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper())
    for library in TALKATIVE:
        logging.getLogger(library).setLevel(logging.WARNING)
    _ask_for_less()
    return handler


def _ask_for_less() -> None:
    """The library finds out where each message comes from, in which thread and process, and no line of ours says it."""
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:MAX_MESSAGE],
            **_fields(record),
        }
        return _json(line)


def _json(line: dict[str, Any]) -> str:
    try:
        text = orjson.dumps(line, default=str)
    except TypeError:  # lone surrogates, large integers
        return json.dumps(line, default=str)
    # Unlike orjson, json escapes all that some viewer takes for the end of a line.
    return text.decode() if text.isascii() else json.dumps(line, default=str)


class TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items() if value is not None)
        text = f"{record.levelname} {record.name}: {record.getMessage()[:MAX_MESSAGE]} {fields}".rstrip()
        return f"{_time(record)} {_printable(text)}"


def _time(record: logging.LogRecord) -> str:
    return f"{_second(int(record.created))}.{int(record.msecs):03d}Z"


@lru_cache(1)
def _second(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _printable(text: str) -> str:
    """Escape whatever could begin a line or move a cursor."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    request = CURRENT.get()
    about = {"request_id": request.request_id, "principal": request.principal} if request else {}
    if request and request.trace_id:
        about["trace_id"] = request.trace_id
    error = record.exc_info and record.exc_info[1]
    failed = {"error": list(_explained(error))} if error else {}
    return {**about, **getattr(record, FIELDS, {}), **failed}


def _explained(error: BaseException) -> Iterator[str]:
    """The error and its causes, each as its type and where it came from, innermost place last."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting and len(seen) < MAX_PLACES:
        error = waiting.pop(0)
        if id(error) in seen:
            continue
        seen.add(id(error))
        places = [f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)[-MAX_PLACES:]]
        yield " ".join([f"{type(error).__name__}{_said(error)} at", *places])
        waiting += getattr(error, "exceptions", ())
        before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        waiting += [before] if before else []


def _said(error: BaseException) -> str:
    """Return what an error says, only of errors whose texts come from this machine; of others their codes."""
    if isinstance(error, sqlite3.Error):
        return f" ({error})"
    if isinstance(error, OSError) and error.strerror:
        return f" ({error.strerror})"
    code = getattr(error, "code", None)
    return f" ({code})" if isinstance(code, str) else ""
