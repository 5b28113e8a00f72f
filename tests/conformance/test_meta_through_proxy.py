"""The meta commands through a proxy, beside the server itself: the same bytes, whatever the flags."""

from __future__ import annotations

import random
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from mcproto.meta_flags import MetaLine, parse_meta
from mcproxy.meta_text import is_plain
from tests.conformance.meta_generator import BAD_KEYS, BINARY_KEYS, KEYS, META_PRODUCERS
from tests.conformance.player import Pair
from tests.conformance.script import Script, Step, without_marks
from tests.support.processes import Address, memcache_server_command, memcached_command, running

pytestmark = [pytest.mark.memcached, pytest.mark.timeout(120)]

SCRIPTS = 250
STEPS = 6
QUIET = ("-o", "no_lru_maintainer")  # as in conftest.py
ODD_KEYS = [b64encode(key) for key in BINARY_KEYS if not is_plain(key)]
CLEAN = b"".join(b"delete %b noreply\r\n" % key for key in KEYS)


def proxied(server: Address, *options: str) -> Callable[[int], list[str]]:
    upstream = f"{server[0]}:{server[1]}"
    return lambda port: [
        sys.executable, "-m", "mcproxy", "--listen", f"127.0.0.1:{port}", "--upstream", upstream, *options
    ]  # fmt: skip


@contextmanager
def pair(command: Callable[..., list[str]], *options: str) -> Iterator[Pair]:
    """Two servers of one kind: the first behind a proxy, the second alone."""
    with ExitStack() as stack:
        behind, alone = (stack.enter_context(running(lambda port: command(port, *QUIET))) for _ in range(2))
        proxy = stack.enter_context(running(proxied(behind.address, *options)))
        compared = Pair(proxy.address, alone.address)
        stack.callback(compared.close)
        yield compared


def is_understood(request: bytes) -> bool:
    """Whether memcached 1.6.18 and 1.6.42 are of one mind about all of the request's lines."""
    line = without_marks(request).split(b"\n")[0].rstrip(b"\r").split(b" ")
    words = [word for word in line if word]
    if words[0] not in (b"mg", b"ms", b"md", b"ma"):
        return not any(b"me " + key in request for key in BAD_KEYS)
    meaning = parse_meta(words, 3 if words[0] == b"ms" else 2)
    return (
        isinstance(meaning, MetaLine)
        and not meaning.opaque_too_long
        and not ({b"E", b"x"} & set(meaning.flags))
        and not (words[0] == b"ma" and {b"q", b"N"} <= set(meaning.flags))
        and not any(flag in (b"D", b"J", b"N", b"R", b"T", b"C", b"M") for flag in words[2:])
    )


def is_shared(request: bytes) -> bool:
    """Not where the proxy differs: a value without its line end closes, and an odd key comes back last."""
    return b"xy more" not in request and not (b" k" in request and any(key in request for key in ODD_KEYS))


def scripts(seed: int, accepts: Callable[[bytes], bool]) -> Iterator[Script]:
    draw = random.Random(seed)
    producers, weights = list(META_PRODUCERS), list(META_PRODUCERS.values())
    chosen = [(p, w) for p, w in zip(producers, weights, strict=True) if p.__name__ != "_malformed"]
    for number in range(SCRIPTS):
        steps = []
        while len(steps) < STEPS:
            requests = [
                producer(draw)
                for producer in draw.choices([p for p, _ in chosen], [w for _, w in chosen], k=draw.randint(1, 5))
            ]
            kept = [request for request in requests if is_shared(request) and accepts(request)]
            if kept:
                data = b"".join(kept)
                cuts = tuple(draw.sample(range(1, len(data)), 2)) if draw.random() < 0.2 else ()
                steps.append(Step(data, cuts=cuts))
        yield Script(f"meta through the proxy, seed {seed} number {number}", (Step(CLEAN), *steps))


def play(compared: Pair, seed: int, accepts: Callable[[bytes], bool]) -> None:
    for script in scripts(seed, accepts):
        mismatch = compared.play(script)
        assert mismatch is None, str(mismatch)
    assert compared.stalled == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_our_server_says_the_same_through_the_proxy(seed: int) -> None:
    with pair(memcache_server_command) as compared:
        play(compared, seed, lambda request: True)


@pytest.mark.parametrize("seed", [3, 4])
def test_memcached_says_the_same_through_two_workers(seed: int) -> None:
    with pair(memcached_command, "--num-proxies", "2") as compared:
        play(compared, seed, is_understood)
