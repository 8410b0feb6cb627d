"""Settings of how the server is operated."""

from pydantic import Field
from pydantic_settings import BaseSettings

from graph_api.telemetry.logs import LogFormat


class OperationSettings(BaseSettings):
    log_format: LogFormat | None = Field(
        default=None, description="`json` or `text`, one line a message; by default text on a terminal, else JSON."
    )
