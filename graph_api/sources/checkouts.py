"""Git work trees and bare repositories on this machine: which Repository each is.

A work tree (a folder with `.git`, also of a submodule or of `git worktree`) and a bare repository (`NAME.git`) state
the Repository of their remote `origin`, or of the first remote that they name. Git itself is not run. What other
connectors find in the files of a work tree has that repository as its own, with the folder in it. Credentials in a URL
are dropped; nothing else of the configuration is read.

A folder that is synced below the top of a work tree says nothing here: the source is then named after the remote.

https://git-scm.com/docs/git-config
"""

from collections.abc import Sequence

from graph_api.catalog.ref import split_ref
from graph_api.catalog.snapshot import Severity
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document
from graph_api.sources.findings import Findings
from graph_api.sources.git import CONFIG, GIT, remote_in
from graph_api.sources.naming import repository_ref

NAME = "git"


def claims(document: Document) -> bool:
    if document.value is not None:
        return False
    return (
        document.name == GIT or (document.name == CONFIG and "[core]" in document.text) or document.folder.name == GIT
    )


def read(documents: Sequence[Document], findings: Findings) -> None:
    for document in documents:
        url, line = remote_in(document.text) or ("", 1)
        ref = repository_ref(url)
        # The configuration of a linked work tree stands elsewhere.
        at = document.at_line(line if document.name == CONFIG else 1)
        if ref:
            findings.entity(ref, at, name=split_ref(ref).name, identifiers=[url])
        else:
            findings.problem("no remote on a host; it is nobody's repository yet", at, severity=Severity.INFO)


CONNECTOR = Connector(
    name=NAME,
    description="Repositories that are checked out on this machine",
    input="Git work trees and bare repositories",
    claims=claims,
    read=read,
    files=(CONFIG,),
)
