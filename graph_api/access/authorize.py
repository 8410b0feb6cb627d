"""The one decision: may this principal do that?"""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from enum import Enum

from graph_api.access.principal import Principal, Role
from graph_api.access.rules import RULES, UNFILTERED, Rule
from graph_api.catalog.entity import Entity
from graph_api.catalog.kinds import OWNER_KINDS
from graph_api.catalog.merge import API_SOURCE, SourceOrder
from graph_api.catalog.ref import Ref, kind_of
from graph_api.errors import CatalogError, ErrorCode

SYNC = "sync"
"""Have a configured source synced."""


class Reach(Enum):
    """How far a principal's right to do something goes."""

    EVERYTHING = "everything"
    SOURCE = "the source that it is bound to"
    OWNED = "what its teams own"


def authorize(principal: Principal, action: str, source: str | None = None) -> Reach:
    """Return how far the principal may do the action, a key of RULES. `source` is what it would speak for, or ask
    about. Raises CatalogError FORBIDDEN, also for an action without a rule.
    """
    rule = RULES.get(action)
    if rule and principal.has(*rule.roles):
        return Reach.EVERYTHING
    if rule and rule.own_source and _is_of(principal, source):
        return Reach.SOURCE
    if rule and rule.owned and principal.has(Role.EDITOR) and is_open(source):
        return Reach.OWNED
    raise _forbidden(principal, action, source)


def require_place(order: SourceOrder, source: str | None) -> None:
    """Raise CatalogError FORBIDDEN where nobody has said how far an ingestor's source is believed: by its name alone it
    would stand beside descriptors, and could say who owns what they tell of.
    """
    if source in order.names or is_open(source):
        return
    message = f"list {source} under `sources` of graph-api.yaml, where it is to stand, or bind the key to api:NAME"
    raise CatalogError(ErrorCode.FORBIDDEN, message)


def is_open(source: str | None) -> bool:
    """Whether the source is one that editors write for."""
    return source is None or source == API_SOURCE or source.startswith(f"{API_SOURCE}:")


def is_unfiltered(principal: Principal) -> bool:
    """Whether the principal sees all entities."""
    return principal.has(*UNFILTERED)


def own_source(principal: Principal) -> str | None:
    """The one source of which the principal sees runs and problems; None for all."""
    return None if is_unfiltered(principal) else principal.source


def why_not(
    teams: AbstractSet[Ref], ref: Ref, before: Entity | None, after: Entity | None, claimed: Collection[Ref] = ()
) -> str | None:
    """Why an editor of these teams may not make `after` of what was there `before`; None if it may.

    It changes only what its teams own, declared or not, gives no ownership to others nor takes any from them, and keeps
    its own. Nor does it name others as owners (`claimed`) who are none only as long as another source says otherwise.
    """
    # Who is in which team decides what editors own.
    if kind_of(ref) in OWNER_KINDS:
        return f"{ref} is a group or user: these decide who owns what, so an admin or their source writes them"
    owned_before, owned_after = _owners(before), _owners(after)
    if before and (before.declared or owned_before) and teams.isdisjoint(owned_before):
        return not_yours(ref)
    if after and after.declared and teams.isdisjoint(owned_after):
        return f"one of your teams must own {ref} afterwards"
    if after and not after.declared and not (before and before.declared):
        return not_yours(ref)
    if not (owned_before ^ owned_after) | (set(claimed) - owned_before) <= teams:
        return f"the ownership of {ref} by others is theirs to change"
    return None


def moves_ownership(teams: AbstractSet[Ref], before: Entity, after: Entity) -> bool:
    """Whether an editor of these teams would change who owns what it says nothing of, such as a part of what it writes:
    a thing that others own and its teams do not, or to the loss of others. What nobody owns may get an owner so.
    """
    owned_before, owned_after = _owners(before), _owners(after)
    if not owned_before or owned_before == owned_after:
        return False
    return teams.isdisjoint(owned_before) or not owned_before - owned_after <= teams


def not_yours(ref: Ref) -> str:
    """Return a message that is the same whether there is such a thing or not."""
    return f"there is no {ref} that your teams own"


def _owners(entity: Entity | None) -> frozenset[Ref]:
    return frozenset(owner.ref for owner in entity.owners) if entity else frozenset()


def _is_of(principal: Principal, source: str | None) -> bool:
    """Whether the principal is the ingestor of the source, or of any where none is named."""
    bound = principal.has(Role.INGESTOR) and principal.source is not None
    return bound and source in (None, principal.source)


def _forbidden(principal: Principal, action: str, source: str | None) -> CatalogError:
    field = action.rpartition(".")[2]
    roles = ", ".join(sorted(principal.roles)) or "none"
    about = f" for the source {source!r:.100}" if source is not None else ""
    rule = RULES.get(action)
    return CatalogError(
        ErrorCode.FORBIDDEN, f"you may not use {field}{about}; your roles: {roles}{_who_may(rule, principal)}"
    )


def _who_may(rule: Rule | None, principal: Principal) -> str:
    if rule is None:
        return ""
    # What keeps an editor from it is the source.
    if rule.owned and principal.has(Role.EDITOR):
        return "; editors write for `api` and `api:NAME`"
    others = "" if not rule.own_source else ", and an ingestor for its own source"
    return f"; it is for {', '.join(sorted(rule.roles))}{others}"
