"""One event loop and at most one Neo4j for the whole session, and an empty store for each test.

With several workers (`pytest -n 2 --dist loadscope`) each is a session of its own.

NEO4J_URI (with NEO4J_USER and NEO4J_PASSWORD) names a database to use, which must be empty: the tests wipe it.
Without it a local one is started, of version NEO4J_VERSION if that is set.
"""

import asyncio
import inspect
import logging
import os
from collections.abc import Callable, Coroutine, Generator, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import neo4j
import pytest
from hypothesis import HealthCheck, settings

from graph_api import local_neo4j
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.mirror.store import MirroredStore
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.store.protocol import Store
from graph_api.store.retention import Retention
from tests.patience import LONG, be_patient
from tests.ports import free_port

Run: TypeAlias = Callable[[Coroutine[Any, Any, Any]], Any]
OpenStore: TypeAlias = Callable[..., Coroutine[Any, Any, Store]]
"""Takes a Retention, where it matters."""

# An example on Neo4j takes as long as its queries' plans; and Hypothesis would see a fixture's store as state.
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=25,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
settings.load_profile("ci")

_LOG = logging.getLogger(__name__)
_RUNNER = pytest.StashKey[asyncio.Runner]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_RUNNER] = asyncio.Runner()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Workers send reports as UTF-8, and some tests write what that cannot hold."""
    report = yield
    report.sections = [(name, text.encode(errors="replace").decode()) for name, text in report.sections]
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_RUNNER].close()


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests in the loop of the session."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    pyfuncitem.config.stash[_RUNNER].run(pyfuncitem.obj(**arguments))
    return True


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        be_patient(patch)
        yield


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command that runs in this process configures the logs of all of it."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    for handler in [handler for handler in root.handlers if type(handler) is logging.StreamHandler]:
        root.removeHandler(handler)


@pytest.fixture(scope="session")
def run(pytestconfig: pytest.Config) -> Run:
    """Run a coroutine in the loop of the session, from a plain test or fixture."""
    return pytestconfig.stash[_RUNNER].run


@pytest.fixture(scope="session")
def neo4j_auth() -> tuple[str, str] | None:
    user, password = os.environ.get("NEO4J_USER"), os.environ.get("NEO4J_PASSWORD")
    return (user or "neo4j", password) if password else None


@pytest.fixture(scope="session")
def neo4j_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if uri := os.environ.get("NEO4J_URI"):
        if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
            pytest.fail(
                "NEO4J_URI names one database, which several workers would wipe for each other: run pytest alone"
            )
        yield uri
        return
    home = tmp_path_factory.mktemp("neo4j")
    version = os.environ.get("NEO4J_VERSION") or local_neo4j.DEFAULT_VERSION
    running = local_neo4j.start(home, progress=_LOG.info, bolt_port=free_port(), version=version)
    try:
        yield running.uri
    finally:
        local_neo4j.stop(home)


@pytest.fixture(scope="session")
def neo4j_driver(neo4j_uri: str, neo4j_auth: tuple[str, str] | None) -> Iterator[neo4j.Driver]:
    """To look at the database behind the store's back, and to wipe it."""
    with neo4j.GraphDatabase.driver(neo4j_uri, auth=neo4j_auth) as driver:
        found = driver.execute_query("MATCH (n) RETURN count(n) AS nodes").records[0]["nodes"]
        if found:
            pytest.fail(f"{neo4j_uri} holds {found} nodes; the tests wipe their database, so name an empty one")
        yield driver
        wipe(driver)


def wipe(driver: neo4j.Driver) -> None:
    """Delete all data; constraints and indexes stay."""
    with driver.session() as session:
        session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS").consume()


on_mirror_too = pytest.mark.parametrize("open_store", ["embedded", "neo4j", "mirror"], indirect=True)
"""For modules of questions that a mirror of Neo4j answers."""


@pytest.fixture(params=["embedded", "neo4j"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path, run: Run) -> Iterator[OpenStore]:
    """Open a store, and further ones on the same database, which is empty at first. The fixture closes them."""
    make = store_maker(request, tmp_path)
    opened: list[Store] = []

    async def open_one(retention: Retention | None = None) -> Store:
        opened.append(make(retention))
        await opened[-1].open()
        if isinstance(opened[-1], MirroredStore):
            await until_current(opened[-1])
        return opened[-1]

    yield open_one
    for store in opened:
        run(store.close())


async def until_current(store: MirroredStore) -> None:
    """Return once the mirror answers."""
    async with asyncio.timeout(60):
        while not await store.mirror.newest():  # noqa: ASYNC110 - no event says so
            await asyncio.sleep(0.01)


def store_maker(request: pytest.FixtureRequest, folder: Path) -> Callable[[Retention | None], Store]:
    """Makes stores on one empty database, of the kind that is the parameter of the request."""
    if request.param == "embedded":
        return _embedded_maker(folder)
    make = _neo4j_maker(request)
    return make if request.param == "neo4j" else lambda retention: MirroredStore(make(retention), read_seconds=LONG)


def _embedded_maker(folder: Path) -> Callable[[Retention | None], Store]:
    return lambda retention: EmbeddedStore(folder / "catalog.db", read_seconds=LONG, retention=retention)


def _neo4j_maker(request: pytest.FixtureRequest) -> Callable[[Retention | None], Neo4jStore]:
    wipe(request.getfixturevalue("neo4j_driver"))
    uri, auth = request.getfixturevalue("neo4j_uri"), request.getfixturevalue("neo4j_auth")
    user, password = auth or (None, None)
    return lambda retention: Neo4jStore(uri, user, password, retention=retention, read_seconds=LONG)


@pytest.fixture
def store(open_store: OpenStore, run: Run) -> Store:
    opened: Store = run(open_store())
    return opened
