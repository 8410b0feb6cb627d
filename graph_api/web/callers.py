"""Who asks, for the sake of sharing: a principal, or whoever is at an address."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope

from graph_api.access.principal import ANONYMOUS, LOCAL, Principal

_NETWORK = 64
"""Bits of an IPv6 address: one household or machine has all addresses behind them."""
_LONGEST = 100
"""Characters of an address that are looked at: a proxy may have written it."""


def caller_of(scope: Scope) -> str:
    return caller_at(scope, scope.get("state", {}).get("principal"))


def caller_at(scope: Scope, principal: Principal | None) -> str:
    """Return what caller_of() does, for this principal: of one who has no name, only the connection's address tells."""
    if principal and principal not in (ANONYMOUS, LOCAL):
        return principal.name
    return _caller_at(str((scope.get("client") or ("",))[0])[:_LONGEST])


@lru_cache(1024)
def _caller_at(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return f"address:{host}"
    return f"address:{ip_network((address, _NETWORK), strict=False) if isinstance(address, IPv6Address) else address}"
