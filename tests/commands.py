"""The installed command, run by tests: in this process, or a server in one of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
from click.testing import CliRunner, Result

from graph_api.cli import main

SERVICE = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: {name}}}
spec: {{type: service, lifecycle: production, owner: shop, dependsOn: [resource:default/db]}}
"""


def run(*arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(main, arguments, input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def ask(document: str) -> Any:
    return json.loads(run("query", document).stdout)["data"]


def write(*names: str, folder: str = "files") -> str:
    """A folder with one service a file."""
    Path(folder).mkdir(exist_ok=True)
    for name in names:
        Path(folder, f"{name}.yaml").write_text(SERVICE.format(name=name), encoding="utf-8")
    return folder


def readiness(url: str) -> httpx.Response:
    """Once a server that has just started is ready, within half a minute."""
    end = time.monotonic() + 30
    while (answer := httpx.get(f"{url}/readyz")).status_code != httpx.codes.OK and time.monotonic() < end:
        time.sleep(0.1)
    return answer


@contextmanager
def served(*arguments: str) -> Iterator[tuple[str, str]]:
    """A server in a process of its own: what it printed, and its URL. It must end well when it is told to."""
    with serving(*arguments) as server:
        yield server.printed, server.url


@dataclass(frozen=True, slots=True)
class Server:
    printed: str
    url: str
    pid: int


@contextmanager
def serving(
    *arguments: str, environment: Mapping[str, str] | None = None, log: IO[bytes] | None = None
) -> Iterator[Server]:
    """As `served`, with more about it; `log` gets what it logs."""
    command = [sys.executable, "-c", "from graph_api.cli import main; main()", "serve", "--port", "0", *arguments]
    variables = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=variables)
    assert server.stdout
    try:
        printed = ""
        while not (found := re.search(r"^graph-api serves \S+ at (\S+)/graphql", printed, re.MULTILINE)):
            line = server.stdout.readline()
            assert line, f"the server ended with {server.wait()} after printing {printed!r}"
            printed += line
        yield Server(printed, found[1], server.pid)
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
