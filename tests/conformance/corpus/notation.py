"""How corpus tables are written: `$` begins a key, bytes are one step on connection 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.conformance.script import PREFIX, Ends, Script, Step

Source = bytes | Step
Table = Mapping[str, Sequence[Source]]


def key(length: int, letter: bytes = b"x") -> bytes:
    """A key of this many bytes."""
    return b"$" + letter * (length - len(PREFIX))


def second(data: bytes) -> Step:
    """A step on another connection."""
    return Step(data, conn=1)


def unfinished(data: bytes, conn: int = 0) -> Step:
    """Bytes whose reply is not awaited: the request goes on in a later step."""
    return Step(data, conn=conn, ends=Ends.OPEN)


def closes(data: bytes, conn: int = 0) -> Step:
    """Bytes after which the server closes the connection by itself."""
    return Step(data, conn=conn, ends=Ends.CLOSED)


def _step(source: Source) -> Step:
    step = Step(source) if isinstance(source, bytes) else source
    return Step(step.data.replace(b"$", PREFIX), step.conn, step.cuts, step.ends)


def build(topic: str, table: Table) -> list[Script]:
    return [Script(f"{topic}: {name}", tuple(map(_step, sources))) for name, sources in table.items()]
