"""Ansible's inventories (INI, YAML and the JSON of `ansible-inventory --list`) and the patterns that choose hosts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import islice
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Document, Place, dig, mapping, texts
from graph_api.sources.findings import Findings
from graph_api.sources.locations import is_glob
from graph_api.sources.naming import ref_of

MAX_HOSTS = 20_000
"""Hosts of one inventory; a range can name any number."""
MAX_NAMED = 200_000
"""Names of hosts in one inventory, in whatever groups."""
MAX_COMPARED = 2_000_000
"""Names that all patterns together are compared with, and hosts that they choose, in one inventory."""
EVERYTHING = ("all", "ungrouped")
"""Groups that every inventory has."""

# Each of these takes a text once: whoever writes an inventory must not be able to keep its reader busy.
_SECTION = re.compile(r"\[\s*+(?P<group>[^\]:\s][^\]:]*+)(?::\s*+(?P<part>children|vars|hosts)\s*+)?\](?:\s*+[#;].*)?")
_VARIABLE = re.compile(r"""\b[A-Za-z_]\w*=(?:"[^"]*"|'[^']*'|\S*)""")
_ADDRESS = re.compile(r"""\bansible_(?:ssh_)?host=["']?([\w.-]+)""")
_RANGE = re.compile(r"\[(?P<first>\d{1,9}|[A-Za-z]):(?P<last>\d{1,9}|[A-Za-z])(?::(?P<step>\d{1,9}))?\]")
_PORT = re.compile(r"(?<=[^:]):\d+$")
_MAX_RANGES, _MAX_TERMS = 4, 50
_GROUP_KEYS = {"hosts", "children", "vars"}


@dataclass
class Group:
    at: Place
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)


@dataclass
class Inventory:
    """Hosts with the addresses that Ansible reaches them by, and groups. Refs are complete once it is read."""

    path: str
    scope: str
    hosts: dict[str, Place] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    named: int = 0
    full: bool = False
    compared: int = 0
    choices: dict[str, dict[str, None]] = field(default_factory=dict)

    @cached_property
    def refs(self) -> dict[str, Ref]:
        return {name: ref_of("resource", self.scope, name) for name in self.hosts}

    def group(self, name: str, at: Place) -> Group:
        return self.groups.setdefault(name, Group(at))

    def add_hosts(self, pattern: str, group: Group | None, at: Place, address: str | None = None) -> None:
        """The hosts of a name with ranges, as many as there is room for."""
        for name in () if self.full else _expanded(_PORT.sub("", pattern)):
            self.named += 1
            if self.named > MAX_NAMED or (name not in self.hosts and len(self.hosts) >= MAX_HOSTS):
                self.full = True
                return
            self.hosts.setdefault(name, at)
            if address:
                self.addresses.setdefault(name, address)
            if group:
                group.hosts.setdefault(name)

    def chosen(self, pattern: str) -> dict[str, None]:
        """The hosts that a play's pattern means: `web:db`, `all:!db`, `web:&production`, `web*`, `web[0]`."""
        if pattern not in self.choices:
            self.choices[pattern] = self._choose(pattern)
        return self.choices[pattern]

    def _choose(self, pattern: str) -> dict[str, None]:
        """A part of a group is taken for the group."""
        pattern = re.sub(r"\[[-\d:]+\]", "", pattern)
        found, kept, dropped = dict[str, None](), list[dict[str, None]](), dict[str, None]()
        for term in (part.strip() for part in re.split(r"[,:]", pattern)[:_MAX_TERMS]):
            named = self._named(term.lstrip("!&"))
            if term.startswith("!"):
                dropped |= named
            elif term.startswith("&"):
                kept.append(named)
            else:
                found |= named
        return {name: None for name in found if name not in dropped and all(name in other for other in kept)}

    def _named(self, pattern: str) -> dict[str, None]:
        if self.compared > MAX_COMPARED:
            return {}
        if pattern in ("all", "*"):
            self.compared += len(self.hosts)
            return dict.fromkeys(self.hosts)
        found = dict.fromkeys(self._matching(self.hosts, pattern))
        pending = self._matching(self.groups, pattern)
        seen = set(pending)
        while pending:
            group = self.groups.get(pending.pop())
            if group:
                self.compared += len(group.hosts)
                found |= group.hosts
                pending += [child for child in group.children if child not in seen]
                seen |= group.children.keys()
        return found

    def _matching(self, names: Mapping[str, Any], pattern: str) -> list[str]:
        if not is_glob(pattern):
            return [pattern] if pattern in names else []
        self.compared += len(names)
        return [name for name in names if fnmatchcase(name, pattern)]


