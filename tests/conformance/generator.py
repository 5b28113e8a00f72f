"""Seeded random scripts over the classic, meta and admin commands: valid, edge and malformed, pipelined, cut anywhere.

Few keys, so that commands meet each other's items. Script n of a seed is always the same, whatever
was generated before it. Inputs of exclusions.py are not sent: such a script is drawn again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import accumulate

from tests.conformance.admin_generator import ADMIN_PRODUCERS
from tests.conformance.exclusions import exclusion_among, exclusion_in
from tests.conformance.framing import Request, requests
from tests.conformance.meta_generator import META_PRODUCERS
from tests.conformance.script import PREFIX, Script, Step, without_marks

Draw = random.Random
Producer = Callable[[Draw], bytes]

KEYS = tuple(PREFIX + tail for tail in (b"a", b"b", b"c"))
ODD_KEYS = tuple(
    PREFIX + tail
    for tail in (b"x" * 244, b"y" * 243, b"\x01\x7f\t", b"\xff\xfe\x80", b"%s/{}'\"", b"noreply", b"0", b"\x0b\x0c")
)
LONG_KEYS = (PREFIX + b"z" * 245, PREFIX + b"z" * 400)  # over 250 bytes
STORAGE = (b"set", b"set", b"set", b"add", b"replace", b"append", b"prepend")
RETRIEVAL = (b"get", b"get", b"gets", b"gat 0", b"gats 100", b"gat -1", b"gat 2592000", b"gats abc", b"gat 1x")

FLAGS = (b"0", b"0", b"0", b"1", b"5", b"+7", b"007", b"65536", b"4294967295", b"4294967296", b"4294967301")
EXPTIMES = (
    b"0", b"0", b"0", b"0", b"100", b"+100", b"00100", b"86400", b"2592000", b"2592001", b"-1", b"-100", b"-0",
    b"4000000000", b"4294967296", b"1000", b"2000000000",
)  # fmt: skip
BAD_EXPTIMES = (b"abc", b"1x", b"--1", b"0x10", b"1.5", b"9" * 30, b"noreply")
# No value ever reaches 2^63: from there 1.6.18 also looks for a minus sign in the memory behind the number.
DELTAS = (
    b"1", b"1", b"1", b"2", b"5", b"9", b"10", b"99", b"100", b"0", b"+1", b"007", b"1000000000", b"4294967296",
)  # fmt: skip
MINUS_ONE = b"18446744073709551615"  # incr wraps, decr stops at 0
BAD_DELTAS = (b"-1", b"abc", b"1x", b"", b"99999999999999999999", b"18446744073709551616", b"1.0", b"--2")
NUMBERS = (b"0", b"1", b"5", b"9", b"10", b"11", b"99", b"100", b"1000", b"007", b"999999999999", b" 12", b"12 ")
TEXTS = (
    b"", b"a", b"abc", b"hello world", b"END\r\n", b"\r\n", b"\n", b"VALUE x 0 1\r\nz\r\nEND", b"STORED\r\n", b"5x",
    b"x5", b"\x00\x01\x02\xff", b"get PREFIXa\r\n", b"\r", b"12\r\n",
)  # fmt: skip
# Chunk sizes of the original's default classes; an item takes 48 + 8 + key + 1 (+ 4 with flags) + value + 2.
CHUNKS = (96, 120, 152, 192, 240, 304, 384, 480, 600, 752, 944, 1184, 1480, 1856, 2320, 2904, 3632, 4544, 5680)
LARGE_CHUNKS = (7104, 16384, 33904, 66232, 129376, 252696, 394840, 524288)
LARGEST_VALUE = 1048517  # minus the key's length
LENGTHS = (b"abc", b"-1", b"-5", b"3x", b"1.5", b"noreply", b"0x3", b"--")
UNKNOWN = (
    b"foo", b"foo bar", b"GET PREFIXa", b"Set PREFIXa 0 0 1", b"gett PREFIXa", b"ge PREFIXa", b"version2",
    b"sett a 0 0 3", b"quitt", b"deletes PREFIXa", b"touchy PREFIXa 0", b"\xff\xfe\xfd\xfc", b"\tget PREFIXa",
    b"get\tPREFIXa", b"flush",
    b"casx PREFIXa 0 0 1 1", b"appendx", b"{}{}{}", b"stat", b"incrr PREFIXa 1", b"END...", b"versio",
)  # fmt: skip


def _key(draw: Draw) -> bytes:
    return draw.choice(KEYS) if draw.random() < 0.93 else draw.choice(ODD_KEYS)


def _maybe_noreply(draw: Draw, chance: float = 0.12) -> bytes:
    return b" noreply" if draw.random() < chance else b""


def _end(draw: Draw) -> bytes:
    return b"\r\n" if draw.random() < 0.93 else draw.choice((b"\n", b" \r\n", b"  \n"))


def _line(draw: Draw, *words: bytes) -> bytes:
    gap = b" " if draw.random() < 0.95 else b"   "
    return gap.join(words) + _maybe_noreply(draw) + _end(draw)


def _value(draw: Draw, key: bytes) -> bytes:
    kind = draw.random()
    if kind < 0.45:
        return draw.choice(NUMBERS)
    if kind < 0.70:
        return draw.choice(TEXTS)
    if kind < 0.90:
        return draw.randbytes(draw.randint(0, 40)).replace(b"-", b"+")
    if kind < 0.985:
        return _text(draw, draw.choice(CHUNKS) - 59 - len(key) + draw.randint(-5, 1))
    return _text(draw, draw.choice(LARGE_CHUNKS) - 59 - len(key) + draw.randint(-5, 1))


def _text(draw: Draw, length: int) -> bytes:
    """A value of this length: a repeated random word, so that misplaced bytes show."""
    word = b"%06d." % draw.randrange(10**6)
    return (word * (length // len(word) + 1))[: max(0, length)]


def _storage(draw: Draw, value: bytes | None = None) -> bytes:
    key = _key(draw)
    value = _value(draw, key) if value is None else value
    head = (draw.choice(STORAGE), key, draw.choice(FLAGS), draw.choice(EXPTIMES), b"%d" % len(value))
    return _line(draw, *head) + value + b"\r\n"


def _cas(draw: Draw) -> bytes:
    key = _key(draw)
    value = _value(draw, key)
    cas_id = draw.choice((b"<<CAS:%s:+0>>" % key,) * 3 + (b"<<CAS:%s:-1>>" % key, b"0", b"1", b"+99999999999"))
    return (
        _line(draw, b"cas", key, draw.choice(FLAGS), draw.choice(EXPTIMES), b"%d" % len(value), cas_id)
        + value
        + b"\r\n"
    )


def _retrieval(draw: Draw) -> bytes:
    keys = [_key(draw) for _ in range(draw.choice((1, 1, 1, 2, 3, 5)))]
    if draw.random() < 0.02:
        keys *= 12  # more words than the original indexes at once
    return b" ".join((draw.choice(RETRIEVAL), *keys)) + _end(draw)


def _arithmetic(draw: Draw) -> bytes:
    delta = draw.choice(DELTAS) if draw.random() < 0.9 else draw.choice(BAD_DELTAS)
    return _line(draw, draw.choice((b"incr", b"decr")), _key(draw), delta)


def _counter(draw: Draw) -> bytes:
    """A number stored and counted with, so that padding, growth and wrapping are met often."""
    key, number = _key(draw), draw.choice(NUMBERS)
    delta = MINUS_ONE if number != b"0" and draw.random() < 0.2 else draw.choice(DELTAS)
    stored = b"set %s 0 0 %d\r\n%s\r\n" % (key, len(number), number)
    return stored + b"%s %s %s\r\n" % (draw.choice((b"incr", b"decr")), key, delta)


def _touch(draw: Draw) -> bytes:
    exptime = draw.choice(EXPTIMES) if draw.random() < 0.85 else draw.choice(BAD_EXPTIMES)
    return _line(draw, b"touch", _key(draw), exptime)


def _delete(draw: Draw) -> bytes:
    extra = draw.choice(((),) * 8 + ((b"0",), (b"10",), (b"a",), (b"a", b"b"), (b"0", b"0")))
    return _line(draw, b"delete", _key(draw), *extra)


def _flush(draw: Draw) -> bytes:
    delay = draw.choice(((),) * 4 + ((b"0",), (b"-1",), (b"abc",), (b"-10",)))
    return _line(draw, b"flush_all", *delay)


def _version(draw: Draw) -> bytes:
    return draw.choice((b"version", b"version", b"version foo")) + _end(draw)


def _verbosity(draw: Draw) -> bytes:
    return _line(draw, b"verbosity", draw.choice((b"0", b"0", b"abc", b"-1", b"1x")))


def _bad_length(draw: Draw) -> bytes:
    length = draw.choice(LENGTHS)
    return b"%s %s 0 0 %s%s\r\nabcd\r\n" % (draw.choice(STORAGE), _key(draw), length, _maybe_noreply(draw))


def _bad_chunk(draw: Draw) -> bytes:
    """N + 2 bytes that do not end in CRLF, then a line's rest that is read as a command."""
    key, value = _key(draw), _value(draw, b"")
    line = b"%s %s 0 0 %d%s\r\n" % (draw.choice(STORAGE), key, len(value), _maybe_noreply(draw))
    return (
        line
        + value
        + draw.choice((b"xy", b"\rx", b"x\n", b"\n\r", b"\n\n"))
        + draw.choice((b"rest\r\n", b"more of it\r\n"))
    )


