"""A parser and a session without a connection: what is asked, and what is answered."""

from __future__ import annotations

from mcproto.request_parser import RequestParser
from memcache_server.clock import Clock
from memcache_server.commands import COMMANDS
from memcache_server.session import Session, Shared
from memcache_server.settings import Settings
from memcache_server.stats import Stats
from memcache_server.store import Store, StoreOptions


class Asking:
    """A server of its own for small requests; its clock moves by `wait` alone."""

    def __init__(self) -> None:
        self.store = Store(StoreOptions(memory_limit=16 << 20))
        self.session = Session(Shared(Settings(), self.store, Stats(), Clock()))
        self.stats = self.session.stats
        self._parser = RequestParser(COMMANDS, self.session)

    def ask(self, *lines: bytes) -> list[bytes]:
        """The lines of the answer to these lines, all without CRLF."""
        self._parser.feed(b"\r\n".join(lines) + b"\r\n")
        answer = b"".join(self.session.out)
        self.session.out.clear()
        assert answer.endswith(b"\r\n") or not answer
        return answer.split(b"\r\n")[:-1]

    def wait(self, seconds: int) -> None:
        """Let the store's clock go on."""
        self.store.tick(self.store.now + seconds)