def is_ini(text: str) -> bool:
    """Whether the lines are those of an inventory, and not of another INI file or of a table of addresses."""
    part, hosts = None, False
    for line in islice(_lines(text), 200):
        if match := _SECTION.fullmatch(line[1]):
            part = match["part"]
        elif part is None or part == "hosts":
            if not _is_host(line[1]):
                return False
            hosts = True
        elif part == "children" and len(line[1].split()) > 1:
            return False
    return hosts


def is_yaml(value: Any) -> bool:
    groups = list(value.values()) if isinstance(value, dict) else []
    return any(isinstance(group, dict) and group.keys() & {"hosts", "children"} for group in groups) and all(
        group is None or (isinstance(group, dict) and group.keys() <= _GROUP_KEYS and _has_mappings(group))
        for group in groups
    )


def _has_mappings(group: Mapping[str, Any]) -> bool:
    return all(value is None or isinstance(value, dict) for value in group.values())


def is_listing(value: Any) -> bool:
    return isinstance(dig(value, "_meta", "hostvars"), dict)


def read_inventory(document: Document, scope: str, findings: Findings) -> Inventory:
    inventory = Inventory(document.path, scope)
    if document.value is None:
        _read_ini(document, inventory)
    elif is_listing(document.value):
        _read_listing(document, inventory)
    else:
        _read_yaml(document, inventory)
    if inventory.full:
        findings.problem(f"more than {MAX_HOSTS:,} hosts; the others are left out", document.at())
    return inventory


def _read_ini(document: Document, inventory: Inventory) -> None:
    group, part = None, None
    for number, line in _lines(document.text):
        at = document.at_line(number)
        if match := _SECTION.fullmatch(line):
            part = match["part"]
            group = inventory.group(match["group"].rstrip(), at)
        elif part == "children" and group:
            group.children.setdefault(line.split()[0])
        elif part != "vars" and _is_host(line):
            address = _ADDRESS.search(line)
            inventory.add_hosts(line.split()[0], group, at, address[1] if address else None)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        bare = re.sub(r"(?:^|\s)[#;].*", "", line).strip()
        if bare:
            yield number, bare


def _is_host(line: str) -> bool:
    name, _, variables = line.partition(" ")
    return "=" not in name and not _VARIABLE.sub("", variables.replace("\t", " ")).strip()


def _read_yaml(document: Document, inventory: Inventory) -> None:
    pending: list[tuple[tuple[str, ...], str, Any]]
    pending = [((name,), name, value) for name, value in reversed(mapping(document.value).items())]
    while pending:
        keys, name, value = pending.pop()
        group = inventory.group(name, document.at(*keys))
        for host, variables in mapping(dig(value, "hosts")).items():
            address = dig(variables, "ansible_host")
            at = document.at(*keys, "hosts", host)
            inventory.add_hosts(host, group, at, address if isinstance(address, str) else None)
        for child, inner in reversed(mapping(dig(value, "children")).items()):
            group.children.setdefault(child)
            pending.append(((*keys, "children", child), child, inner))


def _read_listing(document: Document, inventory: Inventory) -> None:
    for name, value in mapping(document.value).items():
        if name != "_meta":
            group = inventory.group(name, document.at(name))
            for host in texts(dig(value, "hosts")) or texts(value):
                address = document.get("_meta", "hostvars", host, "ansible_host")
                inventory.add_hosts(host, group, document.at(name), address if isinstance(address, str) else None)
            group.children.update(dict.fromkeys(texts(dig(value, "children"))))
    for host in mapping(document.get("_meta", "hostvars")):
        inventory.add_hosts(host, None, document.at("_meta", "hostvars", host))


def _expanded(pattern: str) -> Iterable[str]:
    """`web[01:03]` -> web01, web02, web03; several ranges give every combination."""
    names: Iterable[str] = [pattern]
    for match in reversed(list(islice(_RANGE.finditer(pattern), _MAX_RANGES))):
        combined = (name[: match.start()] + word + name[match.end() :] for name in names for word in _words(match))
        names = list(islice(combined, MAX_HOSTS + 1))
    return names


def _words(match: "re.Match[str]") -> Iterator[str]:
    first, last, step = match["first"], match["last"], max(int(match["step"] or 1), 1)
    if first.isdecimal() and last.isdecimal():
        return (str(number).zfill(len(first)) for number in range(int(first), int(last) + 1, step))
    return (chr(code) for code in range(ord(first[0]), ord(last[0]) + 1, step))
