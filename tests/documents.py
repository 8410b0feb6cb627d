"""Documents for people, as tests read them: their blocks of code, and their commands run as they stand."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code in a page, named from the root of the project."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def commands(page: str, *starts: str) -> list[str]:
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    return [line for line in lines if line.startswith(starts)]


def run_all(commands: list[str], folder: Path) -> None:
    """In this order, in a folder that holds seeds/."""
    (folder / "seeds").symlink_to(ROOT / "seeds")
    for command in commands:
        program, *arguments = shlex.split(command)
        installed = Path(sys.executable).with_name(program)
        words = [str(installed) if installed.exists() else program, *arguments]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own pages
        # The demo organization has deliberate problems, which `check` must find.
        assert done.returncode == (1 if " check " in command else 0), command + done.stdout + done.stderr
