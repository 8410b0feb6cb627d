"""What every resolver of one request shares."""

from dataclasses import dataclass, field
from typing import TypeAlias

import strawberry

from graph_api.access.audit import Attempt
from graph_api.access.principal import Principal
from graph_api.catalog.audience import Visibility
from graph_api.catalog.merge import SourceOrder
from graph_api.graphql.loaders import Loaders
from graph_api.store.protocol import Reading, Store


@dataclass(kw_only=True)
class Context:
    """One per request: loaders cache for its length only."""

    principal: Principal
    catalog: Store
    """For writes, and what no rule restricts. All questions about entities go to `store`."""
    visibility: Visibility
    source_order: SourceOrder
    max_page: int
    deadline: float
    """Seconds that a question may take when the client names no other deadline."""
    client: str = ""
    """Who is at the other end: an address, or `os:NAME`."""
    request_id: str = ""
    store: Reading = field(init=False)
    """The catalog as the principal sees it."""
    attempt: Attempt = field(init=False)
    """The mutation that runs now; mutations run one after the other."""
    loaders: Loaders = field(init=False)
    owned_fields: int = field(default=0, init=False)
    """How many entities `owned` was asked of, see owned.py."""

    def __post_init__(self) -> None:
        self.store = self.catalog.seen_by(self.visibility)
        self.loaders = Loaders(self.store)


Info: TypeAlias = strawberry.Info[Context, None]
