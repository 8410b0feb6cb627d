"""How checks ask servers.

A client of httpx reads the machine's certificates, which keeps a processor for 20 ms: here that is done once, so that
checks measure the servers and not themselves.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import httpx

CERTIFICATES = httpx.create_ssl_context()


def post(url: str, body: Mapping[str, object], seconds: float = 60) -> httpx.Response:
    return httpx.post(f"{url}/graphql", json=body, timeout=seconds, verify=CERTIFICATES)


def get(url: str, seconds: float = 5) -> httpx.Response:
    return httpx.get(url, timeout=seconds, verify=CERTIFICATES)


def outcome(url: str, body: Mapping[str, object], seconds: float = 60) -> str:
    """OK, the code of the first error, or what kept the answer from coming."""
    try:
        answer = post(url, body, seconds).json()
    except (httpx.TransportError, ValueError) as error:
        return type(error).__name__
    return str(answer["errors"][0]["extensions"]["code"]) if answer.get("errors") else "OK"


@contextmanager
def asked_all_the_time(asks: Sequence[Callable[[], object]], pause: float = 0.0) -> Iterator[None]:
    """Each in a thread of its own, again and again."""
    stop = threading.Event()

    def keep_asking(ask: Callable[[], object]) -> None:
        while not stop.is_set():
            ask()
            time.sleep(pause)

    threads = [threading.Thread(target=keep_asking, args=(ask,)) for ask in asks]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
