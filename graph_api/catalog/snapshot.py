"""What a source says at one moment, and what was wrong with how it said it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from graph_api.catalog.entity import EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.ref import Ref


class ProblemCode(StrEnum):
    """Why a document, or a part of one, did not go in as written."""

    UNREADABLE = "UNREADABLE"
    """The file cannot be read or decoded, or an API refuses this answer."""
    BAD_YAML = "BAD_YAML"
    """The text is not valid YAML or JSON."""
    TOO_LARGE = "TOO_LARGE"
    """The file, its nesting or its YAML aliases exceed a limit."""
    NOT_A_DESCRIPTOR = "NOT_A_DESCRIPTOR"
    """The document is no descriptor, and nothing else that was asked reads it."""
    NO_API_VERSION = "NO_API_VERSION"
    """The document looks like a descriptor and has no apiVersion, so it is left alone."""
    TEMPLATE = "TEMPLATE"
    """The document holds template placeholders, or is a template of a chart, and is no entity yet."""
    INVALID = "INVALID"
    """A field that the format requires is missing or has a wrong shape."""
    BAD_REF = "BAD_REF"
    """A ref breaks the grammar; the rest of the document went in."""
    MISSPELLED = "MISSPELLED"
    """A kind or field that is not known and is spelled nearly like one that is; it is stored as it stands."""
    BAD_LINK_END = "BAD_LINK_END"
    """A link whose end has a kind that the relation table does not allow; it is stored."""
    DUPLICATE = "DUPLICATE"
    """The same ref stands twice in the source; the first by path and line wins. Or two names make one ref."""
    OUTSIDE_ROOT = "OUTSIDE_ROOT"
    """A path leads outside the folder that is synced."""
    NOT_FETCHED = "NOT_FETCHED"
    """A target on the network is not read from files."""
    CYCLE = "CYCLE"
    """A location points back to itself."""
    BAD_CODEOWNERS = "BAD_CODEOWNERS"
    """A line of a CODEOWNERS file that the hosting service ignores as well."""
    NO_REPOSITORY = "NO_REPOSITORY"
    """A CODEOWNERS file whose repository cannot be told."""
    UNKNOWN_FORMAT = "UNKNOWN_FORMAT"
    """No connector reads such a document."""
    BAD_FORMAT = "BAD_FORMAT"
    """A connector reads this format, but not this version or shape of it."""
    OUTRANKED = "OUTRANKED"
    """A source that comes first tells otherwise of the same entity; it is stored, and has no effect meanwhile."""
    NOTHING_STATED = "NOTHING_STATED"
    """A document that is read and adds nothing: the catalog has no use for it, or has all from other documents."""


class Severity(StrEnum):
    """REFUSED: nothing of the document went in. WARNING: the rest of it did. INFO: nothing to mend."""

    REFUSED = "REFUSED"
    WARNING = "WARNING"
    INFO = "INFO"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    code: ProblemCode
    severity: Severity
    message: str
    path: str
    line: int | None = None
    ref: Ref | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that a source says now. Statements are unique by ref and by link key.

    `unreadable` names documents whose earlier statements stay, marked stale, because they could not be read now.
    """

    source: str
    connector: str
    entities: Mapping[Ref, EntityStatement] = field(default_factory=dict)
    links: Mapping[LinkKey, LinkStatement] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    unreadable: frozenset[str] = frozenset()
    read_from: str | None = None
    """The folder, where the source has its name from nothing but it: another folder may have the same."""