def _short_data(draw: Draw) -> bytes:
    """Less data than declared: the following commands are swallowed as the value's bytes."""
    swallowed = b"abc\r\n" + draw.choice((b"get PREFIXa\r\n", b"delete PREFIXb\r\n", b"version\r\n")) * draw.randint(
        1, 3
    )
    return b"%s %s 0 0 %d\r\n" % (draw.choice(STORAGE), _key(draw), len(swallowed) + 3) + swallowed + b"0123456789\r\n"


def _too_large(draw: Draw) -> bytes:
    key = draw.choice(KEYS)
    length = LARGEST_VALUE - len(key) + draw.choice((-5, -4, -3, 0, 1, 2, 4, 1000))
    flags = draw.choice((b"0", b"5"))
    command = draw.choice((b"set", b"set", b"add", b"replace", b"append"))
    return b"%s %s %s 0 %d%s\r\n" % (command, key, flags, length, _maybe_noreply(draw)) + _text(draw, length) + b"\r\n"


def _unknown(draw: Draw) -> bytes:
    return draw.choice(UNKNOWN) + _end(draw)


def _long_key(draw: Draw) -> bytes:
    """Commands without data on a key over 250 bytes."""
    key = draw.choice(LONG_KEYS)
    return draw.choice((b"delete %s", b"incr %s 1", b"touch %s 0", b"delete %s noreply", b"decr %s x")) % key + b"\r\n"


