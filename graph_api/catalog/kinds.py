"""The registry of kinds: what sorts of entities there are, and what may be owned."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    description: str = ""
    ownable: bool = True
    """Whether coverage and gaps count an entity of this kind that has no owner."""
    unowned_types: frozenset[str] = frozenset()
    """Types of an ownable kind that they do not count all the same: others answer for such things."""
    backstage: bool = False
    """Whether the kind is one of Backstage's own, so that its envelope is known in other groups too."""
    like: str | None = None
    """A built-in kind whose places at the ends of links are also this one's."""
    prominence: int = 1
    """Of what a search finds by equally good names, 0 comes first and 2 last."""

    @property
    def key(self) -> str:
        return self.name.lower()


_KINDS = (
    Kind(
        "Component",
        "A piece of software: a service, application, website, library or job.",
        backstage=True,
        prominence=0,
    ),
    Kind("API", "An interface that components provide and consume.", backstage=True, prominence=0),
    Kind("Pipeline", "A job that reads and writes datasets."),
    Kind("Dataset", "A table, topic, file set or other body of data."),
    Kind(
        "Resource",
        "What software needs at run time: database, storage, compute, transit, queue, cache, secret, container-image.",
        # Whoever runs an image answers for what it does; many are not one's own.
        unowned_types=frozenset({"container-image"}),
        backstage=True,
    ),
    Kind("Environment", "A place where software runs, such as production."),
    Kind("System", "Entities that together serve one purpose.", backstage=True, prominence=0),
    Kind("Domain", "Systems that share a business area.", backstage=True),
    Kind("Group", "A team, department or organization.", ownable=False, backstage=True),
    Kind("User", "A person.", ownable=False, backstage=True),
    Kind("Repository", "A source code repository.", prominence=2),
    Kind("Location", "A pointer to further descriptors.", ownable=False, backstage=True, prominence=2),
    Kind("Template", "A scaffolding template.", backstage=True),
    Kind("Vulnerability", "A published weakness of a package.", ownable=False, prominence=2),
    Kind("Package", "A versioned third-party package.", ownable=False, prominence=2),
    Kind("Document", "A written page or site.", prominence=2),
    Kind("Ticket", "An issue in a tracker.", ownable=False, prominence=2),
    Kind("Metric", "A measured figure.", ownable=False, prominence=2),
)

BUILT_IN_KINDS: dict[str, Kind] = {kind.key: kind for kind in _KINDS}
KINDS: dict[str, Kind] = dict(BUILT_IN_KINDS)
"""Every registered kind by its lower-case name."""


def register_kinds(kinds: Iterable[Kind]) -> None:
    """Make these, of the deployment's settings, registered beside the built-in ones, and no others.

    For whoever puts the program together, once before it does anything: readers look at KINDS when they need it.
    """
    KINDS.clear()
    KINDS.update(BUILT_IN_KINDS)
    KINDS.update((kind.key, kind) for kind in kinds)


OWNER_KINDS = ("group", "user")


def kind_name(key: str) -> str:
    """The registered spelling of a kind, or the key itself for an unknown kind."""
    kind = KINDS.get(key)
    return kind.name if kind else key


SERVICE_TYPES = frozenset({"service"})
APPLICATION_TYPES = frozenset({"website", "application", "app", "web", "frontend", "mobile"})
LIBRARY_TYPES = frozenset({"library"})
