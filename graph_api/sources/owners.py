"""OWNERS and OWNERS_ALIASES of Kubernetes projects (Prow), and component_owners.yml: who owns which folder.

| in the file                  | what becomes of it                                                               |
|------------------------------|----------------------------------------------------------------------------------|
| `approvers` at the top       | owners of the Repository, role APPROVER                                          |
| `approvers` of a folder      | owners of a Component of type folder, built from the repository                  |
| `reviewers`                  | names in the spec: they review, but do not account for it                        |
| `emeritus_approvers`         | nothing: they were owners                                                        |
| `labels`                     | tags                                                                             |
| `filters`                    | only the one of `.*`, which is for the whole folder                              |
| OWNERS_ALIASES               | Groups of the repository; its OWNERS files name them                             |
| component_owners.yml         | owners of a Component of type folder for each path, role OWNER                   |

These owners are declared, not inferred: such a file is written to say who answers for the folder, while CODEOWNERS asks
for reviews. A folder is part of the folder above that has an OWNERS file, so one without approvers has that one's;
`options.no_parent_owners` ends that. Components of other sources that lie in the folder are not theirs by this file.

Logins are GitHub's (`@login`), e-mail addresses are taken as well. Where nothing tells which repository it is (a git
remote, --repo, an annotation), nothing goes in: `docs` of two repositories must not become one.

https://www.kubernetes.dev/docs/guide/owners/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from graph_api.catalog.ref import Ref, split_ref
from graph_api.catalog.snapshot import ProblemCode, Severity
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Place, dig, mapping, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of
from graph_api.sources.parsing import TextError
from graph_api.sources.yaml_documents import read_yaml

NAME = "owners"
OWNERS, ALIASES = "OWNERS", "OWNERS_ALIASES"
COMPONENTS = ("component_owners.yml", "component_owners.yaml")
HIDDEN = ".github"
APPROVER, OWNER = "APPROVER", "OWNER"


@dataclass(slots=True)
class Repository:
    """What the files of one repository say."""

    ref: Ref
    aliases: dict[str, Ref] = field(default_factory=dict)
    owners: dict[PurePosixPath, Document] = field(default_factory=dict)
    """OWNERS files by their folder."""

    def folder(self, path: PurePosixPath) -> Ref:
        """The entity that a folder is."""
        name = split_ref(self.ref)
        scope = f"{NAME}-{name.namespace}-{name.name}"
        return ref_of("component", scope, path.as_posix()) if path.parts else self.ref


def claims(document: Document) -> bool:
    if document.name in COMPONENTS:
        return isinstance(document.get("components"), dict)
    return document.value is None and document.name in (OWNERS, ALIASES)


def read(documents: Sequence[Document], findings: Findings) -> None:
    repositories: dict[Ref, Repository] = {}
    for document in documents:
        found, parsed = findings.repository_of(document), _parsed(document, findings)
        if parsed and found is None:
            message = "cannot tell which repository this is: give --repo, or annotate github.com/project-slug"
            findings.problem(message, document.at_line(1), code=ProblemCode.NO_REPOSITORY)
        elif parsed and found:
            repository = repositories.setdefault(found[0], Repository(found[0]))
            _note(parsed, found[1], repository, findings)
    for repository in repositories.values():
        for path, document in repository.owners.items():
            _read_owners(document, path, repository, findings)


def _parsed(document: Document, findings: Findings) -> Document | None:
    """The document with its value; None, with a word on it, if it is no mapping."""
    if document.value is not None:
        return document
    try:
        yaml = read_yaml(document.text)[0]
    except TextError as error:
        findings.refuse(document, error.message, error.code)
        return None
    except IndexError:
        return None
    if isinstance(yaml.value, dict):
        return replace(document, value=yaml.value, yaml=yaml)
    message = "no OWNERS file of Kubernetes projects, which has `approvers`"
    findings.problem(message, document.at_line(1), code=ProblemCode.UNKNOWN_FORMAT, severity=Severity.INFO)
    return None


def _note(document: Document, path: PurePosixPath, repository: Repository, findings: Findings) -> None:
    if document.name == OWNERS:
        repository.owners[path] = document
    elif document.name == ALIASES:
        _read_aliases(document, repository, findings)
    else:
        _read_components(document, path.parent if path.name == HIDDEN else path, repository, findings)


def _read_aliases(document: Document, repository: Repository, findings: Findings) -> None:
    name = split_ref(repository.ref)
    for alias, members in mapping(document.get("aliases")).items():
        at = document.at("aliases", alias)
        group = ref_of("group", f"{NAME}-{name.namespace}-{name.name}", alias)
        repository.aliases[alias.lower()] = findings.entity(group, at, name=alias, type="alias")
        for index, member in enumerate(texts(members)):
            at = document.at("aliases", alias, index)
            findings.link(_user(member, at, findings), "MEMBER_OF", group, at)


def _read_components(document: Document, top: PurePosixPath, repository: Repository, findings: Findings) -> None:
    for path, owners in mapping(document.get("components")).items():
        at = document.at("components", path)
        ref = _state_folder(top / path.strip("/"), repository, at, findings)
        for owner in texts(owners if isinstance(owners, list) else [owners]):
            findings.owner(ref, _user(owner, at, findings), at, role=OWNER)


def _read_owners(document: Document, path: PurePosixPath, repository: Repository, findings: Findings) -> None:
    whole = mapping(document.get("filters", ".*")) or mapping(document.value)
    at = document.at()
    ref = _state_folder(path, repository, at, findings, whole)
    for place in ("approvers",), ("filters", ".*", "approvers"):
        for index, approver in enumerate(texts(document.get(*place))):
            line = document.at(*place, index)
            owner = repository.aliases.get(approver.lower()) or _user(approver, line, findings)
            findings.owner(ref, owner, line, role=APPROVER)
    above = next((folder for folder in path.parents if folder in repository.owners and folder.parts), None)
    if above and path.parts and dig(document.value, "options", "no_parent_owners") is not True:
        findings.link(ref, "PART_OF", repository.folder(above), at)


def _state_folder(
    path: PurePosixPath, repository: Repository, at: Place, findings: Findings, said: Mapping[str, Any] | None = None
) -> Ref:
    ref, reviewers = repository.folder(path), texts(dig(said, "reviewers"))
    name = path.as_posix() if path.parts else split_ref(ref).name
    findings.entity(
        ref,
        at,
        name=name,
        type="folder" if path.parts else None,
        tags=texts(dig(said, "labels")),
        spec={"reviewers": reviewers} if reviewers else None,
    )
    if ref != repository.ref:
        findings.link(ref, "BUILT_FROM", repository.ref, at)
    return ref


def _user(login: str, at: Place, findings: Findings) -> Ref:
    name = login.strip().removeprefix("@")
    identifier = name if "@" in name else f"@{name}"
    return findings.entity(ref_of("user", NAME, name), at, name=name, identifiers=[identifier])


CONNECTOR = Connector(
    name=NAME,
    description="Owners of folders in the way of Kubernetes and OpenTelemetry projects",
    input="OWNERS and OWNERS_ALIASES (Prow), component_owners.yml",
    claims=claims,
    read=read,
    files=(OWNERS, ALIASES),
)
