"""The rows of statements that write."""

from typing import Any


class RedactedParameters(dict[str, Any]):
    """Lists of rows by name, as one parameter. The driver puts the text of all parameters together for its debug log,
    even where nobody reads it, which takes as long as to send them; and what it holds may be secret.
    """

    def __repr__(self) -> str:
        return f"RedactedParameters({', '.join(self)})"
