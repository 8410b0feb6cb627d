"""Before a server starts: is there a way to sign in?"""

import asyncio

from graph_api.cli.failure import Exit, Failure
from graph_api.errors import CatalogError
from graph_api.settings import Settings
from graph_api.store.protocol import Store

SECONDS = 5.0

_NOBODY = """\
nobody could sign in: there is no API key in {store}, and no oidc_issuer is set. Choose one:
  graph-api keys create --name me --role admin --store {store}   makes the first key;
  oidc_issuer and oidc_audience                                  let in whoever has a token of your identity provider;
  --insecure-anonymous                                           lets everybody on this machine do everything."""


async def settle_access(settings: Settings, store: Store, *, demo: bool) -> Settings:
    """The settings, with insecure_anonymous for a demo that nobody could sign in to; closes what it opens.

    Raises Failure for a server that nobody could sign in to.
    """
    if settings.insecure_anonymous or settings.oidc_issuer or await _has_keys(settings, store):
        return settings
    if demo and settings.on_loopback:
        return settings.model_copy(update={"insecure_anonymous": True})
    raise Failure(_NOBODY.format(store=settings.store), Exit.USAGE)


async def _has_keys(settings: Settings, store: Store) -> bool:
    """True also where the store does not say: without a key nobody gets in anyway."""
    if settings.store.startswith("embedded:") and not (settings.store_file and settings.store_file.exists()):
        return False
    try:
        async with asyncio.timeout(SECONDS):
            await store.open()
            return bool(await store.keys())
    except (CatalogError, TimeoutError):
        return True
