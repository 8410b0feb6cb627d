"""MkDocs and TechDocs: sites of documentation, and what they are about.

- A `mkdocs.yml` (or `mkdocs.yaml`) is a Document of type site, with the titles at the top of its navigation, its number
  of pages and its address. Plugins, extensions, themes and `extra` are passed over, as they may hold keys.
- It DESCRIBES the entity whose descriptor says, by the annotation `backstage.io/techdocs-ref: dir:FOLDER`, that its
  documents are in the site's folder; where none does, the Repository of its `repo_url`. FOLDER counts from the
  descriptor's own folder.
- `backstage.io/techdocs-ref: url:URL` is a Document of type techdocs at that URL that DESCRIBES the entity. Which local
  site it is cannot be told, so a site that is synced too is another Document.
- Tags such as `!ENV` and `!!python/name:...` are passed over and never carried out: what they stand before is read as
  if they were not there. `INHERIT` and sites that are included (`!include`) are not followed; a page of the navigation
  is what has an address in it.

https://www.mkdocs.org/user-guide/configuration/
https://backstage.io/docs/features/techdocs/
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import ProblemCode, Severity
from graph_api.sources.connector import Connector
from graph_api.sources.descriptors import read_descriptor
from graph_api.sources.documents import Document, mapping, mappings
from graph_api.sources.fields import Origin
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, repository_ref, without_user
from graph_api.sources.parsing import TextError
from graph_api.sources.scalars import text_in
from graph_api.sources.yaml_documents import TEMPLATE, read_yaml

NAME = "mkdocs"
FILES = ("mkdocs.yml", "mkdocs.yaml")
ANNOTATION = "backstage.io/techdocs-ref"

_TAG = re.compile(r"(?P<before>(?:^|[:\-,\[{])[ \t]+|\[|^)!{1,2}(?:<[^>\s]*>|[\w./:-]*)(?=[\s,\]}]|$)", re.MULTILINE)


def claims(document: Document) -> bool:
    if document.value is None:
        return document.name in FILES
    return text_in(document.get("metadata", "annotations", ANNOTATION)) is not None


def read(documents: Sequence[Document], findings: Findings) -> None:
    sites: dict[str, tuple[Ref, Ref | None, Document]] = {}
    for document in documents:
        if document.value is None:
            _read_site(document, sites, findings)
    described = set()
    for document in documents:
        if document.value is not None:
            described.add(_read_annotation(document, sites, findings))
    for folder, (site, repository, document) in sites.items():
        if repository and folder not in described:
            findings.link(site, "DESCRIBES", repository, document.at("repo_url"))


def _read_site(file: Document, sites: dict[str, tuple[Ref, Ref | None, Document]], findings: Findings) -> None:
    try:
        found = read_yaml(without_tags(file.text))
    except TextError as error:
        findings.refuse(file, error.message, ProblemCode.TEMPLATE if TEMPLATE.search(file.text) else error.code)
        return
    document = Document(file.path, found[0].value, file.text, found[0].line, found[0]) if found else file
    # The last of a list behind !ENV is what holds where none of the variables is set.
    name = text_in(document.get("site_name")) or text_in(document.get("site_name", -1))
    if name is None:
        findings.problem("without `site_name` it is no site of its own", document.at(), severity=Severity.INFO)
        return
    folder, url = file.folder.as_posix(), text_in(document.get("repo_url")) or ""
    repository = repository_ref(url)
    scope = repository.partition(":")[2] if repository else ""
    site = findings.entity(
        ref_of("document", f"{NAME}-{scope}-{folder}", name),
        document.at("site_name"),
        name=name,
        type="site",
        title=name,
        description=text_in(document.get("site_description")),
        links=_links(document),
        spec=_shown(document),
    )
    if repository:
        findings.entity(repository, document.at("repo_url"), identifiers=[url])
    sites[folder] = site, repository, document


def without_tags(text: str) -> str:
    """The YAML without the tags before its values, line by line."""
    return _TAG.sub(lambda match: match["before"], text)


def _links(document: Document) -> list[dict[str, str]]:
    url = text_in(document.get("site_url")) or ""
    return [{"url": url, "title": "site"}] if url.startswith(("https://", "http://")) else []


def _shown(document: Document) -> dict[str, Any]:
    nav = document.get("nav")
    sections = [title for _, entry in mappings(nav) for title in entry if text_in(title)]
    found = {
        "docsFolder": text_in(document.get("docs_dir")) or "docs",
        "sections": sections,
        "pages": sum(1 for _ in _pages(nav)),
        "inherits": text_in(document.get("INHERIT")),
    }
    return {key: value for key, value in found.items() if value}


def _pages(nav: Any) -> Iterator[str]:
    """Addresses in a navigation: texts, alone or under a title, or deeper."""
    open_ = [nav]
    while open_:
        value = open_.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            open_ += value
        else:
            open_ += mapping(value).values()


def _read_annotation(
    document: Document, sites: dict[str, tuple[Ref, Ref | None, Document]], findings: Findings
) -> str | None:
    """The folder that a descriptor says its documents are in, if a site is there."""
    at = document.at("metadata", "annotations", ANNOTATION)
    entity = read_descriptor(document.value, Origin(document.path)).entity
    scheme, _, target = (text_in(document.get("metadata", "annotations", ANNOTATION)) or "").partition(":")
    if entity is None:
        return None
    if scheme == "url" and target.startswith(("https://", "http://")):
        target = without_user(target)
        name = entity.title or entity.name
        found = findings.entity(
            ref_of("document", f"{NAME}-url", target),
            at,
            name=name,
            type="techdocs",
            links=[{"url": target, "title": "source"}],
        )
        findings.link(found, "DESCRIBES", entity.ref, at)
    elif scheme == "dir":
        folder = posixpath.normpath(posixpath.join(document.folder.as_posix(), target.strip()))
        if folder in sites:
            findings.link(sites[folder][0], "DESCRIBES", entity.ref, at)
            return folder
        findings.problem(f"no mkdocs.yml lies in the folder {folder}", at, severity=Severity.INFO, ref=entity.ref)
    else:
        findings.problem(f"{ANNOTATION} is neither `dir:FOLDER` nor `url:URL`", at, ref=entity.ref)
    return None


CONNECTOR = Connector(
    name=NAME,
    description="Documentation sites of MkDocs and TechDocs",
    input="mkdocs.yml, and the annotation backstage.io/techdocs-ref of descriptors",
    claims=claims,
    read=read,
    files=FILES,
    reads_descriptors=True,
)
