"""What every resolver of one request shares."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import strawberry

from graph_api.access.audit import Attempt
from graph_api.access.principal import Principal
from graph_api.catalog.audience import Visibility
from graph_api.catalog.merge import SourceOrder
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.loaders import Loaders
from graph_api.limit_settings import DEFAULTS
from graph_api.live import LiveChanges
from graph_api.store.protocol import Needed, Reading, Store
from graph_api.visibilities import VisibilityAt


class AnswerTooLargeError(CatalogError):
    def __init__(self, most: int) -> None:
        message = f"The answer holds more than {most:,} objects; ask for smaller pages or fewer levels."
        super().__init__(ErrorCode.TOO_LARGE, message)


@dataclass(kw_only=True)
class Context:
    """One per request: loaders cache for its length only."""

    principal: Principal
    catalog: Store
    """The store for writes, and what no rule restricts. All questions about entities go to `store`."""
    visibility: Visibility
    live: LiveChanges
    source_order: SourceOrder
    max_page: int
    deadline: float
    """Seconds that a question may take when the client names no other deadline."""
    max_objects: int = DEFAULTS["max_cost"]
    """Objects that lists of one answer may hold: those that are not paged may be longer than the estimate assumes."""
    look: Callable[[], Awaitable[VisibilityAt]] | None = None
    """Tells what the principal sees now; None where that does not change."""
    seen_at: int | None = None
    """The revision of `visibility`, of which alone it is sure; None where that does not change."""
    introspection: bool = True
    charge: Callable[[int], None] = lambda _objects: None
    """Told how many objects the answer may hold, before it is made."""
    check_document: Callable[[str], None] = lambda _text: None
    """Raises GraphQLError for a document that is not trusted here."""
    client: str = ""
    """Who is at the other end: an address, or `os:NAME`."""
    request_id: str = ""
    store: Reading = field(init=False)
    """The catalog as the principal sees it, with what the operation needs."""
    needed: Needed | None = field(default=None, init=False)
    attempt: Attempt = field(init=False)
    """The mutation that runs now; mutations run one after the other."""
    refused: set[tuple[str, ErrorCode | None]] = field(default_factory=set, init=False)
    """Actions and codes of the mutations that were refused and recorded."""
    loaders: Loaders = field(init=False)
    owned_fields: int = field(init=False)
    """How many entities `owned` was asked of, see owned.py."""
    listed: int = field(init=False)

    def __post_init__(self) -> None:
        self._see()

    def need(self, needed: Needed | None) -> None:
        """Say what is needed of entities and links, or everything; told before anything is read."""
        if needed != self.needed:
            self.needed = needed
            self._see()

    def _see(self) -> None:
        self.store = self.catalog.seen_by(self.visibility, self.needed)
        self.forget()

    async def look_again(self) -> None:
        """Ask what the principal sees by now, for what begins anew, or lasts longer than a request: teams, and what
        affects them, may be others.
        """
        if self.look:
            self.visibility, self.seen_at = await self.look()
        self._see()

    def read_anew(self) -> None:
        """Forget what was read before a write of the request: what is told of it, and of those that follow, is as it is
        then.
        """
        self.seen_at = None
        self._load_anew()

    def forget(self) -> None:
        """Forget what has been read: each event of a subscription is as a request of its own."""
        self._load_anew()
        self.owned_fields = 0
        self.listed = 0

    def _load_anew(self) -> None:
        self.loaders = Loaders(self.store, lambda: self.catalog.seen_by(self.visibility), self.seen_at)

    def count(self, items: int) -> None:
        """Count the items of one more list. Raises AnswerTooLargeError."""
        self.check_room(items)
        self.listed += items

    def check_room(self, items: int) -> None:
        """Check that there is room for what is about to be read. Raises AnswerTooLargeError."""
        if self.listed + items > self.max_objects:
            raise AnswerTooLargeError(self.max_objects)


Info: TypeAlias = strawberry.Info[Context, None]
