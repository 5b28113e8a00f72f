"""-vv: every command and every answer on stderr, as `<fd line` and `>fd line`."""

import codecs
import sys
from collections.abc import Callable, Mapping
from typing import Any

from mcproto.request_parser import Command, ValueBlock
from memcache_server.session import Session

_SHOWN = 512  # bytes of an answer
_escape = codecs.getencoder("unicode_escape")  # loaded now: another user may not be able to


def verbose_commands(commands: Mapping[bytes, Command], descriptor: int) -> dict[bytes, Command]:
    """The table with each handler wrapped, for one connection; nobody else pays for it."""
    return {
        verb: command._replace(handler=_logged(commands, verb, descriptor))
        for verb, command in commands.items()
    }


def _logged(commands: Mapping[bytes, Command], verb: bytes, descriptor: int) -> Callable[..., bool | None]:
    def call(session: Session, tokens: list[bytes], *value: ValueBlock) -> bool | None:
        _show("<", descriptor, b" ".join(tokens))
        before = len(session.out)
        ended = commands[verb].handler(session, tokens, *value)
        for piece in session.out[before:]:
            shown = piece if isinstance(piece, bytes) else piece.opening(_SHOWN)
            for line in shown.rstrip(b"\r\n").split(b"\r\n"):
                _show(">", descriptor, line)
        return ended

    return call


def _show(mark: str, descriptor: int, line: Any) -> None:
    text = bytes(line[:_SHOWN]).decode("latin-1")
    escaped = _escape(text)[0].decode("ascii")
    print(f"{mark}{descriptor} {escaped}", file=sys.stderr, flush=True)
