"""Processes that outlive the Python process that made them."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from graph_api.local_neo4j.errors import LocalNeo4jError

_GRACE = 30.0
_POLL = 0.05


def launch(command: Sequence[str | Path], log: Path) -> int:
    """Starts a program in the background, all its output into `log`; returns its pid.

    The shell between makes it nobody's child: no terminal signal reaches it and no parent has to reap it.
    """
    shell = subprocess.run(  # noqa: S603 - a fixed script; the command reaches it as arguments
        ["/bin/sh", "-c", 'log=$1; shift; exec "$@" </dev/null >"$log" 2>&1 & echo $!', "sh", log, *command],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        start_new_session=True,
    )
    return int(shell.stdout)


def started_at(pid: int) -> str | None:
    """When the process started, as text to compare; None if it is gone.

    Together with the pid it names one process for good, which a pid alone does not.
    """
    if Path("/proc/self/stat").exists():
        return _started_at_by_proc(pid)
    return _started_at_by_ps(pid)


def terminate(pid: int, started: str) -> None:
    """Ends exactly this process: SIGTERM, and SIGKILL when it is still there after 30 seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if started_at(pid) != started:
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise LocalNeo4jError(f"Process {pid} belongs to another user; stop it as that user.") from error
        if _gone(pid, started):
            return
    raise LocalNeo4jError(f"Process {pid} survived SIGKILL; it hangs in the system, look at its state with ps.")


def _gone(pid: int, started: str) -> bool:
    deadline = time.monotonic() + _GRACE
    while started_at(pid) == started:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True


def _started_at_by_proc(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # the program's name, in brackets, may itself hold blanks and brackets
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]


def _started_at_by_ps(pid: int) -> str | None:
    ps = subprocess.run(  # noqa: S603 - fixed arguments, no shell
        ["/bin/ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C", "TZ": "UTC"},
    )
    state, _, started = ps.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()
