"""The same package and image have the same ref, however a tool writes them."""

import pytest

from graph_api.sources.naming import package_ref
from graph_api.sources.packages import image_of, purl_of


@pytest.mark.parametrize(
    ("purl", "ref"),
    [
        ("pkg:npm/%40shop/tls@1.0.0", "package:npm/shop-tls-1.0.0"),
        ("pkg:npm/@shop/tls@1.0.0", "package:npm/shop-tls-1.0.0"),
        ("pkg:deb/debian/bash@5.0%2Bdeb12?arch=amd64", "package:deb/debian-bash-5.0-deb12"),
        ("pkg:deb/debian/bash@5.0+deb12?distro=debian-12", "package:deb/debian-bash-5.0-deb12"),
        ("pkg:pypi/typing_extensions@4.0", "package:pypi/typing-extensions-4.0"),
        ("pkg:golang/example.com/shop@v1.2.3", "package:golang/example.com-shop-1.2.3"),
        ("pkg:golang/example.com/shop@1.2.3", "package:golang/example.com-shop-1.2.3"),
        ("pkg:npm/left-pad", "package:npm/left-pad"),
        ("left-pad@1.0.0", None),
    ],
)
def test_package_urls(purl: str, ref: str | None) -> None:
    assert package_ref(purl) == ref


@pytest.mark.parametrize(
    ("ecosystem", "name", "version", "purl"),
    [
        ("Maven", "org.example:shop", "1.0", "pkg:maven/org.example/shop@1.0"),
        ("Debian:12", "bash", "5.0", "pkg:deb/debian/bash@5.0"),
        ("go-module", "example.com/shop", "v1.0", "pkg:golang/example.com/shop@v1.0"),
        ("rpm", "bash", "5.0", None),
        ("npm", "left-pad", "", None),
    ],
)
def test_ecosystems(ecosystem: str, name: str, version: str, purl: str | None) -> None:
    assert purl_of(ecosystem, name, version) == purl


@pytest.mark.parametrize(
    ("purl", "name"),
    [
        ("pkg:oci/app@sha256%3Aab?repository_url=ghcr.io/shop/app&tag=1.0", "ghcr.io/shop/app:1.0@sha256:ab"),
        ("pkg:oci/app@sha256:ab?repository_url=ghcr.io/shop", "ghcr.io/shop/app@sha256:ab"),
        ("pkg:docker/shop/app@1.0?repository_url=gcr.io", "gcr.io/shop/app:1.0"),
        ("pkg:docker/redis@7", "redis:7"),
        ("pkg:npm/left-pad@1.0.0", None),
    ],
)
def test_package_urls_of_images(purl: str, name: str | None) -> None:
    assert image_of(purl) == name
