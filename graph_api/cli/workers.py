"""Several processes that serve as one: the system spreads connections over them, and the store is what they share."""

import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from graph_api.cli.failure import Exit, Failure
from graph_api.settings import Settings

_CANNOT_START = (Exit.USAGE, Exit.UNAVAILABLE)
_PAUSE = 1.0
"""Seconds before what has died is replaced: it may die again."""
_LONGEST_END = 5.0
"""Seconds that a worker has beyond those that its requests have."""

logger = logging.getLogger(__name__)


class Worker(NamedTuple):
    """What one of the processes is told, as arguments of a picklable function."""

    settings: Settings
    is_first: bool
    """Whether it tells where to ask: once for all, and not again when it is replaced."""
    demo: bool
    folder: Path
    """The folder for what they share, as long as the server runs."""


def share_of(settings: Settings, index: int) -> Settings:
    """Return a worker's settings: its share of the limits of all workers together, and its own admin port."""
    count = settings.workers
    share = {
        "rate": settings.rate / count,
        "max_running": max(1, settings.max_running // count),
        "max_waiting": settings.max_waiting // count,
        "max_streams": -(-settings.max_streams // count),
        "admin_port": settings.admin_port + index if settings.admin_port else settings.admin_port,
    }
    # Made anew, because what load_settings() gives is of a type that no other process knows.
    return Settings.model_construct(**{**dict(settings), **share})


def reserve(host: str, port: int) -> socket.socket:
    """Bound and not listening: it keeps the port, of which every worker has a listener of its own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # Other workers' listeners would share the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
    reserved = socket.socket(family)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind((host, port))
    return reserved


def supervise(work: Callable[[Worker], None], settings: Settings, *, demo: bool) -> None:
    """Run the workers until SIGTERM or SIGINT, and replace what dies. Raises Failure for what cannot start."""
    with TemporaryDirectory(prefix="graph-api-") as folder:
        workers = [
            Worker(share_of(settings, index), index == 0, demo, Path(folder)) for index in range(settings.workers)
        ]
        _keep_running(work, workers, settings)


def _keep_running(work: Callable[[Worker], None], workers: Sequence[Worker], settings: Settings) -> None:
    running: list[BaseProcess] = []
    try:
        running.extend(_start(work, worker) for worker in workers)
        while True:
            wait([process.sentinel for process in running])
            for index, process in enumerate(running):
                if not process.is_alive():
                    _check(process)
                    running[index] = _start(work, workers[index]._replace(is_first=False))
    finally:
        # No further signal keeps it from ending them all.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        _end(multiprocessing.active_children(), settings)


def _start(work: Callable[[Worker], None], worker: Worker) -> BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(work, worker))
    process.start()
    return process


def _check(process: BaseProcess) -> None:
    """Log that a process has ended, and wait before it is replaced. Raises Failure for one that could not start."""
    if process.exitcode in _CANNOT_START:
        raise Failure("a worker could not start; the log above says why", Exit(process.exitcode))
    logger.error("A worker has ended with exit code %s and is replaced", process.exitcode)
    time.sleep(_PAUSE)


def _run(work: Callable[[Worker], None], worker: Worker) -> None:
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        work(worker)
    except Failure as failure:
        failure.show()
        sys.exit(failure.exit_code)


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _end(processes: Sequence[BaseProcess], settings: Settings) -> None:
    for process in processes:
        process.terminate()
    until = time.monotonic() + settings.drain_delay + settings.drain_seconds + _LONGEST_END
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
        if process.is_alive():
            process.kill()
