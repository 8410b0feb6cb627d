"""Packages and container images as scanners and bills of materials name them: one ref for all of these tools."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qs, unquote

from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Place
from graph_api.sources.findings import Findings
from graph_api.sources.naming import image_name, image_names, image_ref, package_ref, ref_of

PURL_TYPES = {
    "actions": "githubactions",
    "alpine": "apk/alpine",
    "bundler": "gem",
    "crates.io": "cargo",
    "debian": "deb/debian",
    "dotnet": "nuget",
    "dotnet-core": "nuget",
    "gemspec": "gem",
    "github actions": "githubactions",
    "go": "golang",
    "go-module": "golang",
    "gobinary": "golang",
    "gomod": "golang",
    "gradle": "maven",
    "jar": "maven",
    "java-archive": "maven",
    "node-pkg": "npm",
    "packagist": "composer",
    "php-composer": "composer",
    "pip": "pypi",
    "pipenv": "pypi",
    "pnpm": "npm",
    "poetry": "pypi",
    "pom": "maven",
    "python": "pypi",
    "python-pkg": "pypi",
    "rubygems": "gem",
    "rust": "cargo",
    "rust-crate": "cargo",
    "ubuntu": "deb/ubuntu",
    "yarn": "npm",
    **{name: name for name in ("cargo", "composer", "gem", "golang", "hex", "maven", "npm", "nuget", "pub", "pypi")},
}
"""The type in package URLs of what the tools call ecosystem, package type or language, in lower case."""

IMAGE_TYPES = ("pkg:oci/", "pkg:docker/")
_ARCHIVE = re.compile(r"^[./]|\.(tar|tgz|tar\.gz|oci)$")


def purl_of(ecosystem: str, name: str, version: str) -> str | None:
    """The package URL of a package of a known ecosystem (`Debian:12` is Debian), else None."""
    type_ = PURL_TYPES.get(ecosystem.lower().partition(":")[0])
    return f"pkg:{type_}/{name.replace(':', '/')}@{version}" if type_ and name and version else None


def package(
    findings: Findings,
    at: Place,
    *,
    name: str,
    version: str = "",
    purl: object = None,
    ecosystem: str = "",
    scope: str,
) -> Ref:
    """State a version of a package; one that has no package URL is known by ecosystem, or by `scope`, alone."""
    url = purl if isinstance(purl, str) and package_ref(purl) else purl_of(ecosystem, name, version)
    ref = package_ref(url) if url else None
    return findings.entity(
        ref or ref_of("package", ecosystem or scope, "-".join(filter(None, (name, version)))),
        at,
        name=name,
        type=ref.partition(":")[2].partition("/")[0] if ref else ecosystem or None,
        spec={"version": version} if version else {},
        identifiers=[unquote(re.split("[?#]", url)[0])] if ref and url else [],
    )


def package_of(findings: Findings, at: Place, purl: str) -> Ref | None:
    """State the package that a package URL names, by what the URL says; None if it is none."""
    if package_ref(purl) is None:
        return None
    path = purl.replace("/@", "/%40").partition("?")[0].partition("#")[0]
    head, _, version = path.partition("@")
    return package(findings, at, name=unquote(head.rpartition("/")[2]), version=unquote(version), purl=purl, scope="")


def image(findings: Findings, at: Place, names: Iterable[str], digests: Iterable[object] = ()) -> Ref:
    """State a container image by its names, the first of which counts. Tags and digests become identifiers."""
    names = list(names)
    return findings.entity(
        image_ref(names[0]),
        at,
        name=image_name(names[0]),
        type="container-image",
        identifiers=[name for text in (*names, *digests) if isinstance(text, str) for name in image_names(text)],
    )


def is_archive(name: str) -> bool:
    """Whether the name of an image is the path of a file or folder that holds it."""
    return _ARCHIVE.search(name) is not None


def image_of(purl: object) -> str | None:
    """The image that a package URL of type oci or docker names, as `HOST/PATH:TAG@DIGEST`; None if it names none."""
    if not isinstance(purl, str) or not purl.startswith(IMAGE_TYPES):
        return None
    path, _, qualifiers = purl.partition("?")
    name, _, version = path.partition("/")[2].partition("@")
    name, version = unquote(name), unquote(version)
    found = {key: values[0] for key, values in parse_qs(qualifiers.partition("#")[0]).items()}
    host = found.get("repository_url", "").partition("://")[2] or found.get("repository_url", "")
    whole = host if host.endswith(f"/{name}") else "/".join(filter(None, (host, name)))
    if version.startswith("sha256:"):
        return whole + (f":{found['tag']}" if "tag" in found else "") + f"@{version}"
    return whole + (f":{version}" if version else "")
