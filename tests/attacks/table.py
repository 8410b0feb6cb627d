"""Rows of the table of attacks: what is sent to a real server, and what it may answer.

Whatever is sent, the answer comes within a second, is no 5xx, and leaves the server answering others.
"""

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx

JSON_TYPE = {"content-type": "application/json"}
FINE = ""
"""The code of an answer without errors."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    """0 where the server closed the connection and said nothing."""
    body: bytes

    @property
    def codes(self) -> set[str]:
        try:
            answer = json.loads(self.body)
        except ValueError:
            return set()
        errors = answer.get("errors", ()) if isinstance(answer, dict) else ()
        return {error.get("extensions", {}).get("code", "none") for error in errors} or {FINE}


Send: TypeAlias = Callable[[str], Answer]
"""Takes the server's URL."""


@dataclass(frozen=True, slots=True)
class Attack:
    row: int
    name: str
    send: Send
    status: int | tuple[int, ...]
    code: str | None = None
    """Of all errors; FINE for an answer without any; None where it does not matter."""
    seconds: float = 1.0

    def __str__(self) -> str:
        return f"{self.row} {self.name}"


def check(attack: Attack, url: str) -> Answer:
    answer, seconds = _timed(attack, url)
    for _ in range(2):
        if seconds > attack.seconds:  # What is slow because of what was sent is slow again.
            answer, seconds = _timed(attack, url)
    expected = (attack.status,) if isinstance(attack.status, int) else attack.status
    assert answer.status in expected, answer
    assert attack.code is None or answer.codes == {attack.code}, answer
    assert b"Traceback" not in answer.body
    assert b"recursion" not in answer.body.lower()
    assert seconds < attack.seconds
    assert_answers(url)
    return answer


def _timed(attack: Attack, url: str) -> tuple[Answer, float]:
    begin = time.monotonic()
    answer = attack.send(url)
    return answer, time.monotonic() - begin


def assert_answers(url: str) -> None:
    """Unless the head comes late, as it may on a busy machine."""
    answers = (httpx.post(f"{url}/graphql", json={"query": "{ __typename }"}) for _ in range(10))
    alive = next(answer for answer in answers if answer.status_code != httpx.codes.REQUEST_TIMEOUT)
    assert alive.json()["data"] == {"__typename": "Query"}


def post(content: bytes, **headers: str) -> Send:
    """Headers by their names with underscores."""
    named = JSON_TYPE | {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda url: _answer(httpx.post(f"{url}/graphql", content=content, headers=named))


def ask(query: str, **variables: Any) -> Send:
    body = json.dumps({"query": query, "variables": variables}).encode()
    return post(body, accept="application/json")


def get(path: str, **headers: str) -> Send:
    return lambda url: _answer(httpx.get(f"{url}{path}", headers=headers))


def raw(sent: bytes) -> Send:
    """The answer to bytes as they stand, until the server closes the connection."""

    def send(url: str) -> Answer:
        address = urlsplit(url)
        with socket.create_connection((address.hostname or "", address.port or 80), timeout=60) as connection:
            connection.sendall(sent)
            return _parse(_read_all(connection))

    return send


def _read_all(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(65_536):
        received += part
    return received


def _parse(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    return Answer(int(head.split(maxsplit=2)[1]) if head else 0, body)


def _answer(response: httpx.Response) -> Answer:
    return Answer(response.status_code, response.content)
