"""Names and datasets in OpenLineage events."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from graph_api.catalog.identifiers import MAX_IDENTIFIER
from graph_api.catalog.merge import DEFAULT_ROLE
from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Place, dig, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, scoped, without_user
from graph_api.sources.owner_hints import state_owners
from graph_api.sources.scalars import text_in

NAME = "openlineage"
MAX_COLUMNS, MAX_LINEAGE, MAX_READ = 200, 100, 20

_ORACLE = re.compile(r"^((?:jdbc:)?oracle:\w+:)\S*@", re.IGNORECASE)
"""Here user and password stand before the address without `//`."""
_SQL_SERVER = re.compile(r"(?:jdbc:)?(?:jtds:)?sqlserver:", re.IGNORECASE)
_MYSQL = re.compile(r"(?:jdbc:)?(?:mysql|mariadb)\b", re.IGNORECASE)
_HOST = re.compile(r"\(([^()]*+)\)")
"""One of MySQL's, as in `address=(host=h)(port=3306)` or `(host=h,port=3306)`."""
_DATABASE = ("database", "databasename")
_ADDRESS = ("host", "port")


class Name(NamedTuple):
    """A job or dataset as OpenLineage names it."""

    namespace: str
    name: str

    def ref(self, kind: str) -> Ref:
        return ref_of(kind, f"{NAME}-{self.namespace}", self.name)

    @property
    def identifiers(self) -> list[str]:
        return [scoped("dataset", f"{self.namespace}/{self.name}")] if self.namespace else []


def name_of_job(value: Any) -> Name | None:
    """The name in `{namespace, name}`, without credentials and queries of URLs. A lone namespace names its one job."""
    namespace, name = _texts(value)
    return Name(namespace, (_safe(name) if "://" in name else name) or namespace) if namespace else None


def name_of_dataset(value: Any) -> Name | None:
    """As `name_of_job`; here it is the name that must be there, and it may be the end of a URL."""
    namespace, name = _texts(value)
    return Name(namespace, _safe(name)) if _safe(name) else None


def _texts(value: Any) -> tuple[str, str]:
    """Namespace and name; both empty where one is longer than any identifier."""
    namespace, name = (text_in(dig(value, key)) or "" for key in ("namespace", "name"))
    if max(len(namespace), len(name)) > MAX_IDENTIFIER:
        return "", ""
    return _safe(namespace), name


def _safe(text: str) -> str:
    """An address, or a part of one, without query, and without credentials as JDBC's drivers write them."""
    # First what may hold an `@`, which is no end of a user there.
    if _SQL_SERVER.match(text):
        text = _without_parameters(text)
    elif _MYSQL.match(text):
        text = _HOST.sub(_address, text)
    return _without_parameters(_ORACLE.sub(r"\1@", without_user(text))).partition("?")[0]


def _address(host: re.Match[str]) -> str:
    """Host and port; what else is said there may be a password."""
    pairs = [pair.strip() for pair in host[1].split(",")]
    kept = [pair for pair in pairs if pair.partition("=")[0].strip().lower() in _ADDRESS]
    return f"({','.join(kept)})" if kept else ""


def _without_parameters(text: str) -> str:
    """Of SQL Server's addresses; all but the database may be a password. Braces hold a value, in which `}}` is `}`."""
    kept, is_open = [], False
    for place, part in enumerate(text.split(";")):
        key, equals, value = part.partition("=")
        is_hidden = is_open or bool(place and equals and key.strip().lower() not in _DATABASE)
        if not is_hidden:
            kept.append(part)
        elif is_open or value.lstrip().startswith("{"):
            is_open = part.count("}") % 2 == 0
    return ";".join(kept)


