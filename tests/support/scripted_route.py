"""Route handles and waiters for tests of routes: scripted children, recorded replies."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request import Op, Request
from mcproxy.routes.base import RouteHandle


class ScriptedRoute(RouteHandle):
    """Answers with the given results in turn, the last one over and over; or keeps requests for later."""

    def __init__(self, *results: Result, name: str = "", later: bool = False) -> None:
        self.results = list(results) or [Result.FOUND]
        self.name = name
        self.later = later
        self.seen: list[tuple[bytes, bytes]] = []
        self.waiting: list[Request] = []

    def route(self, request: Request) -> None:
        self.seen.append((request.key, request.text))
        self.waiting.append(request)
        if not self.later:
            self.answer_next()

    def answer_next(self) -> None:
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        request = self.waiting.pop(0)
        request.answer(result, self.line(result, request))

    def line(self, result: Result, request: Request) -> bytes:
        if result is Result.FOUND:
            return b"VALUE %b 0 1\r\n%b\r\nEND\r\n" % (request.key, (self.name or "v")[:1].encode())
        return OUTCOMES[result].line


class Replies:
    """The waiter at the end: what a client would have got."""

    def __init__(self) -> None:
        self.got: list[tuple[int, bytes]] = []

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self.got.append((result, raw))


class Leaf:
    """A server as a DestinationRoute sees one."""

    def __init__(self, name: str) -> None:
        self.name = name

    def send(self, request: Request) -> None:
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.name


class Shell:
    """A client's connection that never writes: tests look into its session."""

    def flush(self) -> None:
        pass


def ask(route: RouteHandle, op: Op = Op.GET, key: bytes = b"k") -> tuple[int, bytes] | None:
    """Route one request; its reply, if it came at once."""
    replies = Replies()
    route.route(make_request(replies, op, key))
    return replies.got[0] if replies.got else None


def make_request(waiter: Replies, op: Op = Op.GET, key: bytes = b"k") -> Request:
    texts = {Op.SET: b"set %b 0 0 1\r\nx\r\n", Op.GAT: b"gat 60 %b\r\n", Op.GATS: b"gats 60 %b\r\n"}
    text = texts.get(op, b"%b %%b\r\n" % op.name.lower().encode())
    return Request(op, key, text % key, waiter)


def results(got: Sequence[tuple[int, bytes]]) -> list[Result]:
    return [Result(result) for result, _ in got]
