"""Protocols that take a connection's place for its last part; nobody pays for them before."""

import asyncio
from typing import Protocol


class Served(Protocol):
    """A connection, as seen from here."""

    def data_received(self, data: bytes) -> None:
        """Requests, whole or in part."""

    def eof_received(self) -> bool:
        """The client sends no more."""

    def pause_writing(self) -> None:
        """The client does not read."""

    def resume_writing(self) -> None:
        """It reads again."""

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""

    def close_if_idle(self) -> bool:
        """Whether nothing was under way; then it is closed."""


class Draining(asyncio.Protocol):
    """Takes the place of a connection while the server drains."""

    def __init__(self, connection: Served) -> None:
        self._connection = connection

    def data_received(self, data: bytes) -> None:
        """The rest of a request, perhaps."""
        self._connection.data_received(data)
        self._connection.close_if_idle()

    def eof_received(self) -> bool:
        """The connection's."""
        return self._connection.eof_received()

    def pause_writing(self) -> None:
        """The connection's."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """The connection's."""
        self._connection.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection's."""
        self._connection.connection_lost(exc)


class Watching(Draining):
    """Takes the place of a connection that watches: whatever it still sends is dropped."""

    def data_received(self, data: bytes) -> None:
        """Nothing to do."""

    def eof_received(self) -> bool:
        """It has closed."""
        return False
