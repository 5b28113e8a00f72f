"""A blocking client of the text protocol that shows replies as they come: errors are replies like others."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterable

from mcproto.reply_parser import ReplyParser
from tests.support.processes import Address

PATIENCE_S = 10.0
PIPELINED = 500


class TextClient:
    """One connection. `ask` sends one request, `ask_all` many at a time; replies are whole, with line ends."""

    def __init__(self, address: Address) -> None:
        self._socket = socket.create_connection(address, PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies: deque[bytes] = deque()
        self._parser = ReplyParser(lambda _kind, raw: self._replies.append(raw))

    def ask(self, request: bytes) -> bytes:
        """The reply to one request; ConnectionError when the connection ends instead."""
        self._socket.sendall(request)
        return self._take()

    def ask_all(self, requests: Iterable[bytes]) -> list[bytes]:
        """The replies, in order."""
        requests = list(requests)
        replies = []
        for first in range(0, len(requests), PIPELINED):
            part = requests[first : first + PIPELINED]
            self._socket.sendall(b"".join(part))
            replies += [self._take() for _ in part]
        return replies

    def stats(self, group: str = "") -> dict[str, str]:
        """`stats`, or one of its groups."""
        reply = self.ask(f"stats {group}".strip().encode() + b"\r\n").decode()
        assert reply.endswith("END\r\n"), reply
        pairs = (line.split(" ", 2)[1:] for line in reply.split("\r\n")[:-2])
        return {pair[0]: "".join(pair[1:]) for pair in pairs}

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> TextClient:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _take(self) -> bytes:
        while not self._replies:
            data = self._socket.recv(1 << 18)
            if not data:
                raise ConnectionError("closed by the peer")
            self._parser.feed(data)
        return self._replies.popleft()


def set_request(key: bytes, value: bytes) -> bytes:
    """`set` without flags or expiry."""
    return b"set %b 0 0 %d\r\n%b\r\n" % (key, len(value), value)


def get_request(key: bytes) -> bytes:
    """`get` of one key."""
    return b"get %b\r\n" % key


def hit_reply(key: bytes, value: bytes) -> bytes:
    """What a get of it answers."""
    return b"VALUE %b 0 %d\r\n%b\r\nEND\r\n" % (key, len(value), value)


MISS = b"END\r\n"
STORED = b"STORED\r\n"
