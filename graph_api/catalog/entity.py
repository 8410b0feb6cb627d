"""Entities and links: what one source states, and what the catalog makes of all statements together."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any, NamedTuple

from graph_api.catalog.kinds import OWNER_KINDS
from graph_api.catalog.ref import Ref, kind_of
from graph_api.catalog.sealed import sealed


class Criticality(StrEnum):
    HARD = "HARD"
    SOFT = "SOFT"


class LinkOrigin(StrEnum):
    """How a source knows a link. Where several say it, the first of these is the link's."""

    DECLARED = "DECLARED"
    """Somebody wrote it down: a descriptor, infrastructure as code."""
    OBSERVED = "OBSERVED"
    """It was seen to happen: traces, lineage, traffic."""
    INFERRED = "INFERRED"
    """It follows from something else, such as an address in an environment variable."""


class OwnerHow(StrEnum):
    DECLARED = "DECLARED"
    INHERITED = "INHERITED"
    INFERRED = "INFERRED"


class OwnerState(StrEnum):
    """Whether an owner can answer: gaps list every state but ACTIVE."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    EMPTY = "EMPTY"
    UNRESOLVED = "UNRESOLVED"


@sealed(frozen=True, slots=True)
class Evidence:
    """Who says so and where: `location` is `file:line` or a URL; times are ISO 8601 in UTC."""

    source: str
    location: str
    first_seen: str
    last_seen: str | None = None
    """None while the statement stands: then it was last seen in the source's last run."""
    stale: bool = False
    origin: LinkOrigin | None = None
    """How the source knows the link; None for what is no link."""


@sealed(frozen=True, slots=True, kw_only=True)
class EntityStatement:
    """What one source says about one entity. `document` is the file (or API item) that it came from."""

    ref: Ref
    name: str
    """The name as written; the ref holds it in lower case."""
    kind: str
    """The kind as written."""
    document: str
    location: str
    type: str | None = None
    title: str | None = None
    description: str | None = None
    lifecycle: str | None = None
    tier: int | None = None
    active: bool = True
    tags: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    links: tuple[Mapping[str, str], ...] = ()
    """Web links (url, title, icon, type); for groups and users these are contacts."""
    spec: Mapping[str, Any] = field(default_factory=dict)
    identifiers: tuple[str, ...] = ()
    """Normalized foreign names, see identifiers.py."""
    repository: Ref | None = None
    """The repository that holds the document, and the document's folder in it."""
    folder: str | None = None
    code_owners: str | None = None
    """For a repository: the text of its CODEOWNERS file, with dialect and path."""
    code_owners_dialect: str | None = None
    code_owners_path: str | None = None
    code_owners_document: str | None = None
    """Where the CODEOWNERS file stands in the source."""
    code_owners_stale: bool = False
    """Whether the file cannot be read now; then `code_owners` is what it said at `code_owners_last_seen`."""
    code_owners_last_seen: str | None = None
    first_seen: str | None = None
    last_seen: str | None = None
    stale: bool = False


class LinkKey(NamedTuple):
    """A link's identity."""

    source: Ref
    relation: str
    target: Ref
    environment: str | None


@sealed(frozen=True, slots=True, kw_only=True)
class LinkStatement:
    """What one source says about one link; None means unset."""

    key: LinkKey
    document: str
    location: str
    criticality: Criticality | None = None
    confidence: float | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    origin: LinkOrigin = LinkOrigin.DECLARED
    observed_at: str | None = None
    """Of an observed link: when it was last seen to happen, ISO 8601 in UTC."""
    first_seen: str | None = None
    last_seen: str | None = None
    stale: bool = False


@sealed(frozen=True, slots=True, kw_only=True)
class Owner:
    """One owner of an entity. `through` holds the refs from the entity to the declaring one, both included."""

    ref: Ref
    role: str
    primary: bool
    how: OwnerHow
    through: tuple[Ref, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@sealed(frozen=True, slots=True, kw_only=True)
class Entity:
    """One thing in the catalog, merged from all sources' statements, with what is derived from its neighbours.

    An undeclared entity (only pointed at) has no statements, and its names come from the ref.
    `statements` maps source to statement in order of priority: the first gives the scalar fields.
    """

    ref: Ref
    name: str
    kind: str
    """Lower case, as in the ref."""
    namespace: str
    declared: bool
    type: str | None = None
    title: str | None = None
    description: str | None = None
    lifecycle: str | None = None
    tier: int | None = None
    active: bool = True
    tags: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    identifiers: tuple[str, ...] = ()
    repository: Ref | None = None
    folder: str | None = None
    statements: Mapping[str, EntityStatement] = field(default_factory=dict)
    owners: tuple[Owner, ...] = ()
    systems: tuple[Ref, ...] = ()
    """Systems and domains that it is part of, at any distance, sorted."""
    domains: tuple[Ref, ...] = ()
    environments: tuple[Ref, ...] = ()
    """Targets of its DEPLOYED_TO links, sorted."""
    owner_state: OwnerState | None = None
    """For groups and users only."""
    audience: str = ""
    """Who may see it, see audience.py; empty for everybody."""
    revision: int = 0
    """The last revision at which its document, its outgoing links or what is derived of them changed."""
    created_revision: int = 0
    updated_at: str = ""
    """ISO 8601 in UTC, the time of `revision`."""

    @property
    def declared_owners(self) -> tuple[Ref, ...]:
        return tuple(owner.ref for owner in self.owners if owner.how is OwnerHow.DECLARED)

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self.statements)

    @property
    def declaring(self) -> EntityStatement | None:
        """The statement of the highest-priority source; None for an undeclared entity."""
        return next(iter(self.statements.values()), None)


@sealed(frozen=True, slots=True, kw_only=True)
class Link:
    """One relation between two entities, merged from all sources' statements.

    `statements` maps source to statements in order of priority. A source has several, in the order of their keys, where
    things that it tells apart are one entity here.
    """

    key: LinkKey
    criticality: Criticality = Criticality.HARD
    confidence: float = 1.0
    properties: Mapping[str, Any] = field(default_factory=dict)
    origins: tuple[LinkOrigin, ...] = (LinkOrigin.DECLARED,)
    """The origins of the statements, in the order of LinkOrigin."""
    observed_at: str | None = None
    """The latest that a statement says, in UTC with milliseconds."""
    statements: Mapping[str, tuple[LinkStatement, ...]] = field(default_factory=dict)
    revision: int = 0

    @property
    def origin(self) -> LinkOrigin:
        return self.origins[0]


def unresolved(ref: Ref) -> Entity:
    """Return the placeholder of a ref that something points to and nobody declares."""
    kind, _, rest = ref.partition(":")
    namespace, _, name = rest.partition("/")
    state = OwnerState.UNRESOLVED if kind_of(ref) in OWNER_KINDS else None
    return Entity(ref=ref, name=name, kind=kind, namespace=namespace, declared=False, owner_state=state)
