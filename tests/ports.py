"""Ports for programs that are told theirs."""

import secrets
import socket
from contextlib import ExitStack, suppress

# Below those that systems give to outgoing connections (32768 at the lowest): none of these takes it meanwhile.
_PORTS = range(10_000, 30_000)


def free_port(in_a_row: int = 1) -> int:
    """The first of as many that nobody listens on."""
    while True:
        first = secrets.choice(_PORTS)
        with suppress(OSError), ExitStack() as taken:
            for port in range(first, first + in_a_row):
                taken.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
