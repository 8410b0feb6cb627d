"""Before a server starts: is there a way to sign in?"""

import asyncio
import logging
import sqlite3

from graph_api.cli.failure import Exit, Failure
from graph_api.errors import CatalogError, NoDatabaseError
from graph_api.settings import Settings
from graph_api.store.protocol import Store

SECONDS = 60.0
"""Seconds for a store to open: for the first time, a database makes its indexes."""

_NOBODY = """\
nobody could sign in: there is no API key in {store}, and no oidc_issuer is set. Choose one:
  graph-api keys create --name me --role admin --store {store}   makes the first key;
  oidc_issuer and oidc_audience                                  let in whoever has a token of your identity provider;
  --insecure-anonymous                                           lets everybody on this machine do everything."""


logger = logging.getLogger(__name__)


async def settle_access(settings: Settings, store: Store, *, demo: bool) -> Settings:
    """The settings, with insecure_anonymous for a demo that nobody could sign in to; closes what it opens.

    Raises Failure for a server that nobody could sign in to, and CatalogError as open_early() does.
    """
    if settings.insecure_anonymous or settings.oidc_issuer or await _may_have_keys(settings, store, demo=demo):
        return settings
    if demo and settings.on_loopback:
        return settings.model_copy(update={"insecure_anonymous": True})
    raise Failure(_NOBODY.format(store=settings.store), Exit.USAGE)


async def open_early(settings: Settings, store: Store, seconds: float | None) -> CatalogError | TimeoutError | None:
    """Open the store, and return what keeps it from opening now and may pass, such as a database that is down; None
    once it is open.

    Raises CatalogError for what no further try mends. `seconds` to wait; None: until it is open, whatever it takes.
    """
    try:
        async with asyncio.timeout(seconds):
            await store.open()
    except (CatalogError, TimeoutError) as error:
        if seconds is None or isinstance(error, NoDatabaseError) or (settings.store_file and not _may_pass(error)):
            raise
        return error
    return None


def _may_pass(error: BaseException) -> bool:
    """Whether what is wrong with a file may mend itself, as little does."""
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return isinstance(error, TimeoutError) or code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL)


async def _may_have_keys(settings: Settings, store: Store, *, demo: bool) -> bool:
    """True also where the store does not open: without a key nobody gets in anyway. A demo waits until it does."""
    if settings.store.startswith("embedded:") and not (settings.store_file and settings.store_file.exists()):
        return False
    problem = await open_early(settings, store, None if demo else SECONDS)
    if problem is None:
        return bool(await store.keys())
    why = str(problem) or f"it takes longer than {SECONDS:g} s to open"
    logger.warning("Nobody can tell yet whether %s has a key to sign in with: %s", settings.store, why)
    return True
