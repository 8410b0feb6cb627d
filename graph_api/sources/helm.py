"""Helm charts as they are written: Chart.yaml (apiVersion v1 and v2), requirements.yaml, values.yaml.

What a chart deploys is in its rendered output (`helm template`), which the connector kubernetes reads. Manifests in its
`templates` are read by no connector, also where one happens to be valid YAML. The chart itself says:

| written                                           | becomes                                                          |
|---------------------------------------------------|------------------------------------------------------------------|
| the chart                                         | Component of type helm-chart                                     |
| dependency with a repository on the network       | CONTAINS the package `pkg:helm/NAME@VERSION`, where one is named |
| dependency with `file://`, or in charts/          | DEPENDS_ON that chart                                            |
| sources that are repositories                     | BUILT_FROM                                                       |
| maintainers                                       | OWNED_BY, role MAINTAINER, INFERRED with confidence 0.5          |
| `image.repository` in values.yaml, at the top or  | RUNS_IMAGE, INFERRED with confidence 0.8: it is a convention     |
| one level below                                   | that templates use it                                            |

- Refs have the chart's folder: `component:helm-FOLDER/NAME`, as charts of one name are many.
- A dependency with a condition or tags may be switched off: SOFT.
- Values hold secrets; nothing else of them is kept.

https://helm.sh/docs/topics/charts/
"""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graph_api.catalog.entity import Criticality, LinkOrigin
from graph_api.catalog.ref import Ref
from graph_api.sources.charts import CHART, is_chart, state_chart
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Place, dig, listed, mapping, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.images import state_image
from graph_api.sources.kubernetes_objects import text_of
from graph_api.sources.naming import namespace_of, ref_of, repository_ref
from graph_api.sources.parsing import Keys

NAME = "helm"
VERSIONS = ("v1", "v2")
CONVENTION, MAINTAINER = 0.8, 0.5
"""Confidence in what values.yaml and maintainers tell."""

_REQUIREMENTS, _VALUES = "requirements.yaml", "values.yaml"

Charts = Mapping[str, Document]
"""Chart.yaml by folder."""


def claims(document: Document) -> bool:
    value = document.value
    if not isinstance(value, dict):
        return False
    if is_chart(document):
        return True
    if document.name == _REQUIREMENTS:
        return "dependencies" in value
    return document.name.startswith("values") and document.name.endswith((".yaml", ".yml")) and "kind" not in value


def read(documents: Sequence[Document], findings: Findings) -> None:
    charts = {row.folder.as_posix(): row for row in documents if row.name == CHART and _is_read(row, findings)}
    for document in charts.values():
        _read_chart(document, charts, findings)
    for document in documents:
        chart = charts.get(document.folder.as_posix())
        if chart and document.name == _REQUIREMENTS:
            _read_dependencies(_ref(chart), document, charts, findings)
        elif chart and document.name == _VALUES:
            _read_values(_ref(chart), document, findings)


def _is_read(document: Document, findings: Findings) -> bool:
    version = document.get("apiVersion")
    if version not in VERSIONS:
        findings.refuse(document, f"chart apiVersion {version!r}; {' and '.join(VERSIONS)} are read")
    elif not text_of(document.get("name")):
        findings.refuse(document, "a chart without a name")
    return version in VERSIONS and bool(text_of(document.get("name")))


def _ref(chart: Document) -> Ref:
    """Charts of one name in several folders are several charts."""
    name = text_of(chart.get("name")) or ""
    folders = [part for part in chart.folder.parts if part not in (".", "..", "/")]
    return ref_of("component", namespace_of(NAME, *folders), name)


def _read_chart(document: Document, charts: Charts, findings: Findings) -> None:
    ref = findings.entity(
        _ref(document),
        document.at("name"),
        name=text_of(document.get("name")),
        type="helm-chart",
        description=text_of(document.get("description")),
        lifecycle="deprecated" if document.get("deprecated") is True else None,
        tags=texts(document.get("keywords")),
        spec={key: text for key in ("version", "appVersion") if (text := text_of(document.get(key)))},
    )
    for index, source in enumerate(listed(document.get("sources"))):
        if isinstance(source, str) and (repository := repository_ref(source)):
            at = document.at("sources", index)
            findings.entity(repository, at, identifiers=[source])
            findings.link(ref, "BUILT_FROM", repository, at)
    for index, person in mappings(document.get("maintainers")):
        _state_maintainer(ref, person, document.at("maintainers", index), findings)
    _read_dependencies(ref, document, charts, findings)


def _state_maintainer(ref: Ref, person: Mapping[str, Any], at: Place, findings: Findings) -> None:
    name, email = text_of(person.get("name")), text_of(person.get("email"))
    if name or email:
        identifiers = [email] if email else []
        user = findings.entity(
            ref_of("user", NAME, email or name or ""), at, name=name or email, identifiers=identifiers
        )
        findings.link(
            ref,
            "OWNED_BY",
            user,
            at,
            confidence=MAINTAINER,
            origin=LinkOrigin.INFERRED,
            properties={"role": "MAINTAINER", "primary": False},
        )


def _read_dependencies(ref: Ref, document: Document, charts: Charts, findings: Findings) -> None:
    for index, row in mappings(document.get("dependencies")):
        name, repository = text_of(row.get("name")), text_of(row.get("repository")) or ""
        at = document.at("dependencies", index)
        soft = Criticality.SOFT if "condition" in row or "tags" in row else None
        if not name:
            findings.problem("a dependency without a name", at, ref=ref)
        elif local := _local(document, name, repository, charts):
            findings.link(ref, "DEPENDS_ON", _ref(local), at, criticality=soft)
        elif repository and not repository.startswith("file:"):
            state_chart(ref, name, text_of(row.get("version")), at, findings, soft)
        else:
            findings.problem(f"the chart of the dependency {name[:80]!r} is not among the files", at, ref=ref)


def _local(document: Document, name: str, repository: str, charts: Charts) -> Document | None:
    """The chart in a folder that `file://` names, or in charts/."""
    path = repository.removeprefix("file://") if repository.startswith("file:") else f"charts/{name}"
    return charts.get(posixpath.normpath(posixpath.join(document.folder.as_posix(), path)))


def _read_values(ref: Ref, document: Document, findings: Findings) -> None:
    for keys, image in _images(mapping(document.value)):
        state_image(ref, image, document.at(*keys), findings, confidence=CONVENTION, origin=LinkOrigin.INFERRED)


def _images(values: Mapping[str, Any]) -> Iterator[tuple[Keys, str]]:
    for keys in (("image",), *((key, "image") for key in values)):
        image = dig(values, *keys)
        registry, repository = text_of(dig(image, "registry")), text_of(dig(image, "repository"))
        if repository:
            tag = text_of(dig(image, "tag"))
            name = f"{registry}/{repository}" if registry else repository
            yield (*keys, "repository"), f"{name}:{tag}" if tag else name


CONNECTOR = Connector(
    name=NAME,
    description="Helm charts, what they contain, their sources and maintainers",
    input="Chart.yaml (apiVersion v1, v2) with requirements.yaml and values.yaml; rendered output is for kubernetes",
    claims=claims,
    read=read,
)
