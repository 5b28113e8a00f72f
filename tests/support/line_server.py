"""A server that is sent lines of keys, and answers when it is told to."""

from __future__ import annotations

from mcproto.reply_parser import ReplyParser
from mcproxy.outcome import Result
from mcproxy.request import KeysRequest, Request


class LineServer:
    """Keeps what it is sent, until it is told to answer with all of its `values`."""

    def __init__(self) -> None:
        self.results = [0] * len(Result)
        self.sent: list[Request] = []
        self.values: dict[bytes, bytes] = {}

    def send(self, request: Request) -> None:
        self.sent.append(request)

    @property
    def lines(self) -> list[bytes]:
        return [request.text for request in self.sent]

    def block(self, key: bytes) -> bytes:
        return b"VALUE %b 0 %d\r\n%b\r\n" % (key, len(self.values[key]), self.values[key])

    def answer_next(self) -> None:
        request = self.sent.pop(0)
        words = request.text.split()
        keys = words[2:] if words[0].startswith(b"gat") else words[1:]
        self.reply(request, b"".join(self.block(key) for key in keys if key in self.values) + b"END\r\n")

    def reply(self, request: Request, raw: bytes) -> None:
        """As a connection does: count the reply, then hand it on while the parser has its blocks."""

        def on_reply(kind: int, raw: bytes) -> None:
            result = Result.NOTFOUND if raw == b"END\r\n" else Result.FOUND
            if isinstance(request, KeysRequest):
                request.found = parser
            self.results[result] += 1
            request.answer(result, raw)

        parser = ReplyParser(on_reply)
        parser.feed(raw)

    def fail_next(self, line: bytes, result: Result = Result.TIMEOUT) -> None:
        self.results[result] += 1
        self.sent.pop(0).answer(result, line)
