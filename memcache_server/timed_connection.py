"""A connection that knows when something came last. Those of other servers pay nothing for it."""

import asyncio

from memcache_server.connection import Connection


class TimedConnection(Connection):
    """One client of a server with idle_timeout, or on a Unix socket."""

    __slots__ = ("last_command",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Its time begins."""
        self.last_command = self._shared.clock.now
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """And begins again; by the exact time, since after a stall requests may be read before the clock is set."""
        self.last_command = self._shared.clock.exact
        super().data_received(data)

    @property
    def quiet_seconds(self) -> int:
        """Seconds since something came."""
        return max(0, self._shared.clock.now - self.last_command)

    def close_idle(self, since: int) -> None:
        """Close if nothing came after this second and nothing is under way; a watcher may be silent for ever."""
        if self.last_command <= since and not self._paused and not self.watches and self.close_if_idle():
            self.session.ending = "idle_timeout"
            self._shared.stats.idle_kicks += 1
