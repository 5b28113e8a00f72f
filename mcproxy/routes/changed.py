"""Requests that go in another's place: what a route sends when it changes a key, an exptime, a value."""

from __future__ import annotations

from mcproto.encode import END
from mcproto.limits import KEY_MAX
from mcproxy.outcome import Result
from mcproxy.request import Request
from mcproxy.request_text import hit_with_key, with_key
from mcproxy.routing_prefix import named_as

_FOUND = Result.FOUND.value
_VALUE = b"VALUE "


class ReplyFor:
    """A waiter that hands the reply on to the request that was asked, under the key that it asked for.

    The asked request is left as it is, so that a route above can send it elsewhere afterwards.
    """

    __slots__ = ("_asked",)

    def __init__(self, asked: Request) -> None:
        self._asked = asked

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        """The changed request is answered."""
        asked = self._asked
        if result == _FOUND and request.key != asked.key and raw.startswith(_VALUE) and raw.endswith(END):
            raw = hit_with_key(raw, request.key, asked.key)
        asked.answer(result, raw)


def with_text(request: Request, text: bytes) -> Request:
    """The request with another text, in its place."""
    return Request(request.op, request.key, text, ReplyFor(request))


def under_key(request: Request, key: bytes) -> Request:
    """The request for another key, in its place."""
    text = with_key(request.op, request.text, key)
    return Request(request.op, named_as(key, request.key), text, ReplyFor(request))


def is_usable_key(key: bytes) -> bool:
    """Whether a server would take a key that was made of a client's."""
    return 0 < len(key) <= KEY_MAX
