"""A schema that misbehaves on request, and a store whose database can be switched off."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import cast

import strawberry
from strawberry.scalars import JSON

from graph_api.access.principal import Principal
from graph_api.catalog.audience import EVERYTHING, Visibility
from graph_api.catalog.merge import SourceOrder
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.context import Context
from graph_api.graphql.document_cache import ValidDocuments
from graph_api.graphql.error_format import CatalogSchema
from graph_api.graphql.limits import DocumentLimits, Limits
from graph_api.live import LiveChanges
from graph_api.store.protocol import Needed, Reading, Store

SECRET = "password=hunter2"


class Waiting:
    """How many resolvers wait now, and have begun to; a test can await a number without polling."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self.begun = 0
        self.may_end = False
        """Whether queries that wait are answered."""

    def add(self, change: int) -> None:
        with self._changed:
            self._count += change
            self.begun += max(0, change)
            self._changed.notify_all()

    def becomes(self, count: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._count == count, 30)

    def begins_after(self, begun: int) -> bool:
        """Also what has ended by now."""
        with self._changed:
            return self._changed.wait_for(lambda: self.begun > begun, 30)

    @contextmanager
    def all_answered(self) -> Iterator[None]:
        self.may_end = True
        yield
        self.may_end = False


waiting = Waiting()


@strawberry.input
class Condition:
    text: str | None = None
    not_: "Condition | None" = strawberry.field(name="not", default=None)


@strawberry.type
class Node:
    @strawberry.field
    def name(self) -> str:
        return "node"

    @strawberry.field
    def child(self) -> "Node":
        return Node()

    @strawberry.field
    def echo(
        self,
        number: float | None = None,
        whole: int | None = None,
        text: str | None = None,
        value: JSON | None = None,
        where: Condition | None = None,
    ) -> str:
        return repr((number, whole, text, value, where))


@strawberry.type
class Query(Node):
    @strawberry.field
    async def wait(self) -> str:
        """Never answers, unless a test lets it."""
        waiting.add(1)
        try:
            while not waiting.may_end:  # noqa: ASYNC110 - the test runs in another thread
                await asyncio.sleep(0.01)
        finally:
            waiting.add(-1)
        return ""

    @strawberry.field
    def refuse(self) -> str | None:
        raise CatalogError(ErrorCode.NOT_FOUND, "There is no such thing", refs=["a", "b"])

    @strawberry.field
    def fail(self) -> str | None:
        raise RuntimeError(f"cannot connect with {SECRET}")

    @strawberry.field
    def time_out(self) -> str | None:
        raise TimeoutError

    @strawberry.field
    def wrong_type(self) -> int | None:
        return cast("int", "no number: " + SECRET)

    @strawberry.field
    def odd(self) -> JSON:
        return cast("JSON", {"surrogate": "\ud800", "nan": float("nan"), "big": 2**70})


@strawberry.type
class Mutation:
    @strawberry.mutation
    def touch(self) -> bool:
        return True


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def wait(self) -> AsyncGenerator[int, None]:
        """Never says anything."""
        waiting.add(1)
        try:
            await asyncio.Future()
            yield 0
        finally:
            waiting.add(-1)

    @strawberry.subscription
    async def texts(self, size: int, count: int) -> AsyncGenerator[str, None]:
        waiting.add(1)
        try:
            for _ in range(count):
                yield "x" * size
        finally:
            waiting.add(-1)

    @strawberry.subscription
    async def fail(self) -> AsyncGenerator[int, None]:
        yield 1
        raise RuntimeError(f"cannot connect with {SECRET}")


schema = CatalogSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    extensions=[lambda: DocumentLimits(Limits(), ValidDocuments())],
)


class Database:
    """Stands for the store: the outside world that can be down, silent, or never mend."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.silent = False
        self.closed = False

    async def open(self) -> None:
        await self.ping()

    async def ping(self) -> None:
        if self.error:
            raise self.error
        if self.silent:
            await asyncio.Future()

    async def close(self) -> None:
        self.closed = True

    async def context(self, principal: Principal) -> Context:
        return Context(
            principal=principal,
            catalog=self.as_store(),
            visibility=EVERYTHING,
            live=LiveChanges(self.as_store()),
            source_order=SourceOrder(),
            max_page=100,
            deadline=5,
        )

    def seen_by(self, _visibility: Visibility, _needed: Needed | None = None) -> Reading:
        return self.as_store()

    def as_store(self) -> Store:
        return cast("Store", self)
