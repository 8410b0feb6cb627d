"""Refs for what tools name in their own ways. The same thing gets the same ref, whichever connector sees it.

Things with names that are unique in the world (packages, images, vulnerabilities, repositories) have one ref for all
connectors. Everything else lives in a namespace of its connector, so that nothing is the same by its bare name alone.
"""

import hashlib
import re
from functools import lru_cache
from urllib.parse import unquote

# Connectors find all that is about names in this module.
from graph_api.catalog.identifiers import host_names as host_names
from graph_api.catalog.identifiers import image_name as image_name
from graph_api.catalog.identifiers import image_names as image_names
from graph_api.catalog.identifiers import repository_url
from graph_api.catalog.identifiers import scoped as scoped
from graph_api.catalog.identifiers import without_user as without_user
from graph_api.catalog.ref import DEFAULT_NAMESPACE, MAX_PART, Ref, make_ref

_DIGEST = 8
_SHORT_HOST = "github.com"
_CVE = re.compile(r"CVE-\d{4}-\d+", re.IGNORECASE)
_PURL = re.compile(r"pkg:(?P<type>[A-Za-z0-9.+-]+)/(?P<name>[^@?#]+)(?:@(?P<version>[^?#]+))?")


def name_of(text: str) -> str:
    """A text in the grammar of names: what is too long or has nothing valid ends in a digest of the text."""
    return _fit(re.sub(r"[^a-z0-9_.-]+", "-", text.lower()), "-_.", text)


def namespace_of(*texts: str) -> str:
    """Texts in the grammar of namespaces, joined by `-`."""
    text = "-".join(part for part in texts if part)
    return _fit(re.sub(r"[^a-z0-9]+", "-", text.lower()), "-", text)


def _fit(slug: str, separators: str, text: str) -> str:
    slug = re.sub(r"--+", "-", slug).strip(separators)
    if slug and len(slug) <= MAX_PART:
        return slug
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
    head = slug[: MAX_PART - _DIGEST - 1].strip(separators)
    return f"{head}-{digest}" if head else digest


def ref_of(kind: str, namespace: str, name: str) -> Ref:
    """The ref of a thing that one connector knows; both texts may be anything."""
    return make_ref(kind, namespace_of(namespace), name_of(name))


def server_of(url: str) -> str:
    """`https://host` of an address on the web, without whatever user it names; empty for any other text."""
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].rpartition("@")[2].lower()
    return f"{scheme}://{host}" if scheme in ("https", "http") and host else ""


def scope_on(tool: str, url: str) -> str:
    """The namespace of what a tool's server at the URL knows: `github`, `github-HOST` of another server than the
    public one, as both may have a team or login of one name."""
    host = server_of(url).partition("://")[2]
    return tool if host in ("", f"{tool}.com") else f"{tool}-{host}"


def repository_ref(url: str) -> Ref | None:
    """`repository:org/name` of a repository's URL in any spelling, `repository:host-org/name` of another host than
    GitHub's own, as both may have an org/name; None if it is none."""
    normal = repository_url(url)
    if normal is None:
        return None
    host, *groups, name = normal.removeprefix("https://").split("/")
    return make_ref("repository", namespace_of(*([] if host == _SHORT_HOST else [host]), *groups), name_of(name))


def image_ref(image: str) -> Ref:
    """`resource:image/host-path` of a container image, whatever its tag and digest."""
    return make_ref("resource", "image", name_of(image_name(image)))


@lru_cache(maxsize=1024)
def package_ref(purl: str) -> Ref | None:
    """`package:type/name-version` of a package URL; qualifiers make no other package. None if it is none.

    Tools differ in what they encode, in `_` and `-` of Python packages and in the `v` of Go versions.
    """
    match = _PURL.match(purl.replace("/@", "/%40"))
    if match is None:
        return None
    kind, name, version = match["type"].lower(), unquote(match["name"]), unquote(match["version"] or "")
    if kind == "pypi":
        name = name.replace("_", "-")
    if kind == "golang":
        version = version.removeprefix("v")
    return make_ref("package", namespace_of(kind), name_of("-".join(filter(None, (name, version)))))


def vulnerability_ref(*aliases: str) -> Ref:
    """`vulnerability:default/id`: the first CVE among the aliases by name, else the first alias by name."""
    known = sorted(alias for alias in aliases if _CVE.fullmatch(alias)) or sorted(aliases)
    return make_ref("vulnerability", DEFAULT_NAMESPACE, name_of(known[0]))


def is_image(ref: Ref) -> bool:
    return ref.startswith("resource:image/")
