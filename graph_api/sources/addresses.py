"""What values of environment variables tell: hosts of addresses, and the name that telemetry will have."""

import re
from collections.abc import Iterator

INFERRED_CONFIDENCE = 0.8
"""Of a dependency that follows from an address alone."""

MAX_VALUE = 4_096
"""Characters of a value that are looked at."""

_ADDRESS_NAME = re.compile(
    r"(?:^|_)(?:ADDR(?:ESS)?(?:ES)?|BROKERS?|BASE|DSN|ENDPOINTS?|HOSTS?|HOSTNAME|SERVERS?|SERVICE|UPSTREAM|UR[IL]S?)(?:_|$)",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"[,;\s|]+")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")


def hosts_in(variable: str, value: str) -> Iterator[str]:
    """The hosts of addresses: of URLs, of `host:port`, and of bare words if the variable is named as one of an address.

    User names and passwords before the host are skipped.
    """
    for part in _SEPARATOR.split(value[:MAX_VALUE]):
        key, equals, rest = part.partition("=") if "://" not in part.partition("=")[0] else (variable, "", part)
        scheme, slashes, authority = (rest if equals else part).rpartition("://")
        authority = re.split(r"[/?#]", authority, maxsplit=1)[0] if slashes or "(" not in authority else authority
        host, _, port = _unwrapped(authority.rpartition("@")[2]).partition(":")
        named = _ADDRESS_NAME.search(key if equals else variable)
        if _HOST.fullmatch(host.lower()) and (scheme or port.isdecimal() or named):
            yield host.lower()


def _unwrapped(authority: str) -> str:
    """`db:3306` of `tcp(db:3306)/shop`, as drivers of Go write it."""
    match = re.search(r"\(([^()]*)\)", authority)
    return match[1] if match else authority


def service_name_of(attributes: str) -> str | None:
    """The service.name in a value of OTEL_RESOURCE_ATTRIBUTES."""
    pairs = (pair.partition("=") for pair in attributes.split(","))
    return next((value.strip() for key, _, value in pairs if key.strip() == "service.name"), None) or None
