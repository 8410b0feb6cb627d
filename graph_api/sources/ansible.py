"""Ansible: inventories, playbooks, roles and requirements -> hosts, groups and what runs on them.

Read are inventories in INI (`hosts`, `inventory`, `*.ini` of that form) and YAML, the JSON of `ansible-inventory
--list`, playbooks, `roles/NAME/{meta,tasks,handlers}`, and `requirements.yml`. Variables are never kept, be it in
inventories, `group_vars` or roles, save the address of a host.

- A host is a Resource of type compute. Its name, and its address if that is a name too, are identifiers `host:...`; but
  not a name without a domain that several inventories have, nor an address that several hosts of one have.
- A group is a System of type `inventory-group`; its hosts and its child groups are PART_OF it. `all` and `ungrouped`
  are no groups of anybody's.
- A role is a Component of type `role`. It RUNS_ON every host that a play with the role chooses, and DEPENDS_ON roles
  that it names in `dependencies`, `import_role` and `include_role`. Roles of a Galaxy or a collection have one ref in
  all projects; the collection is a Component of type `collection` that they depend on.
- A playbook is a Component of type `playbook` that DEPENDS_ON its roles and on the playbooks that it imports.

Files called `hosts` or `inventory` and those in folders of these names tell of one inventory a folder; another file,
such as `production.ini`, is an inventory by itself. A playbook chooses from the inventories in its folder and below,
or if there are none from those one folder up. Patterns are read as Ansible does, without `~` and `{{ }}`.

Online, AWX and the automation controller are asked for their inventories.

Figures: hosts are counted once, in however many groups they are; memberships are links.

https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html
https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_reuse_roles.html
"""

from collections import Counter
from collections.abc import Container, Sequence
from pathlib import PurePosixPath

from graph_api.catalog.ref import Ref
from graph_api.sources.ansible_api import OPTIONS, fetch
from graph_api.sources.ansible_inventories import (
    EVERYTHING,
    MAX_COMPARED,
    Inventory,
    is_ini,
    is_listing,
    is_yaml,
    read_inventory,
)
from graph_api.sources.ansible_roles import Roles, is_playbook, is_requirements, role_folder
from graph_api.sources.connector import Connector, Online
from graph_api.sources.documents import Document, Place, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import namespace_of, ref_of, scoped

NAME = "ansible"

MAX_LINKS = 200_000
"""Links from roles to hosts."""

_SHARED = frozenset({"hosts", "inventory", "inventories"})
_VARIABLES = frozenset({"group_vars", "host_vars"})
_NOWHERE = frozenset({"localhost", "127.0.0.1", "::1"})


def claims(document: Document) -> bool:
    if document.value is None:
        named = document.name in _SHARED or document.name.endswith((".ini", ".inventory"))
        return named and is_ini(document.text)
    return (
        is_listing(document.value)
        or is_yaml(document.value)
        or is_playbook(document.value)
        or is_requirements(document)
        or role_folder(document) is not None
        or _is_variables(document)
    )


def _is_variables(document: Document) -> bool:
    return bool(_VARIABLES & set(document.folder.parts)) and isinstance(document.value, dict)


def _is_inventory(document: Document) -> bool:
    return document.value is None or is_listing(document.value) or is_yaml(document.value)


def read(documents: Sequence[Document], findings: Findings) -> None:
    inventories, rest = [], []
    for document in documents:
        if _is_variables(document):
            continue
        if _is_inventory(document):
            inventories.append(read_inventory(document, _scope(document.path), findings))
        else:
            rest.append(document)
    scopes = Counter(name for names in _hosts_by_scope(inventories).values() for name in names)
    ambiguous = {name for name, count in scopes.items() if count > 1 and "." not in name}
    for inventory in inventories:
        _state_inventory(inventory, ambiguous, findings)
    roles = Roles(rest, findings)
    left = MAX_LINKS
    for document in rest:
        if is_playbook(document.value):
            left = _read_playbook(document, inventories, roles, findings, left)
    for inventory in inventories:
        if inventory.compared > MAX_COMPARED:
            message = f"patterns of plays choose more than {MAX_COMPARED:,} hosts; what else they choose is left out"
            findings.problem(message, Place(inventory.path, inventory.path))


def _hosts_by_scope(inventories: Sequence[Inventory]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for inventory in inventories:
        found.setdefault(inventory.scope, set()).update(inventory.hosts)
    return found


def _state_inventory(inventory: Inventory, ambiguous: Container[str], findings: Findings) -> None:
    shared = Counter(inventory.addresses.values())
    for name, at in inventory.hosts.items():
        address = inventory.addresses.get(name, "")
        names = [*([name] if name not in ambiguous else ()), *([address] if shared[address] == 1 else ())]
        identifiers = [scoped("host", known) for known in names if known not in _NOWHERE and not _is_number(known)]
        findings.entity(inventory.refs[name], at, name=name, type="compute", identifiers=identifiers)
    for name, group in inventory.groups.items():
        for child in group.children:
            if {name, child}.isdisjoint(EVERYTHING) and name != child:
                findings.link(_group(inventory, child), "PART_OF", _group(inventory, name), group.at)
        if name not in EVERYTHING:
            whole = findings.entity(_group(inventory, name), group.at, name=name, type="inventory-group")
            for host in group.hosts:
                findings.link(inventory.refs[host], "PART_OF", whole, inventory.hosts[host])


def _group(inventory: Inventory, name: str) -> Ref:
    return ref_of("system", inventory.scope, name)


def _is_number(address: str) -> bool:
    """Addresses that are numbers are the same in many networks."""
    return ":" in address or address.replace(".", "").isdecimal()


def _scope(path: str) -> str:
    place = PurePosixPath(path)
    shared = place.name in _SHARED or place.stem in _SHARED or place.parent.name in _SHARED
    return namespace_of(NAME, *place.parent.parts, "" if shared else place.stem)


def _read_playbook(
    document: Document, inventories: Sequence[Inventory], roles: Roles, findings: Findings, left: int
) -> int:
    """State the roles of each play on the hosts that it chooses; gives how many more links there may be."""
    playbook = roles.state_playbook(document)
    near = _near(document.folder, inventories)
    for number, play in mappings(document.value):
        hosts = play.get("hosts")
        pattern = ":".join([hosts] if isinstance(hosts, str) else texts(hosts))
        for role, at in roles.of_play(document, number, play):
            findings.link(playbook, "DEPENDS_ON", role, at)
            within = near if left >= 0 else []
            chosen = [inventory.refs[host] for inventory in within for host in inventory.chosen(pattern)]
            for host in chosen[: max(left, 0)]:
                findings.link(role, "RUNS_ON", host, at)
            if len(chosen) > max(left, 0):
                findings.problem(f"more than {MAX_LINKS:,} links from roles to hosts; more are left out", at)
            left -= len(chosen)
    return left


def _near(folder: PurePosixPath, inventories: Sequence[Inventory]) -> list[Inventory]:
    for top in (folder, folder.parent):
        near = [inventory for inventory in inventories if PurePosixPath(inventory.path).is_relative_to(top)]
        if near:
            return near
    return []


CONNECTOR = Connector(
    name=NAME,
    description="Hosts and groups of Ansible's inventories, and the roles that run on them",
    input="Inventories (INI, YAML, `ansible-inventory --list`; online of AWX), playbooks, roles, requirements.yml",
    claims=claims,
    read=read,
    files=("hosts", "inventory", "*.ini", "*.inventory"),
    online=Online(base_url=None, token_variable="AWX_TOKEN", fetch=fetch, options=OPTIONS),
)
