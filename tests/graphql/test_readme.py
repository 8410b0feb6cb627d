"""The README's queries and commands, run as they stand."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.graphql.conftest import Client

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```graphql\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.startswith(("graph-api check", "graph-api sync", "graph-api query"))
]


def test_queries_answer(demo: Client) -> None:
    impact, owners, gaps = [demo.ask(query) for query in QUERIES]
    assert impact["impact"]["totalCount"] == 103
    assert impact["impact"]["completeness"] == {"complete": True, "reasons": [], "unexplored": 0}
    assert impact["impact"]["groups"]["buckets"] == [
        {"value": "DOWN", "count": 86},
        {"value": "DEGRADED", "count": 17},
    ]
    assert impact["impact"]["notify"][0]["affected"] == 23
    assert {row["entity"]["ref"]: row["how"] for row in owners["entity"]["owners"]} == {
        "group:default/security": "INHERITED",
        "group:default/storefront": "INHERITED",
    }
    assert gaps["ownershipGaps"]["totalCount"] == 8


def test_commands_run_in_this_order(tmp_path: Path) -> None:
    (tmp_path / "seeds").symlink_to(ROOT / "seeds")
    assert len(COMMANDS) >= 4
    for command in COMMANDS:
        arguments = [str(Path(sys.executable).with_name("graph-api")), *shlex.split(command)[1:]]
        done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own README
        # The demo organization has deliberate problems, which `check` must find.
        assert done.returncode == (1 if " check " in command else 0), command + done.stdout + done.stderr


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_make_has_the_commands(command: str) -> None:
    assert f"```console\n{command}\n```" in README
    assert re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
