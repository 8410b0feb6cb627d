"""In what order settings are shown: by what they are about, and first what everybody needs."""

from pydantic_settings import BaseSettings

from graph_api.access_settings import AccessSettings
from graph_api.limit_settings import LimitSettings
from graph_api.live_settings import LiveSettings
from graph_api.operation_settings import OperationSettings
from graph_api.restriction_settings import RestrictionSettings
from graph_api.settings import Settings
from graph_api.trusted_documents import DocumentSettings


def _own(group: type[BaseSettings]) -> list[str]:
    inherited = {name for base in group.__bases__ for name in getattr(base, "model_fields", ())}
    return [name for name in group.model_fields if name not in inherited]


GROUPS = {
    "The catalog, its sources and its address": _own(Settings),
    "Signing in and secrets": _own(AccessSettings),
    "Who may see what": _own(RestrictionSettings),
    "Operation": _own(OperationSettings),
    "Limits": _own(LimitSettings),
    "Subscriptions": _own(LiveSettings),
    "Trusted documents": _own(DocumentSettings),
}
"""Names of settings by title."""

IN_ORDER = tuple(name for group in GROUPS.values() for name in group)
