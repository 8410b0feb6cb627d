"""Sockets that are being closed while the server ends, of which uvicorn's own protocol says that it cannot end."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State


class ClosingSockets(WebSocketsSansIOProtocol):
    def shutdown(self) -> None:
        if self.handshake_complete and self.conn.state is State.CLOSING and not self.close_sent:
            # The peer has closed it, and has not read what was sent before: there is nothing to tell it any more.
            self.transport.abort()
        else:
            super().shutdown()
