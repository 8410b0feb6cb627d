"""Score workloads (score.dev/v1b1, and score.sh/v1b1 of before): what a workload runs and needs.

| in the file                          | what becomes of it                                                           |
|--------------------------------------|------------------------------------------------------------------------------|
| Workload                             | Component of type service if it has service ports, else workload              |
| `containers.*.image`                 | the images that it runs; not `.`, which is built later                        |
| `service.ports`                      | `ports` in the spec                                                          |
| a resource                           | Resource of a class (database, cache, queue ...), which the workload needs    |
| a resource of type `service`         | no Resource: the workload needs the workload of that name                     |
| `${resources.dns.host}` in params    | the one resource needs the other                                             |
| `resources.*.scope` of humanitec.yaml | beside a Score file: `shared` is one resource for all workloads              |

- Every example may call its workload `my-workload`: identity is the file's folder and the name. So 24 files are 24
  workloads, and files that vary one workload stand in one folder.
- Two workloads share a resource where both give its `id` (or the annotation score.humanitec.io/resId) and the same type
  and class, anywhere in the source: the files of one source are deployed together. Without id it is the workload's own.
- Of type `service`, the workload is `params.workload`, or the last part of `id`, or the resource's name; it is looked
  for in the folder of the file, then in all below the folder above, and so on. Where it is not among the files, the
  link goes to an entity that nobody declares.

Joining with what runs: a workload states `kubernetes-id:` of the annotation backstage.io/kubernetes-id, `service.name:`
of OTEL_SERVICE_NAME, and `image:` of an image that is neither middleware nor a known publisher's (where two state
it, it joins neither); of several containers, those of the one that has the workload's name. Names alone join nothing.
So Score files and Kubernetes manifests join if they name the same image. Where one names a release and the other a
build of a fork (`.../google-samples/ad` and `.../ci/adservice`), they do not, and the operator says what is one: by the
setting `image_mirrors` where only the registry or folder differs, by the annotation on both, by one descriptor whose
`graph-api/identifiers` lists both images as `image:...`, or, where the names are equal, by the setting
`join_names: [component]`.

https://docs.score.dev/docs/score-specification/score-spec-reference/
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, dig, mapping
from graph_api.sources.findings import Findings
from graph_api.sources.image_classes import is_own_software
from graph_api.sources.images import is_named, main_container, state_image
from graph_api.sources.naming import image_name, ref_of, scoped
from graph_api.sources.platform_resources import class_of

NAME = "score"
VERSIONS = ("score.dev/v1b1", "score.sh/v1b1")
EXTENSION = "humanitec.org/v1b1"
WORKLOAD_TYPES = ("service", "service-port", "workload")
"""Types of resources that are other workloads."""
RESOURCE_ID = "score.humanitec.io/resId"

_REFERENCE = re.compile(r"\$\{resources\.([\w-]+)")


@dataclass(slots=True)
class Files:
    """All that must be known of the other files to read one."""

    named: dict[tuple[PurePosixPath, str], set[Ref]] = field(default_factory=lambda: defaultdict(set))
    """The workloads of a name in and below a folder."""
    scopes: dict[PurePosixPath, dict[str, Any]] = field(default_factory=dict)
    """What humanitec.yaml in a folder says of resources."""


def claims(document: Document) -> bool:
    version = document.get("apiVersion")
    return isinstance(version, str) and version.startswith(("score.dev/", "score.sh/", "humanitec.org/"))


def read(documents: Sequence[Document], findings: Findings) -> None:
    workloads, files = [], Files()
    for document in documents:
        version = document.get("apiVersion")
        if version == EXTENSION:
            files.scopes[document.folder] = mapping(document.get("resources"))
        elif version not in VERSIONS:
            findings.refuse(document, f"apiVersion {version!r}; {VERSIONS[0]} is read")
        elif not _name(document):
            findings.refuse(document, "a workload without metadata.name")
        else:
            workloads.append(document)
    for document in workloads:
        _note(document, files)
    for document in workloads:
        _read_workload(document, files, findings)


def _note(document: Document, files: Files) -> None:
    for folder in (document.folder, *document.folder.parents):
        files.named[folder, _name(document)].add(_ref(document))


def _name(document: Document) -> str:
    name = document.get("metadata", "name")
    return name if isinstance(name, str) else ""


def _ref(document: Document) -> Ref:
    return ref_of("component", f"{NAME}-{document.folder}", _name(document))


def _image(container: Any) -> str | None:
    """Its image, if that has a name already."""
    image = dig(container, "image")
    return image if isinstance(image, str) and image.strip(". ") and is_named(image) else None


def _read_workload(document: Document, files: Files, findings: Findings) -> None:
    ports = mapping(document.get("service", "ports"))
    tags = document.get("metadata", "annotations", "tags")
    ref = findings.entity(
        _ref(document),
        document.at("metadata", "name"),
        name=_name(document),
        type="service" if ports else "workload",
        tags=[tag.strip() for tag in tags.split(",")] if isinstance(tags, str) else (),
        spec={
            "containers": sorted(mapping(document.get("containers"))),
            "ports": {name: dig(port, "port") for name, port in ports.items() if isinstance(dig(port, "port"), int)},
        },
        identifiers=_identifiers(document),
    )
    for container, said in mapping(document.get("containers")).items():
        if image := _image(said):
            state_image(ref, image, document.at("containers", container, "image"), findings)
    _read_resources(document, ref, files, findings)


def _identifiers(document: Document) -> Iterator[str]:
    id_ = document.get("metadata", "annotations", "backstage.io/kubernetes-id")
    if isinstance(id_, str):
        yield scoped("kubernetes-id", id_)
    containers = mapping(document.get("containers"))
    main = mapping(containers.get(main_container(containers, _name(document)) or ""))
    service = dig(main, "variables", "OTEL_SERVICE_NAME")
    if isinstance(service, str) and is_named(service):
        yield scoped("service.name", service)
    if (image := _image(main)) and is_own_software(image):
        yield scoped("image", image_name(image))


def _read_resources(document: Document, workload: Ref, files: Files, findings: Findings) -> None:
    resources = {name: said for name, said in mapping(document.get("resources")).items() if isinstance(said, dict)}
    refs = {name: _resource(document, name, said, files, findings) for name, said in resources.items()}
    for name, ref in refs.items():
        at = document.at("resources", name)
        findings.link(workload, "DEPENDS_ON", ref, at)
        for other in sorted(set(_REFERENCE.findall(repr(resources[name].get("params"))))):
            if refs.get(other, ref) != ref:
                findings.link(ref, "DEPENDS_ON", refs[other], document.at("resources", name, "params"))


def _resource(document: Document, name: str, said: Mapping[str, Any], files: Files, findings: Findings) -> Ref:
    """The entity that a resource is, stated unless it is another workload."""
    type_, at = str(said.get("type") or "unknown"), document.at("resources", name)
    id_ = dig(said, "metadata", "annotations", RESOURCE_ID) or said.get("id")
    shared = dig(files.scopes.get(document.folder), name, "scope") == "shared"
    if type_ in WORKLOAD_TYPES:
        called = str(dig(said, "params", "workload") or id_ or name)
        return _workload_called(called.rpartition(".")[2], document, files, findings)
    if id_ or shared:
        ref = ref_of("resource", NAME, "-".join(map(str, (type_, said.get("class") or "default", id_ or name))))
    else:
        ref = ref_of("resource", f"{NAME}-{document.folder}", f"{_name(document)}.{name}")
    labels = {"type": type_, "class": said.get("class")}
    return findings.entity(ref, at, name=str(id_ or name), type=class_of(type_), labels=labels)


def _workload_called(name: str, document: Document, files: Files, findings: Findings) -> Ref:
    for folder in (document.folder, *document.folder.parents):
        found = files.named.get((folder, name), set())
        if len(found) > 1:
            message = f"several workloads below {folder} are called {name}; the link goes to none of them"
            findings.problem(message, document.at("resources"))
            break
        if found:
            return next(iter(found))
    return ref_of("component", NAME, name)


CONNECTOR = Connector(
    name=NAME,
    description="Workloads and the resources and workloads that they need",
    input="Score files, score.dev/v1b1 and score.sh/v1b1; humanitec.yaml beside them",
    claims=claims,
    read=read,
)
