"""Settings of what stays open: subscriptions over WebSockets and event streams."""

from pydantic import Field
from pydantic_settings import BaseSettings


class LiveSettings(BaseSettings):
    poll_interval: float = Field(
        default=1.0,
        ge=0.05,
        le=60,
        description="Seconds between two looks for the writes of other processes, while somebody subscribes.",
    )
    max_streams: int = Field(
        default=1_000, ge=0, description="WebSockets and event streams that may be open at a time; 0 turns them off."
    )
