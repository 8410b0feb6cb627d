"""What a principal may see of the catalog: everything, or what is for everybody and for its own tokens."""

from collections.abc import Iterable

from graph_api.access.authorize import is_unfiltered
from graph_api.access.principal import Principal
from graph_api.catalog.audience import EVERYTHING, Visibility
from graph_api.catalog.ref import Ref


def visibility_of(principal: Principal, teams: Iterable[Ref], granted: frozenset[Ref] = frozenset()) -> Visibility:
    """Return what the principal sees. `teams`: its user, its groups and all groups below them."""
    if is_unfiltered(principal):
        return EVERYTHING
    return Visibility(frozenset({*(f"role:{role}" for role in principal.roles), *teams}), granted)
