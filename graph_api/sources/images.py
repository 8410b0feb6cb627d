"""Container images that something runs, stated alike by all connectors."""

import re
from collections.abc import Mapping
from typing import Any

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Place
from graph_api.sources.findings import Findings
from graph_api.sources.naming import image_name, image_ref

_USER = re.compile(r"@(?!sha\d+:)")
_PLACEHOLDERS = ("{{", "$")


def is_named(image: str) -> bool:
    """Whether it is the name of an image: nothing still has to be filled in, and nobody's password stands in it."""
    return not any(mark in image for mark in _PLACEHOLDERS) and not _USER.search(image)


def main_container(containers: Mapping[str, Any], workload: str) -> str | None:
    """The name of the one by whose image a workload is known: its only one, or the one with the workload's own name.

    Any other may be a sidecar, as many workloads have it.
    """
    return next(iter(containers)) if len(containers) == 1 else workload if workload in containers else None


def state_image(
    user: Ref,
    image: str,
    at: Place,
    findings: Findings,
    *,
    origin: LinkOrigin | None = None,
    confidence: float | None = None,
) -> None:
    """Nothing is stated of an image whose name still has to be filled in."""
    if is_named(image):
        names = [f"image:{image_name(image)}"]
        ref = findings.entity(image_ref(image), at, name=image, type="container-image", identifiers=names)
        findings.link(user, "RUNS_IMAGE", ref, at, origin=origin, confidence=confidence)
