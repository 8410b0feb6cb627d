"""Dataclasses that nobody changes, of which a write or an answer makes thousands."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

__all__ = ["sealed"]

if TYPE_CHECKING:
    from dataclasses import dataclass as sealed
else:

    def sealed(*, frozen: bool, **options: Any) -> Any:
        """A dataclass that is frozen for the type checker alone: frozen at run time too, it takes three times as long
        to fill.
        """
        return dataclass(unsafe_hash=frozen, **options)
