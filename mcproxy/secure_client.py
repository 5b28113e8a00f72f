"""Clients on the ports of TLS, and those whose last request is timed because the kernel does not tell it."""

from __future__ import annotations

from mcdaemon.log_setup import RateLimited
from mcproxy.client_connection import ClientConnection
from mcproxy.service import Service


class SecureClientConnection(ClientConnection):
    """A client that speaks TLS. The handshake is over when it is made known here."""

    __slots__ = ()

    def eof_received(self) -> bool:
        """TLS has ended, in both directions: what has come is handled, and what is answered already is sent."""
        self._peer_ended = True
        self.session.needs_care = True
        while self._more and not self._is_over_limit():
            self._more = self._parser.resume()
        self.session.end()
        self.flush()
        return False

    def _check_taken(self, taken_before: int, given_before: int) -> None:
        if not self._transport.is_closing():  # the end of TLS has a time of its own, and its buffer tells nothing
            super()._check_taken(taken_before, given_before)


class TimedClientConnection(ClientConnection):
    """A client on a Unix socket, where connections are limited."""

    __slots__ = ("_active_at",)

    def __init__(self, service: Service, lines: RateLimited) -> None:
        super().__init__(service, lines)
        self._active_at = service.loop.time()

    def data_received(self, data: bytes) -> None:
        self._active_at = self.service.loop.time()
        super().data_received(data)

    @property
    def idle_ms(self) -> int:
        """As the kernel would tell it."""
        return -1 if self.session.places else int((self.service.loop.time() - self._active_at) * 1000)
