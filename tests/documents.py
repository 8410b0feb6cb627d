"""Documents for people, as tests read them: their blocks of code, and their commands run as they stand."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]

SERVER = "python tools/loopback.py "
"""What a page says to start in another terminal."""


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code in a page, named from the root of the project."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def commands(page: str, *starts: str) -> list[str]:
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    return [line for line in lines if line.startswith(starts)]


def run_all(commands: list[str], folder: Path) -> None:
    """In this order, in a folder that holds seeds/ and recorded input; what serves answers is ended at the end."""
    for name in ("seeds", "tests", "tools"):
        (folder / name).symlink_to(ROOT / name)
    environment = dict(os.environ)
    with ExitStack() as servers:
        for command in commands:
            program, *arguments = shlex.split(command)
            if program == "export":
                name, _, value = arguments[0].partition("=")
                environment[name] = value
            elif command.startswith(SERVER):
                servers.enter_context(_serving([sys.executable, *arguments], folder))
            else:
                _run(command, [_installed(program), *arguments], folder, environment)


def _installed(program: str) -> str:
    installed = Path(sys.executable).with_name(program)
    return str(installed) if installed.exists() else program


def _run(command: str, words: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    # The demo organization has deliberate problems, which `check` must find.
    assert done.returncode == (1 if " check " in command else 0), command + done.stdout + done.stderr


@contextmanager
def _serving(words: list[str], folder: Path) -> Iterator[None]:
    """From the first line that it prints."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout
            assert server.stdout.readline()
            yield
        finally:
            server.terminate()
