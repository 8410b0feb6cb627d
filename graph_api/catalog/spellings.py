"""What to look for when somebody pastes a name as a tool writes it, and knows no scheme of ours.

| the text                                           | may be the identifier                                        |
|----------------------------------------------------|--------------------------------------------------------------|
| any                                                | itself, normalized                                           |
| an image, with or without tag and digest           | `image:HOST/PATH`, the same with its tag, `image-digest:...` |
| a host, with or without port, or a URL             | `host:HOST/PATH`                                             |
| a host within a cluster (`cart.shop.svc`)          | `kubernetes:shop/cart`                                       |
| a package URL                                      | itself without qualifiers; `image-digest:...`                |
| a name or a path                                   | `@NAME`; `SCHEME:NAME` of each of `_NAMED`                   |
| `org/repo`                                         | the URL of a repository at GitHub or GitLab                  |

Each is looked for as it is: nothing is guessed. A ref and a text with a scheme are only themselves, but that an image
with `image:` before it may have a tag too.

Where nothing is called so, it may lie in something:

| the text                                           | lies in                                                      |
|----------------------------------------------------|--------------------------------------------------------------|
| the URL of a folder or file in a repository        | that repository                                              |
| any other URL                                      | `host:HOST`                                                  |
| `cart.shop`, `http://cart.shop:8080/v1`            | `kubernetes:shop/cart`, as clusters resolve it               |
| a pod (`shop/cart-7d9f8c6b5-x2x4z`, `shop/cart-0`) | `kubernetes:shop/cart`                                       |
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from graph_api.catalog.correlation import SCHEMES
from graph_api.catalog.identifiers import (
    MAX_IDENTIFIER,
    SLUG_HOSTS,
    bare,
    image_names,
    normalize_all,
    normalize_identifier,
    repository_url,
    scoped,
    service_names,
)
from graph_api.catalog.kinds import KINDS

_NAMED = (*(scheme for scheme in SCHEMES if scheme not in ("definition", "host", "image", *KINDS)), "aws")
"""Schemes of mere names. `dataset:shop/orders` may be a former ref, which a part of it does not name."""
_SCHEMES = {*SCHEMES, "arn", "aws", "image-digest", "pkg"}

_IMAGE = re.compile(
    r"(?:[\w.-]+(?::\d+)?/)?[\w.-]+(?:/[\w.-]+)*(?::[\w.-]{1,128})?(?:@sha256:[0-9a-f]{64})?|sha256:[0-9a-f]{64}"
)
_HOST = re.compile(
    r"(?P<scheme>(?:jdbc:)?[a-z][a-z0-9+.-]*://)?(?P<host>[\w-]+(?:\.[\w-]+)*)\.?(?::\d+)?(?P<path>/[^?#;\s]*)?(?:[?#;]\S*)?"
)
_POD_SUFFIX = "[bcdfghjklmnpqrstvwxz2456789]"
"""Of which Kubernetes makes the ends of names: no vowels, so that they are no words."""
_POD = re.compile(
    rf"(?P<workload>[a-z0-9.-]+/[a-z0-9.-]+?)(?:(?:-{_POD_SUFFIX}{{6,10}}|-\d{{8,10}})?-{_POD_SUFFIX}{{5}}|-\d{{1,3}})"
)
"""Of a Deployment, a CronJob, a DaemonSet or Job, and a StatefulSet."""
_QUALIFIERS = re.compile("[?#]")
_NAME = re.compile(r"[\w.-]+(?P<deeper>/[\w.-]+)*")


def spellings_of(text: str) -> tuple[str, ...]:
    """Return the identifiers that the text may be, sorted."""
    if len(text) > MAX_IDENTIFIER:
        return ()
    return normalize_all((normalize_identifier(text), *_others(bare(text).casefold())))


def places_of(text: str) -> list[tuple[str, ...]]:
    """Return the identifiers of what the text may lie in, each group sorted: the first that is there holds it."""
    if len(text) > MAX_IDENTIFIER:
        return []
    name = bare(text).casefold()
    repository = repository_url(name)
    return [normalize_all([repository] if repository else ()), normalize_all(_places(name))]


def _places(name: str) -> Iterator[str]:
    url = _HOST.fullmatch(name)
    if url and (url["scheme"] or not url["path"]):  # else it is rather the image of a registry
        yield scoped("host", url["host"])
        yield from service_names(f"{url['host']}.svc")
    if pod := _POD.fullmatch(name):
        yield scoped("kubernetes", pod["workload"])


def _others(name: str) -> Iterator[str]:
    scheme, _, rest = name.partition(":")
    if scheme == "image" and _IMAGE.fullmatch(rest):
        yield from image_names(rest)
    if scheme == "pkg":
        package = unquote(_QUALIFIERS.split(name, 1)[0])
        yield package
        if (digest := package.rpartition("@")[2]).startswith("sha256:"):
            yield from image_names(digest)
    if scheme in _SCHEMES or scheme in KINDS:
        return
    if _IMAGE.fullmatch(name):
        yield from image_names(name)
    if host := _HOST.fullmatch(name):
        if host["host"].endswith((".svc", ".svc.cluster.local")):
            yield from service_names(host["host"])
        yield scoped("host", host["host"] + (host["path"] or "").rstrip("/"))
    if path := _NAME.fullmatch(name):
        yield f"@{name}"
        yield from (scoped(scheme, name) for scheme in _NAMED)
        if path["deeper"]:
            yield from (host + name for host in SLUG_HOSTS.values())
