"""A store for the time of one command."""

import getpass
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from graph_api.access.audit import Attempt
from graph_api.cli.failure import Exit, Failure
from graph_api.settings import IN_MEMORY, Settings
from graph_api.store.protocol import Store

# What its driver would print besides, of each of its tries, is told in the command's own line.
logging.getLogger("neo4j").addHandler(logging.NullHandler())


def require_existing(settings: Settings) -> None:
    """Raise Failure where a question would make a new, empty catalog."""
    if not exists(settings):
        message = f"there is no catalog at {settings.store}; `graph-api sync PATH` makes one, --store names another"
        raise Failure(message, Exit.UNAVAILABLE)


def leaving_nothing(settings: Settings) -> Settings:
    """Return settings for a dry run, which must not even leave an empty catalog: in place of one that is not there, one
    in memory.
    """
    return settings if exists(settings) else settings.model_copy(update={"store": f"embedded:{IN_MEMORY}"})


def exists(settings: Settings) -> bool:
    """Whether there is a catalog, or may be one on a server."""
    file = settings.store_file
    return file is None or file.exists()


@asynccontextmanager
async def opened(store: Store) -> AsyncIterator[Store]:
    try:
        await store.open()
        yield store
    finally:
        await store.close()


def locally(action: str, source: str | None = None) -> Attempt:
    """Return the attempt of the user of this machine, for the audit log."""
    return Attempt(action=action, client=os_user(), source=source)


def os_user() -> str:
    try:
        return f"os:{getpass.getuser()}"
    except (KeyError, OSError):
        # A container's user may have no name.
        return f"os:{os.getuid()}"
