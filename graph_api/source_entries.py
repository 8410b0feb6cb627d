"""The entries of the setting `sources`: what a source is called, and where what it says comes from."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from graph_api.sources.codeowners import repository_url_of
from graph_api.sources.registry import CONNECTORS, ONLINE

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_PERIOD = re.compile(r"([1-9][0-9]{0,5})([smhd])")


def _seconds(value: object) -> object:
    found = _PERIOD.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("write a number and s, m, h or d, as in 15m")
    return int(found[1]) * _UNITS[found[2]]


def _check_connector(name: str) -> str:
    if name not in CONNECTORS:
        raise ValueError(f"there is no connector {name}; `graph-api connectors` lists them")
    return name


def _check_online(name: str) -> str:
    if name not in ONLINE:
        _check_connector(name)
        raise ValueError(f"{name} reads files only: give `paths` and `connectors: [{name}]` instead")
    return name


def _check_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write http://HOST or https://HOST")
    if "@" in parts.netloc:
        raise ValueError("no user or password in the URL; the variable that token_variable names holds the token")
    return url


def _check_repository(repo: str) -> str:
    if repository_url_of(repo) is None:
        raise ValueError("write org/repo or the repository's URL")
    return repo


_Name = Annotated[str, Field(pattern=r"^[^\s?#%]+$", max_length=200)]
_Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Name


class NamedSource(_Entry):
    """Only a place in the order of priority: it is synced elsewhere."""


class _ConfiguredSource(_Entry):
    every: Annotated[int, BeforeValidator(_seconds)] | None = None
    """Seconds between the beginnings of two runs."""
    webhook_secret_variable: _Variable | None = None
    """The environment variable with the secret of those who may ask for a run."""


class FileSource(_ConfiguredSource):
    """Files and folders, read by all connectors or by those named."""

    paths: Annotated[tuple[Path, ...], Field(min_length=1)]
    repo: Annotated[str, AfterValidator(_check_repository)] | None = None
    connectors: tuple[Annotated[str, AfterValidator(_check_connector)], ...] = ()


class OnlineSource(_ConfiguredSource):
    """A tool that is asked over its API. `token_variable` names an environment variable, not the token."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    connector: Annotated[str, AfterValidator(_check_online)]
    url: Annotated[str, AfterValidator(_check_url)] | None = None
    token_variable: _Variable | None = None
    options: Mapping[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_with_connector(self) -> "OnlineSource":
        online = ONLINE[self.connector].online
        if online is None:
            raise ValueError(f"{self.connector} has no API")
        if self.url is None and online.base_url is None:
            raise ValueError(f"{self.connector} needs the `url` of its API")
        if unknown := sorted(self.options.keys() - online.options.keys()):
            known = ", ".join(online.options) or "none"
            raise ValueError(f"{self.connector} has no option {', '.join(unknown)}; its options: {known}")
        return self


def _form(value: Any) -> str:
    """Return which of the entries a mapping is meant to be."""
    if not isinstance(value, Mapping):
        return "name"
    return "online" if "connector" in value else "files" if value.keys() - {"name"} else "name"


SourceEntry: TypeAlias = Annotated[
    Annotated[NamedSource, Tag("name")] | Annotated[FileSource, Tag("files")] | Annotated[OnlineSource, Tag("online")],
    Discriminator(_form),
]
Configured: TypeAlias = FileSource | OnlineSource
"""A source that this program can sync by itself."""


def entries_of(value: object) -> object:
    """Return the entries, with those that are names alone as mappings."""
    if not isinstance(value, list | tuple):
        return value
    return [{"name": item} if isinstance(item, str) else item for item in value]


def check_unique(entries: tuple[SourceEntry, ...]) -> tuple[SourceEntry, ...]:
    names = [entry.name for entry in entries]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"{twice} is listed twice")
    return entries


def below(folder: Path, entries: object) -> object:
    """Entries as a file in this folder has them, with the paths seen from the working directory."""
    return [_below(folder, entry) for entry in entries] if isinstance(entries, list) else entries


def _below(folder: Path, entry: object) -> object:
    if not isinstance(entry, dict) or not isinstance(entry.get("paths"), Sequence) or isinstance(entry["paths"], str):
        return entry
    return {**entry, "paths": [folder / path if isinstance(path, str) else path for path in entry["paths"]]}
