"""Settings of how the server is operated."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings

from graph_api.telemetry.logs import LogFormat

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_ENDPOINT = re.compile(r"https?://[^\s@]+")


def _check_endpoint(url: str) -> str:
    if not _ENDPOINT.fullmatch(url):
        raise ValueError("write a URL without a user, as in http://collector:4318/v1/traces")
    return url


class OperationSettings(BaseSettings):
    log_format: LogFormat | None = Field(
        default=None, description="`json` or `text`, one line a message; by default text on a terminal, else JSON."
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Processes that serve; one for each processor. Each takes its share of `rate`, `max_running`, "
        "`max_waiting` and `max_streams`, and answers operators at its own port: `admin_port`, the next and so on.",
    )
    admin_port: int | None = Field(
        default=None, ge=0, le=65_535, description="Port of /livez, /readyz and /metrics for operators; off by default."
    )
    admin_host: str = Field(default="127.0.0.1", description="Address of `admin_port`; nothing there asks who asks.")
    drain_seconds: float = Field(
        default=10.0, ge=0, le=600, description="Seconds that running requests and syncs have when the server ends."
    )
    drain_delay: float = Field(
        default=0.0,
        ge=0,
        le=60,
        description="Seconds that the server still takes new requests after SIGTERM, while /readyz says that it ends: "
        "what load balancers need to notice.",
    )
    mirror: bool = Field(
        default=True,
        description="Whether a server on Neo4j keeps a copy of entities and links, which answers while it is current.",
    )
    mirror_max_entities: int = Field(
        default=1_000_000, ge=0, description="Entities of the largest catalog on Neo4j that a server keeps a copy of."
    )
    mirror_folder: Annotated[Path | None, BeforeValidator(lambda value: value or None)] = Field(
        default=None,
        description="Folder on a disk of this machine where that copy stays when the server ends, for its next start; "
        "by default a temporary one. Of one server alone.",
    )
    otel_endpoint: Annotated[str, AfterValidator(_check_endpoint)] | None = Field(
        default=None,
        description="Where traces go by OTLP/HTTP, such as http://collector:4318/v1/traces; needs graph-api[otel].",
    )

    @property
    def admin_hosts(self) -> frozenset[str] | None:
        """The names in Host headers that the admin port answers to; None for all."""
        return frozenset(LOOPBACK_NAMES) if self.admin_host in LOOPBACK_NAMES else None
