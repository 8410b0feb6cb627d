"""Every setting, once: as an option of the command, as GRAPH_API_NAME, and as a key of graph-api.yaml."""

import os
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from graph_api.access_settings import AccessSettings, check_access, is_address, is_loopback, split
from graph_api.catalog.kinds import BUILT_IN_KINDS, Kind
from graph_api.catalog.ref import DEFAULT_NAMESPACE, make_ref, parse_ref
from graph_api.limit_settings import LimitSettings
from graph_api.live_settings import LiveSettings
from graph_api.operation_settings import LOOPBACK_NAMES, OperationSettings
from graph_api.restriction_settings import RestrictionSettings
from graph_api.setting_errors import reason, suggest
from graph_api.source_entries import Configured, NamedSource, SourceEntry, below, check_unique, entries_of
from graph_api.store.retention import Retention
from graph_api.trusted_documents import DocumentSettings, check_documents

ENV_PREFIX = "GRAPH_API_"
DEFAULT_FILE = Path("graph-api.yaml")
IN_MEMORY = ":memory:"
STORE_FORMS = "embedded:PATH, embedded::memory:, neo4j://HOST:PORT or bolt://HOST:PORT"

_OTHER_VARIABLES = ("GRAPH_API_CACHE",)  # where the local Neo4j keeps what it downloads

_NEO4J_URL = re.compile(r"(?:neo4j|bolt)(?:\+s|\+ssc)?://(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?/?")

# Not `*`: on a server that lets everybody in, any page in a browser could ask, and write.
_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")

_HOST = re.compile(r"[A-Za-z0-9._-]+")


class BadSettingsError(ValueError):
    """Settings that cannot be used; the message names each of them."""


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _check_store(url: str) -> str:
    if "@" in url and not url.startswith("embedded:"):
        raise ValueError("no user or password in the URL; set neo4j_user and neo4j_password")
    if _NEO4J_URL.fullmatch(url) or (url.startswith("embedded:") and url != "embedded:"):
        return url
    raise ValueError(f"write {STORE_FORMS}")


def _kinds_by_name(value: object) -> object:
    """Return the kinds as mappings; one of which only the name is given may be a text."""
    kinds = split(value)
    return [{"name": kind} if isinstance(kind, str) else kind for kind in kinds] if isinstance(kinds, list) else kinds


def _check_kinds(kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    taken = set(BUILT_IN_KINDS)
    for kind in kinds:
        make_ref(kind.name, DEFAULT_NAMESPACE, "any")
        if kind.key in taken:
            raise ValueError(f"there is a kind {kind.name} already")
        if kind.like is not None and kind.like.lower() not in BUILT_IN_KINDS:
            raise ValueError(f"{kind.name} is like {kind.like}, which is no built-in kind")
        taken.add(kind.key)
    return kinds


def _check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin} is no origin; write each one in full, as in https://portal.example:8443")
    return origins


def _check_hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    for host in hosts:
        if not (_HOST.fullmatch(host) or is_address(host)):
            raise ValueError(f"{host} is no name of a host; write each one in full, without scheme and port")
    return hosts


def _check_groups(groups: tuple[str, ...]) -> tuple[str, ...]:
    for group in groups:
        if not _HOST.fullmatch(group):
            raise ValueError(f"{group} is no group; write what stands before the / of apiVersion, as in acme.example")
    return groups


_Kinds = Annotated[tuple[Kind, ...], NoDecode, BeforeValidator(_kinds_by_name), AfterValidator(_check_kinds)]


def _pairs(value: object) -> object:
    """Split pairs, each of which may be one text in the environment, with an equals sign."""
    pairs = split(value)
    return [pair.split("=") if isinstance(pair, str) else pair for pair in pairs] if isinstance(pairs, list) else pairs


def _check_pairs(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    refs = tuple((parse_ref(one), parse_ref(other)) for one, other in pairs)
    if same := next((one for one, other in refs if one == other), None):
        raise ValueError(f"{same} stands twice in a pair; write two refs")
    return refs


def _registries(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((one.strip("/").lower(), other.strip("/").lower()) for one, other in pairs)


_Pairs = Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(_pairs), AfterValidator(_check_pairs)]
_Mirrors = Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(_pairs), AfterValidator(_registries)]
_Sources = Annotated[
    tuple[SourceEntry, ...],
    NoDecode,
    BeforeValidator(lambda value: entries_of(split(value))),
    AfterValidator(check_unique),
]
_Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)]
_Hosts = Annotated[_Names, AfterValidator(_check_hosts)]
_Groups = Annotated[_Names, AfterValidator(_check_groups)]
_Origins = Annotated[_Names, AfterValidator(_check_origins)]


