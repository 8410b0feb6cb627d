"""Who asks: a person, a program with a key, or anybody where the operator allows that."""

from dataclasses import dataclass
from enum import StrEnum

from graph_api.catalog.ref import Ref


class Role(StrEnum):
    """What a principal may do. Each also reads; nobody reads without one."""

    VIEWER = "viewer"
    """Reads what is not restricted, or restricted to its own teams."""
    EDITOR = "editor"
    """Writes what its teams own."""
    ADMIN = "admin"
    """Reads and writes everything, and manages keys."""
    INGESTOR = "ingestor"
    """Writes for the one source that it is bound to, and nothing else."""
    SECURITY = "security"
    """Reads everything, findings included."""
    AUDITOR = "auditor"
    """Reads everything, and the audit log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """`name` stands in the audit log: `user:default/ann`, `subject:auth0|1`, `key:ci`, `anonymous`."""

    name: str
    roles: frozenset[Role]
    user: Ref | None = None
    """The user of the catalog that this is."""
    groups: frozenset[Ref] = frozenset()
    """Groups of which it is a member, as its token says or the catalog does; not those below or above them."""
    source: str | None = None
    """The one source that an ingestor speaks for."""
    expires_at: float | None = None
    """Seconds since 1970; None for never."""

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)


LOCAL = Principal(name="local", roles=frozenset(Role))
"""Whoever has the store's own file or password, such as the command line."""

ANONYMOUS = Principal(name="anonymous", roles=frozenset(Role))
"""Everybody, where the operator lets everybody in."""

NOBODY = Principal(name="nobody", roles=frozenset())
"""Whoever has not said yet who it is."""
