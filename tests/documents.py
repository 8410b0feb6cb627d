"""Documents for people, as tests read them: their blocks of code, and their commands run as they stand."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path

import pytest

from tests.commands import run

ROOT = Path(__file__).parents[1]

SERVER = "python tools/loopback.py "
"""What a page says to start in another terminal."""


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code in a page, named from the root of the project."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def commands(page: str, *starts: str) -> list[str]:
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    return [line for line in lines if line.startswith(starts)]


def run_all(commands: list[str], folder: Path, *, here: bool = False) -> None:
    """In this order, in a folder that holds seeds/ and recorded input; what serves answers is ended at the end.

    `here`: graph-api runs in this process, which takes a fifth of the time.
    """
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
            elif here and program == "graph-api":
                _run_here(command, arguments, folder, environment)
            else:
                _run(command, [_installed(program), *arguments], folder, environment)


def _installed(program: str) -> str:
    installed = Path(sys.executable).with_name(program)
    return str(installed) if installed.exists() else program


def _run(command: str, words: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == _expected(command), command + done.stdout + done.stderr


def _run_here(command: str, arguments: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        done = run(*arguments)
    assert done.exit_code == _expected(command), command + done.output


def _expected(command: str) -> int:
    """The demo organization has deliberate problems, which `check` must find."""
    return 1 if " check " in command else 0


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
