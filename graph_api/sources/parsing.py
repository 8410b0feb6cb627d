"""What texts of YAML and of JSON have in common: where in them something stands, and why one is not read."""

from graph_api.catalog.snapshot import ProblemCode

Keys = tuple[str | int, ...]
"""Keys and indexes from the root of a document or an object, such as `("spec", "dependsOn", 0)`."""


class TextError(Exception):
    """A text that is not read: BAD_YAML or TOO_LARGE, with the line where that shows."""

    def __init__(self, code: ProblemCode, message: str, line: int | None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line
