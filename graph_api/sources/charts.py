"""Helm charts as packages, one for all tools that install them."""

import re
from collections.abc import Iterable

from graph_api.catalog.entity import Criticality
from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Document, Place
from graph_api.sources.findings import Findings
from graph_api.sources.naming import package_ref

CHART = "Chart.yaml"
TEMPLATE = "a template of a chart, read by nobody as it stands; to have what it makes, sync what `helm template` prints"

_VERSION = re.compile(r"v?\d+\.\d+\.\d+(?:[-+][\w.+-]+)?")


def state_chart(
    user: Ref, name: str, version: str | None, at: Place, findings: Findings, criticality: Criticality | None = None
) -> None:
    """A chart that something installs; a range of versions names none of them and is told of the link."""
    exact = version if version and _VERSION.fullmatch(version) else None
    purl = f"pkg:helm/{name}@{exact}" if exact else f"pkg:helm/{name}"
    if package := package_ref(purl):
        spec = {"version": exact} if exact else {}
        findings.entity(package, at, name=name, type="helm", spec=spec, identifiers=[purl])
        told = {"version": version} if version else {}
        findings.link(user, "CONTAINS", package, at, properties=told, criticality=criticality)


def is_chart(document: Document) -> bool:
    return document.name == CHART and isinstance(document.value, dict) and "name" in document.value


class Templates:
    """Of the charts among the documents: manifests in a folder `templates` beside one, also if they are valid YAML."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._folders = {document.folder / "templates" for document in documents if is_chart(document)}

    def __contains__(self, document: Document) -> bool:
        value = document.value
        if not self._folders or not isinstance(value, dict) or not {"apiVersion", "kind"} <= value.keys():
            return False
        return not self._folders.isdisjoint([document.folder, *document.folder.parents])
