"""Random admin requests, for the generator: those whose answer does not depend on a server's own affairs.

What would is drawn too, where it comes with the form, and then excluded by name (admin_exclusions.py). A switch
that is thrown is thrown back at once, so that no script depends on those before it.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.conformance.script import PREFIX

Draw = random.Random
Producer = Callable[[Draw], bytes]
Form = tuple[tuple[bytes, ...], ...]  # the words that may stand at each place

NO_NUMBERS = (b"abc", b"-1", b"1x", b"1.5", b"0x10", b"--1", b"99999")
PERCENTS = (b"20", b"40", b"60", b"0", b"80", b"61", b"-1", b"+20", b"007", b"a")
FACTORS = (b"0.2", b"2.0", b".5", b"1", b"0", b"-0.2", b"1e1", b"2.5e-1", b"0.2x", b"a", b"0.0")
CLASSES = (b"1", b"5", b"38", b"0", b"-1", b"-2", b"64", b"99", b"255", b"a", b"1x", b"+5", b"1.5")
CLASS_LISTS = (
    b"0",
    b"64",
    b"255",
    b"256",
    b"-1",
    b"1x",
    b"foo",
    b"1,foo",
    b"1,64",
    b"al",
    b"hash",
    b",",
    b"1",
    b"1,2",
    b"all",
)

FORMS: tuple[Form, ...] = (
    ((b"flush_all",), (b"100000", b"2000000000", b"+100000", b"2592000", b"2592001", b"abc", b"1x", b"9" * 30)),
    ((b"verbosity",), (b"0", b"00", *NO_NUMBERS[:5])),
    ((b"cache_memlimit",), (b"256", b"256", b"+256", b"0", b"7", b"1000000001", b"4294967295", *NO_NUMBERS)),
    ((b"slabs",), (b"reassign",), CLASSES, CLASSES),
    ((b"slabs",), (b"automove",), (b"0", b"1", b"2", b"3", b"+1", b"002", *NO_NUMBERS)),
    ((b"slabs",), (b"automove",), (b"ratio", b"ratio", b"ratios"), FACTORS),
    ((b"slabs",), (b"foo", b"reassig", b"Automove", b"-1")),
    *(((b"lru",), (b"tune",), PERCENTS, PERCENTS, FACTORS, FACTORS),) * 3,  # where there is most to be wrong
    ((b"lru",), (b"mode",), (b"flat", b"segmented", b"foo")),
    ((b"lru",), (b"temp_ttl",), (b"60", b"-1", b"0", b"abc", b"1x")),
    ((b"lru",), (b"foo", b"TUNE", b"tuned")),
    ((b"lru_crawler",), (b"sleep",), (b"0", b"100", b"1000000", b"1000001", b"+5", *NO_NUMBERS)),
    ((b"lru_crawler",), (b"tocrawl",), (b"0", b"10", b"4294967295", b"+5", *NO_NUMBERS)),
    ((b"lru_crawler",), (b"crawl", b"metadump"), CLASS_LISTS),
    ((b"lru_crawler",), (b"foo", b"enabled", b"DISABLE", b"disable", b"enable", b"enable")),
    ((b"stats",), (b"detail",), (b"off", b"ON", b"foo", b"dump", b"onn")),
    ((b"stats",), (b"cachedump",), (b"0", b"63", b"64", b"99", *NO_NUMBERS), (b"0", b"1", *NO_NUMBERS)),
    ((b"stats",), (b"sizes", b"RESET", b"noreply", b"malloc", b"proxy", b"zzz")),
    ((b"watch",), (b"foo", b"FETCHERS", b"fetchers,mutations"), (b"fetchers", b"bar")),
    ((b"refresh_certs", b"extstore", b"debugtime", b"debugitem", b"misbehave"), (b"1", b"now", b"p"), (b"a", b"1")),
)  # fmt: skip
SWITCHES: tuple[tuple[bytes, tuple[Form, ...], bytes], ...] = (  # on, what is asked meanwhile, off
    (
        b"stats detail on\r\n",
        (((b"stats",), (b"detail",), (b"dump", b"on")), ((b"incr", b"decr"), (PREFIX + b"a",), (b"1",))),
        b"stats detail off\r\n",
    ),
    (b"verbosity 1\r\n", (((b"version", b"foo"),), ((b"get",), (PREFIX + b"a",))), b"verbosity 0\r\n"),
)  # fmt: skip


def _line(draw: Draw, form: Form) -> bytes:
    return b" ".join(map(draw.choice, form)) + draw.choice((b"\r\n",) * 12 + (b"\n", b" \r\n"))


def _request(draw: Draw) -> bytes:
    """A form's words, now and then one too few or too many."""
    form = draw.choice(FORMS)
    kind = draw.random()
    if kind < 0.08:
        form = form[:-1]
    elif kind < 0.14:
        form = (*form, (b"5", b"x", b"0.5"))
    if draw.random() < 0.12:
        form = (*form, (b"noreply",))
    return _line(draw, form)


def _switch(draw: Draw) -> bytes:
    on, forms, off = draw.choice(SWITCHES)
    return on + b"".join(_line(draw, draw.choice(forms)) for _ in range(draw.randint(0, 3))) + off


ADMIN_PRODUCERS: dict[Producer, float] = {_request: 9, _switch: 0.6}
