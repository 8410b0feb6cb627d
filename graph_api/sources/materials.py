"""Bills of materials, whatever their format: the software that a bill is about, its parts, and what needs what.

The subject CONTAINS every part of its bill (an image among the parts: RUNS_IMAGE). What the bill says of dependencies
is DEPENDS_ON; between two packages such a link is SOFT, because it is resolved anew in every bill: software that
contains the dependent in another bill need not contain the dependency. So who surely has a package is DOWN, by
CONTAINS, and who has it only if versions were resolved alike is DEGRADED.
"""

from collections.abc import Iterable
from urllib.parse import unquote

from graph_api.catalog.entity import Criticality
from graph_api.catalog.ref import Ref, kind_of
from graph_api.sources.documents import Document, Place
from graph_api.sources.findings import Findings
from graph_api.sources.naming import image_name, is_image, package_ref, ref_of, repository_ref
from graph_api.sources.packages import image, image_of, package

_SHOWN = 3
GITHUB = "https://github.com"


class Bill:
    """One bill of materials. `refs` are its subject, parts and services by their ids in the document.

    `connector` is that of its format, also where another one came by it. `github` is the server whose repositories
    package URLs of type github name.
    """

    def __init__(self, document: Document, connector: str, findings: Findings, github: str = GITHUB) -> None:
        self.document = document
        self._github = github
        self.refs: dict[str, Ref] = {}
        self.subject: Ref | None = None
        self.scope = f"{connector}-{document.path}"
        self._connector = connector
        self._findings = findings
        self._taken: set[Ref] = set()
        self._unknown: dict[str, None] = {}

    def about(
        self, id_: str, at: Place, *, name: str, type_: str, purl: object = None, images: Iterable[str] = ()
    ) -> Ref:
        """State the subject.

        It is an image, a repository on GitHub, or a component that is known by package URL, by group, or in its folder.
        """
        names = _image_names(purl, images)
        url = purl.replace("/@", "/%40").partition("?")[0] if isinstance(purl, str) else ""
        known = unquote(url.partition("@")[0].removeprefix("pkg:"))
        if names:
            self.scope = f"{self._connector}-{image_name(names[0])}"
            ref = image(self._findings, at, names)
        elif repository := self._repository(known):
            self.scope = f"{self._connector}-{known}"
            ref = self._findings.entity(repository, at, identifiers=[f"{self._github}/{known.removeprefix('github/')}"])
        else:
            ref = self._component(at, known or name, name, type_, unquote(url))
        self.refs[id_] = self.subject = ref
        return ref

    def _repository(self, known: str) -> Ref | None:
        type_, _, path = known.partition("/")
        return repository_ref(f"{self._github}/{path}") if type_ == "github" else None

    def _component(self, at: Place, known: str, name: str, type_: str, url: str) -> Ref:
        folder = "" if "/" in known else str(self.document.folder).strip(".")
        namespace = "-".join(filter(None, (self._connector, folder)))
        self.scope = f"{namespace}-{known}"
        return self._findings.entity(
            ref_of("component", namespace, known), at, name=name, type=type_, identifiers=[url]
        )

    def part(
        self,
        id_: str,
        at: Place,
        *,
        name: str,
        version: str,
        type_: str,
        purl: object = None,
        images: Iterable[str] = (),
    ) -> Ref:
        """State a part, which is an image or a package; a part without package URL belongs to this bill alone."""
        if names := _image_names(purl, images):
            ref = image(self._findings, at, names)
        elif isinstance(purl, str) and package_ref(purl):
            ref = package(self._findings, at, name=name, version=version, purl=purl, scope=self.scope)
        else:
            ref = self._own_part(id_, at, name, version, type_)
        self.refs[id_] = ref
        if self.subject:
            self.contain(self.subject, ref, at)
        return ref

    def _own_part(self, id_: str, at: Place, name: str, version: str, type_: str) -> Ref:
        whole = "-".join(filter(None, (name, version)))
        ref = ref_of("package", self.scope, whole)
        if ref in self._taken:
            ref = ref_of("package", self.scope, f"{whole}-{id_}")
        self._taken.add(ref)
        return self._findings.entity(ref, at, name=name, type=type_, spec={"version": version} if version else {})

    def contain(self, whole: Ref, part: Ref, at: Place) -> None:
        if whole != part:
            self._findings.link(whole, "RUNS_IMAGE" if is_image(part) else "CONTAINS", part, at)

    def depend(self, id_: str, other: str, at: Place) -> None:
        """The one with the first id needs the one with the other id."""
        source, target = self.refs.get(id_), self.refs.get(other)
        if source is None or target is None:
            self._unknown.update({name: None for name in (id_, other) if name not in self.refs})
            return
        between = kind_of(source) == kind_of(target) == "package"
        self._findings.link(source, "DEPENDS_ON", target, at, criticality=Criticality.SOFT if between else None)

    def finish(self) -> None:
        """Say which ids the bill uses and does not explain."""
        if self._unknown:
            shown = ", ".join(name[:80] for name in list(self._unknown)[:_SHOWN])
            message = f"{len(self._unknown)} ids in dependencies are of nothing that the document lists: {shown}"
            self._findings.problem(message, self.document.at())


def _image_names(purl: object, images: Iterable[str]) -> list[str]:
    named = image_of(purl)
    return [named] if named else list(images)