def _stats(draw: Draw) -> bytes:
    return draw.choice((b"stats zzz", b"stats foo", b"stats reset")) + _end(draw)


# what is drawn, with its weight
PRODUCERS: dict[Producer, float] = {
    _storage: 26, _retrieval: 22, _cas: 7, _arithmetic: 12, _counter: 4, _touch: 6, _delete: 6, _flush: 1.2,
    _version: 1, _verbosity: 1, _bad_length: 2, _bad_chunk: 3, _short_data: 1.5, _too_large: 0.12, _unknown: 3,
    _long_key: 1.5, _stats: 0.5, **META_PRODUCERS, **ADMIN_PRODUCERS,
}  # fmt: skip
_DRAWN, _WEIGHTS = list(PRODUCERS), list(accumulate(PRODUCERS.values()))
MAX_DRAWS = 50


def _cuts(draw: Draw, length: int) -> tuple[int, ...]:
    if draw.random() < 0.6:
        return ()
    return tuple(sorted(draw.randint(1, max(1, length)) for _ in range(draw.choice((1, 1, 2, 3)))))


def _step(draw: Draw) -> Step:
    pipelined = draw.choice((1, 1, 2, 3, 5, 8)) if draw.random() < 0.98 else 30
    data = b"".join(draw.choices(_DRAWN, cum_weights=_WEIGHTS)[0](draw) for _ in range(pipelined))
    if draw.random() < 0.004:
        data += b"quit\r\n"
    return Step(data, conn=int(draw.random() < 0.15), cuts=_cuts(draw, len(data)))


class _Draft:
    """A script being drawn. Each step is framed once, however many are tried behind it."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._sent: list[Request] = []

    def try_step(self, step: Step) -> None:
        """Take the step, unless it leaves a request unfinished or runs into an exclusion."""
        batch = list(requests(without_marks(step.data)))
        sent = self._sent + batch
        if batch[-1].complete and exclusion_in(batch) is None and exclusion_among(sent) is None:
            self.steps.append(step)
            self._sent = sent


def _script(draw: Draw, name: str) -> Script:
    draft, wanted = _Draft(), draw.randint(2, 7)
    for _ in range(MAX_DRAWS):
        draft.try_step(_step(draw))
        if len(draft.steps) == wanted:
            break
    final = b"gets " + b" ".join(KEYS) + b"\r\n"
    return Script(name, (*draft.steps, Step(final)))


def script(seed: int, number: int) -> Script:
    """Script `number` of a seed."""
    return _script(Draw(f"{seed}/{number}"), f"seed {seed} script {number}")


def scripts(seed: int, count: int, first: int = 0) -> Iterator[Script]:
    """`count` scripts of a seed, from number `first`."""
    return (script(seed, number) for number in range(first, first + count))