class Settings(LimitSettings, DocumentSettings, AccessSettings, LiveSettings, OperationSettings, RestrictionSettings):
    """What a deployment can choose. A value given in code wins over the environment, that over the file."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

    store: Annotated[str, AfterValidator(_check_store)] = Field(
        default="embedded:data/catalog.db", description=f"Where the catalog is kept: {STORE_FORMS}."
    )
    neo4j_user: str = Field(default="neo4j", description="User of the Neo4j database.")
    neo4j_password: SecretStr | None = Field(
        default=None, description="Password of the Neo4j database; without one, no authentication is tried."
    )
    neo4j_database: str = Field(default="neo4j", description="Name of the database in Neo4j.")
    host: str = Field(default="127.0.0.1", description="Address to serve on.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to serve on; 0 takes any free one.")
    allowed_hosts: _Hosts = Field(
        default=(),
        description="Names that clients may reach the server by (the Host header), besides `host` and those of "
        "loopback. Empty: any name, but on loopback only its own.",
    )
    cors_origins: _Origins = Field(
        default=(),
        description="Origins whose pages browsers may let ask the server (CORS), such as https://portal.example.",
    )
    sources: _Sources = Field(
        default=(),
        description="Names of sources, highest priority first; in the file also objects that say what to sync, see "
        "docs/sources.md. Then come descriptors and what has no connector in its name, then other connectors; ties by "
        "name. Those that observe come after all that declare, listed or not, then what only names a thing, and `api` "
        "and `api:*` last, unless they are listed.",
    )
    join_names: _Names = Field(
        default=(),
        description="Kinds whose entities of one name are one thing, whichever source tells of them; by default "
        "nothing is joined by a bare name.",
    )
    separate: _Pairs = Field(
        default=(),
        description="Pairs of refs that are never joined, whatever identifiers they share: lists of two refs, or in "
        "the environment `ref=ref`.",
    )
    image_mirrors: _Mirrors = Field(
        default=(),
        description="Pairs of registries, or of folders in them, that hold the same images, such as "
        "`[docker.io/acme, mirror.example/acme]`; in the environment `one=other`.",
    )
    descriptor_groups: _Groups = Field(
        default=(),
        description="Groups of apiVersion, besides backstage.io, whose documents are always read as descriptors.",
    )
    kinds: _Kinds = Field(
        default=(),
        description="Kinds besides the built-in ones: names, or in the file also objects of `name`, `description`, "
        "`ownable` (true by default) and `like` (a built-in kind whose places at the ends of links it may take).",
    )
    keep_runs: int = Field(
        default=Retention().runs, ge=1, description="Runs that are kept of each source; HELD ones are kept besides."
    )
    keep_removed: int = Field(
        default=Retention().removed,
        ge=1,
        description="Removals that `changes` remembers; asked for changes since an older revision, it says TOO_OLD.",
    )
    log_level: LogLevel = Field(default=LogLevel.INFO, description="Least important messages to log.")

    @property
    def store_file(self) -> Path | None:
        """The file of an embedded store; None for one in memory and for Neo4j."""
        scheme, _, path = self.store.partition(":")
        return Path(path) if scheme == "embedded" and path != IN_MEMORY else None

    @property
    def password_of_neo4j(self) -> str | None:
        if self.neo4j_password_file:
            return self.neo4j_password_file.read_text(encoding="utf-8").rstrip("\n") or None
        return (self.neo4j_password.get_secret_value() or None) if self.neo4j_password else None

    @property
    def source_names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self.sources)

    @property
    def configured_sources(self) -> tuple[Configured, ...]:
        """The entries of `sources` that say what to sync."""
        return tuple(entry for entry in self.sources if not isinstance(entry, NamedSource))

    @property
    def on_loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def known_hosts(self) -> frozenset[str] | None:
        """The names in Host headers that are answered; None for all."""
        if not self.on_loopback and not self.allowed_hosts:
            return None
        return frozenset(name.lower() for name in (self.host, *LOOPBACK_NAMES, *self.allowed_hosts))

    @model_validator(mode="after")
    def _check_together(self) -> "Settings":
        check_access(self, self.host)
        check_documents(self)
        return self


def load_settings(config: Path | None = None, chosen: Mapping[str, Any] | None = None) -> Settings:
    """The settings of `chosen`, then the environment, then the file (graph-api.yaml in the working directory where
    that exists), then the defaults. Raises BadSettingsError.
    """
    path = config or DEFAULT_FILE
    if unknown := list(_unknown_variables()):
        raise BadSettingsError("\n".join(unknown))
    written = _read(path) if config or path.is_file() else {}

    class Layered(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes all by name
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes all by name
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=written)

    try:
        return Layered(**(chosen or {}))
    except ValidationError as error:
        raise BadSettingsError("\n".join(_explain(row, path) for row in error.errors(include_url=False))) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSettingsError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadSettingsError(f"{path}: not UTF-8") from error
    except yaml.YAMLError as error:
        # The error's own text quotes the file, where a password may stand.
        mark = getattr(error, "problem_mark", None)
        raise BadSettingsError(f"{path}:{mark.line + 1 if mark else 1}: not valid YAML") from error
    if not isinstance(values, dict | NoneType):
        raise BadSettingsError(f"{path}: write one setting a line, as in `port: 8000`")
    written = {str(name): value for name, value in (values or {}).items()}
    return written | {"sources": below(path.parent, written["sources"])} if "sources" in written else written


def _unknown_variables() -> Iterator[str]:
    for variable in sorted(os.environ):
        name = variable.upper().removeprefix(ENV_PREFIX).lower()
        known = name in Settings.model_fields or variable in _OTHER_VARIABLES
        if variable.upper().startswith(ENV_PREFIX) and not known:
            yield f"{variable} is no setting{suggest(name, Settings.model_fields, ENV_PREFIX)}"


def _explain(row: Mapping[str, Any], path: Path) -> str:
    if not row["loc"]:
        return str(row["msg"]).removeprefix("Value error, ")
    name, *inside = map(str, row["loc"])
    if row["type"] == "extra_forbidden" and not inside:
        return f"{path}: {name} is no setting{suggest(name, Settings.model_fields)}"
    place = ".".join(inside) + ": " * bool(inside)
    return f"{name}: {place}{reason(row)} (from an option, {ENV_PREFIX}{name.upper()} or {path})"
