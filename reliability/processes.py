"""Servers and databases that checks start, kill, freeze and end."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from graph_api import local_neo4j
from graph_api.local_neo4j import Running
from reliability.asking import get

SERVE = [sys.executable, "-c", "from graph_api.cli import main; main()", "serve", "--port", "0", "--admin-port", "0"]
START_SECONDS = 60
UNMIRRORED = {"GRAPH_API_MIRROR": "false"}
"""Faults of a database are of interest where it is asked, and not what a server keeps of it."""


class Served:
    """One server in a process of its own, for whoever is on this machine."""

    def __init__(self, store: str, log: Path, *options: str) -> None:
        command = [*SERVE, "--insecure-anonymous", "--store", store, "--log-format", "json", *options]
        environment = os.environ | UNMIRRORED | {"PYTHONUNBUFFERED": "1"}
        with log.open("ab") as errors:
            self.process = subprocess.Popen(  # noqa: S603 - our own
                command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            )
        self.url = self.admin = ""

    def wait_until_answering(self) -> "Served":
        """Which it is also while its database is away."""
        assert self.process.stdout
        for line in self.process.stdout:
            if found := re.search(r"/metrics at (\S+)", line):
                self.admin = found[1]
            if found := re.search(r"graph-api serves \S+ at (\S+)/graphql", line):
                self.url = found[1]
                return self
        raise RuntimeError(f"the server ended with {self.process.wait()} before it answered")

    def wait_until_ready(self, seconds: float = START_SECONDS) -> float:
        """How long that took."""
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            try:
                if get(f"{self.admin}/readyz").status_code == 200:
                    return time.monotonic() - begin
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"not ready within {seconds} s")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


@contextmanager
def served(store: str, folder: Path, *options: str) -> Iterator[Served]:
    """Ready to be asked."""
    server = Served(store, folder / "server.log", *options)
    try:
        server.wait_until_answering().wait_until_ready()
        yield server
    finally:
        server.kill()


@contextmanager
def databases(folder: Path, ports: Sequence[int]) -> Iterator[list[Running]]:
    """Databases of one's own, to be killed and frozen."""
    homes = [folder / f"neo4j-{port}" for port in ports]
    try:
        yield [start_database(home, port) for home, port in zip(homes, ports, strict=True)]
    finally:
        for home in homes:
            running = local_neo4j.status(home)
            if running:
                os.kill(running.pid, signal.SIGCONT)
            local_neo4j.stop(home)


def start_database(home: Path, port: int) -> Running:
    return local_neo4j.start(home, progress=lambda _: None, bolt_port=port)


def wait_until_gone(pid: int) -> None:
    while Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
