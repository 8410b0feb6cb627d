"""What a connector is. One module of this package each, and one line in registry.py."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from traceback import extract_tb

from graph_api.catalog.entity import LinkOrigin
from graph_api.sources.api import Api
from graph_api.sources.documents import Document, Unanswered
from graph_api.sources.findings import Findings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Online:
    """How a connector asks a tool's API for the documents that it reads."""

    base_url: str | None
    """Where the API is when the configuration does not say; None where every deployment has its own."""
    token_variable: str
    """The environment variable that holds the token when the configuration names no other."""
    fetch: Callable[[Api, Mapping[str, str]], AsyncIterator[Document | Unanswered]]
    """Gives every answer as a document whose path is its URL. ApiError ends the run, and nothing is withdrawn.

    A part that the API does not let us read, whose document can be named, is Unanswered, and the others go on.
    """
    options: Mapping[str, str] = field(default_factory=dict)
    """Further settings by name, such as `organization`, each described."""
    authorization: str = "Bearer {token}"
    """The header Authorization, or `Name: {token}` for another header."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What else every request must say, such as the version of the API."""

    def headers_with(self, token: str) -> dict[str, str]:
        """All headers of a question."""
        name, colon, value = self.authorization.partition(": ")
        authorization = {name: value} if colon else {"Authorization": name}
        return {**self.headers, **{name: text.replace("{token}", token) for name, text in authorization.items()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A type of source.

    `claims` tells cheaply whether a document is one of the connector's; the first connector in the registry that claims
    a document has it. `read` gets all of a source's documents that were claimed, in the order of path and line, states
    what they say, and never fails for what they hold.
    """

    name: str
    description: str
    input: str
    """The files, versions and API answers that it reads, for people."""
    claims: Callable[[Document], bool]
    read: Callable[[Sequence[Document], Findings], None]
    files: tuple[str, ...] = ()
    """Names of files, as patterns like `*.tf`, that are read as text beside YAML and JSON files."""
    reads_descriptors: bool = False
    """Whether it also reads the descriptors that it claims, beside the connector of descriptors."""
    origin: LinkOrigin = LinkOrigin.DECLARED
    """How it knows the links that it states."""
    online: Online | None = None

    def log_defect(self, error: Exception) -> None:
        """The log gets no more than the error's type and place: its words may quote what was read."""
        place = extract_tb(error.__traceback__)[-1]
        logger.error(
            "The connector %s failed: %s at %s:%s", self.name, type(error).__name__, place.filename, place.lineno
        )