class Aliases:
    """Which names are one dataset, because symlinks anywhere among the rows tie them together.

    A name that two datasets bear which do not name each other, such as that of a table that was moved, ties none.
    """

    def __init__(self, rows: Iterable[Any]) -> None:
        linked: dict[Name, set[Name]] = defaultdict(set)
        bearers: dict[Name, set[Name]] = defaultdict(set)
        for name, other in (
            (name, other) for row in rows if (name := name_of_dataset(row)) for other in _symlinks(row)
        ):
            linked[name].add(other)
            bearers[other].add(name)
        self._groups: dict[Name, set[Name]] = {}
        for alias, names in bearers.items():
            first = min(names)
            if all(name == first or name in linked[first] or first in linked[name] for name in names):
                for name in names:
                    self._unite(alias, name)
        chosen = {id(self._groups[name]): name for name in sorted(linked.keys() & self._groups.keys(), reverse=True)}
        self._chosen = {name: chosen[id(group)] for name, group in self._groups.items()}

    def _unite(self, one: Name, other: Name) -> None:
        small, large = sorted((self._groups.setdefault(name, {name}) for name in (one, other)), key=len)
        if small is not large:
            large |= small
            self._groups.update(dict.fromkeys(small, large))

    def of(self, name: Name) -> Name:
        """The name that stands for the dataset: the first by text of those that a facet stands on."""
        return self._chosen.get(name, name)


def _symlinks(row: Any) -> list[Name]:
    """Without a namespace a name is no alias: it would tie together what has nothing in common."""
    links = mappings(dig(row, "facets", "symlinks", "identifiers"))
    return [name for _, link in links if (name := name_of_dataset(link)) and name.namespace]


def read_dataset(
    row: Any, at: Place, time: str | None, aliases: Aliases, findings: Findings, *, names: Sequence[str] = ()
) -> Ref | None:
    """State a dataset with its owners, and what its columns are made of; `names` are further identifiers."""
    name = name_of_dataset(row)
    if name is None:
        findings.problem("a dataset without name", at)
        return None
    if not name.namespace:
        findings.problem(f"the dataset {name.name} without namespace joins no other", at)
    facets = mapping(dig(row, "facets"))
    columns = [text for _, field in mappings(dig(facets, "schema", "fields")) if (text := _column(field))]
    known = aliases.of(name)
    ref = findings.entity(
        known.ref("dataset"),
        at,
        name=known.name,
        type=_type(name, facets),
        description=text_in(dig(facets, "documentation", "description")),
        spec={"columns": columns[:MAX_COLUMNS]} if columns else {},
        identifiers=[text for other in (name, *_symlinks(row)) for text in other.identifiers] + list(names),
    )
    state_owners_of(ref, facets, at, findings)
    for source, made in _lineage(facets, aliases).items():
        if source != known:
            read = source.ref("dataset")
            findings.link(ref, "READS_FROM", read, at, properties={"columns": made}, observed_at=time)
    return ref


def _column(field: dict[str, Any]) -> str:
    name, type_ = text_in(field.get("name")), text_in(field.get("type"))
    return f"{name} {type_}" if name and type_ else name or ""


def _type(name: Name, facets: dict[str, Any]) -> str | None:
    links = (text_in(link.get("type")) for _, link in mappings(dig(facets, "symlinks", "identifiers")))
    told = text_in(dig(facets, "datasetType", "datasetType")) or next(filter(None, links), None)
    return told.lower() if told else "topic" if name.namespace.startswith("kafka://") else None


def _lineage(facets: dict[str, Any], aliases: Aliases) -> dict[Name, dict[str, list[str]]]:
    """Columns by the dataset that they are made of: `{column: [columns read]}`."""
    found: dict[Name, dict[str, list[str]]] = defaultdict(dict)
    for column, made in islice(mapping(dig(facets, "columnLineage", "fields")).items(), MAX_LINEAGE):
        for _, source in mappings(dig(made, "inputFields"))[:MAX_READ]:
            name, field = name_of_dataset(source), text_in(source.get("field"))
            if name and field and field not in (read := found[aliases.of(name)].setdefault(column, [])):
                read.append(field)
    return {name: columns for name, columns in found.items() if any(columns.values())}


def state_owners_of(ref: Ref, facets: dict[str, Any], at: Place, findings: Findings) -> None:
    """Owners of the facet `ownership`."""
    for place, owner in mappings(dig(facets, "ownership", "owners")):
        role = text_in(owner.get("type")) or DEFAULT_ROLE
        state_owners(ref, owner.get("name"), at, findings, role=role, first=place == 0)
