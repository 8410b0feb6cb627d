"""The composition root: settings become a store, an order of sources and the HTTP application."""

from collections.abc import Awaitable, Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

from graph_api.access.principal import Principal
from graph_api.catalog.audience import BUILT_IN, Visibility
from graph_api.catalog.correlation import Rules
from graph_api.catalog.kinds import register_kinds
from graph_api.catalog.merge import SourceOrder
from graph_api.catalog.ref import Ref
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.context import Context
from graph_api.graphql.error_format import CatalogSchema
from graph_api.graphql.limits import Limits
from graph_api.graphql.schema import create_schema
from graph_api.live import LiveChanges
from graph_api.schedule import Schedule
from graph_api.settings import Settings
from graph_api.sources.registry import OBSERVING
from graph_api.store.embedded.store import EmbeddedStore
from graph_api.store.mirror.folder import Folder
from graph_api.store.mirror.store import MirroredStore
from graph_api.store.neo4j.store import Neo4jStore
from graph_api.store.protocol import Store
from graph_api.store.retention import Retention
from graph_api.telemetry.watched_store import watched
from graph_api.trusted_documents import load_documents
from graph_api.visibilities import Visibilities, VisibilityAt
from graph_api.warming import warm_up
from graph_api.web.asgi import CatalogApp, HttpOptions, build_asgi
from graph_api.web.authentication import Anybody, TokenAuthenticator
from graph_api.web.document_trust import DocumentTrust
from graph_api.web.hooks import hook_routes
from graph_api.web.limits import RequestLimits
from graph_api.web.lineage import lineage_routes
from graph_api.web.receiving import Receiver
from graph_api.web.store_lifecycle import StoreLifecycle
from graph_api.web.streams import StreamLimits
from graph_api.writing import follow_order


def create_app(settings: Settings, store: Store | None = None) -> CatalogApp:
    """The application, which opens and closes its store: `store`, or the one that the settings name.

    Its `state.live` is to be closed when the server is about to stop, before it waits for its requests.
    """
    register_kinds(settings.kinds)
    opened = store or store_to_serve(settings)
    live = LiveChanges(opened, settings.poll_interval)
    catalog = watched(opened, live.wake)
    received = replace(request_limits(settings), max_body=settings.max_received)
    sources = settings.configured_sources
    tokens = TokenAuthenticator(catalog, settings)
    visibilities = Visibilities(catalog)
    order = source_order(settings)

    async def context_of(principal: Principal) -> Context:
        look = partial(visibilities.sight, principal)
        sight = await look()
        return create_context(settings, catalog, principal, sight.visibility, order, live, look, sight.revision)

    schedule = Schedule(catalog, sources, order, settings.descriptor_groups)
    lifecycle = StoreLifecycle(
        catalog,
        on_open=lambda: follow_order(catalog, order),
        warm_up=lambda: warm_up(catalog),
        beside=schedule.run,
        finish=schedule.finish,
        on_replaced=live.close,
    )
    receiver = Receiver(catalog, schedule.ask, lifecycle.require_same, received, tokens)
    app = build_asgi(
        configured_schema(settings),
        context_of,
        lifecycle,
        Anybody() if settings.insecure_anonymous else tokens,
        http_options(settings),
        routes=[*hook_routes(sources, receiver), *lineage_routes(sources, receiver)],
    )
    app.state.live = live
    return app


def http_options(settings: Settings) -> HttpOptions:
    return HttpOptions(
        limits=request_limits(settings),
        stream_limits=StreamLimits(max_open=settings.max_streams),
        trust=document_trust(settings),
        hosts=settings.known_hosts,
        admin_hosts=settings.admin_hosts,
        origins=settings.cors_origins,
    )


def request_limits(settings: Settings) -> RequestLimits:
    return RequestLimits(**{limit.name: getattr(settings, limit.name) for limit in fields(RequestLimits)})


def document_trust(settings: Settings) -> DocumentTrust:
    path = settings.trusted_documents_path
    return DocumentTrust(
        mode=settings.trusted_documents,
        documents=load_documents(path) if path else {},
        get_trusted_only=settings.get_trusted_only,
    )


def configured_schema(settings: Settings) -> CatalogSchema:
    limits = Limits(
        tokens=settings.max_tokens,
        depth=settings.max_depth,
        fields=settings.max_fields,
        aliases=settings.max_aliases,
        directives=settings.max_directives,
        objects=settings.max_cost,
        suggestions=settings.field_suggestions,
    )
    return create_schema(limits)


def create_context(
    settings: Settings,
    store: Store,
    principal: Principal,
    visibility: Visibility,
    order: SourceOrder,
    live: LiveChanges | None = None,
    look: Callable[[], Awaitable[VisibilityAt]] | None = None,
    seen_at: int | None = None,
) -> Context:
    return Context(
        principal=principal,
        catalog=store,
        visibility=visibility,
        live=live or LiveChanges(store),
        source_order=order,
        max_page=settings.max_page,
        max_objects=settings.max_cost,
        introspection=settings.introspection,
        deadline=settings.deadline,
        look=look,
        seen_at=seen_at,
    )


def store_to_serve(settings: Settings, mirror_folder: Path | None = None) -> Store:
    """The store that the settings name, made to answer many questions; not yet opened. `mirror_folder`: where the
    processes of one server share a mirror, unless the settings say where.
    """
    store = open_store(settings)
    if not (settings.mirror and isinstance(store, Neo4jStore)):
        return store
    folder = None
    if path := settings.mirror_folder or mirror_folder:
        folder = Folder(path, lasting=settings.mirror_folder is not None)
    return MirroredStore(
        store, most_entities=settings.mirror_max_entities, read_seconds=settings.deadline, folder=folder
    )


def open_store(settings: Settings) -> Store:
    """The store that the settings name, constructed and not yet opened."""
    retention = Retention(runs=settings.keep_runs, removed=settings.keep_removed)
    if settings.store.startswith("embedded:"):
        if settings.store_file and settings.store_file.is_dir():
            message = f"{settings.store_file} is a folder; name a file: embedded:{settings.store_file / 'catalog.db'}"
            raise CatalogError(ErrorCode.BAD_INPUT, message)
        return EmbeddedStore(settings.store_file, read_seconds=settings.deadline, retention=retention)
    password = settings.password_of_neo4j
    return Neo4jStore(
        settings.store,
        user=settings.neo4j_user if password else None,
        password=password,
        database=settings.neo4j_database,
        retention=retention,
        read_seconds=settings.deadline,
    )


def source_order(settings: Settings) -> SourceOrder:
    """Return who is believed first, what is one thing, and who may see it, as the operator says."""
    rules = Rules(
        join_names=frozenset(kind.lower() for kind in settings.join_names),
        separate=frozenset(frozenset((Ref(one), Ref(other))) for one, other in settings.separate),
        image_mirrors=settings.image_mirrors,
    )
    return SourceOrder(settings.source_names, rules, OBSERVING, (*settings.restricted, *BUILT_IN))
