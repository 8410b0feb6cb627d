"""Headers of a request as the server has them: read without an object around all of them, for most want one."""

from starlette.types import Scope


def header(scope: Scope, name: bytes) -> str:
    """The first of that name, which is lower case; empty where there is none."""
    for sent, value in scope["headers"]:
        if sent == name:
            return str(value, "latin-1")
    return ""
