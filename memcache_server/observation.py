"""What costs nothing until somebody looks: `stats detail` and `watch`.

While one of them is on, the store becomes an ObservedStore and the handlers of the shared command table are
wrapped; when the last observer has gone, both are as they were.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mcproto.request_parser import Command, ValueBlock
from memcache_server.observed_store import observed_store
from memcache_server.prefix_stats import PrefixStats
from memcache_server.session import Session, Shared
from memcache_server.watchers import Watchers

_STORING = frozenset((b"set", b"add", b"replace", b"append", b"prepend", b"cas", b"ms"))
_DELETING = frozenset((b"delete", b"md"))


class Observation:
    """Owner of the command table that connections share, of the prefix counts and of the watchers."""

    def __init__(self, shared: Shared, commands: Mapping[bytes, Command]) -> None:
        self._plain = dict(commands)
        self.commands = dict(commands)
        self.prefixes: PrefixStats = shared.prefixes
        self.watchers: Watchers = shared.watchers
        self.descriptor = -1  # of the connection whose command is handled
        self.verb = b""  # of that command
        self.looked_up: bytes | None = None  # the key last looked up by that command
        self._store = shared.store
        self._plain_store = type(shared.store)
        self._observed_store = observed_store(self)

    def refresh(self) -> None:
        """Begin or end to observe, after `stats detail` or `watch` or the end of a watcher."""
        observe = self.prefixes.enabled or len(self.watchers) > 0
        self._store.__class__ = self._observed_store if observe else self._plain_store
        for verb, command in self._plain.items():
            self.commands[verb] = self._observed(verb, command) if observe else command

    def _observed(self, verb: bytes, command: Command) -> Command:
        long_handler = command.long_handler
        return command._replace(
            handler=self._wrapped(verb, command.handler),
            long_handler=self._wrapped(verb, long_handler) if long_handler else None,
        )

    def _wrapped(self, verb: bytes, handler: Callable[..., bool | None]) -> Callable[..., bool | None]:
        count = self._counter(verb)

        def call(session: Session, tokens: Any, *value: ValueBlock) -> bool | None:
            if count is not None and len(tokens) > 1:
                count(tokens[1])
            self.descriptor, self.verb, self.looked_up = session.descriptor, verb, None
            misses = session.stats.get_misses
            ended = handler(session, tokens, *value)
            if verb == b"mg" and len(tokens) > 1:
                self.prefixes.count_get(tokens[1], session.stats.get_misses == misses)
            if session.pending is not None:
                session.pending = self._attributed(session, session.pending)
            return ended

        return call

    def _counter(self, verb: bytes) -> Callable[[bytes], None] | None:
        if verb in _STORING:
            return self.prefixes.count_set
        return self.prefixes.count_delete if verb in _DELETING else None

    def _attributed(self, session: Session, pending: Callable[[], bool | None]) -> Callable[[], bool | None]:
        def call() -> bool | None:
            self.descriptor = session.descriptor
            ended = pending()
            if session.pending is not None:
                session.pending = self._attributed(session, session.pending)
            return ended

        return call
