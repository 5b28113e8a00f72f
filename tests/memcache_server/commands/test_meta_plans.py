"""Meta lines are answered from remembered plans as they are when each flag is read and acted on."""

from __future__ import annotations

from random import Random

import pytest

from mcproto.meta_flags import FlagPlan
from memcache_server.commands import meta_get, meta_set
from tests.memcache_server.commands.asking import Asking

_FLAGS = {
    b"mg": b"v v f k O t s c q q h l N30 T60 R30 C5 u b E7 O1234 v2 z F".split(),
    b"ms": b"T30 T0 T-1 F5 F0 c q O k s MS ME MA MR MX b I C3 E9 N5 z T4x F4294967296 T1000000000000".split(),
    b"md": b"q k O1 C3 I x T30 b z".split(),
    b"ma": b"v q t c k O1 D5 N30 J7 MD b C3 T60 z".split(),
}
_KEYS = b"a bb YWFh none".split() + [b"k" * 250, b"k" * 251]


def _line(random: Random) -> list[bytes]:
    verb = random.choice(list(_FLAGS))
    flags = random.sample(_FLAGS[verb], random.randrange(5))
    flags = [b"O%d" % random.randrange(10**9) if flag == b"O" and random.random() < 0.9 else flag for flag in flags]
    if random.random() < 0.02:
        flags.append(b"O" * 33)
    words = [verb, random.choice(_KEYS), *flags]
    if verb != b"ms":
        return [b" ".join(words)]
    value = b"%d" % random.randrange(10 ** random.randrange(1, 9))
    words.insert(2, b"%d" % len(value))
    return [b" ".join(words), value + (b"x" if random.random() < 0.02 else b"")]


def _unplanned(plan: FlagPlan[object]) -> None:
    return None


def test_both_ways_answer_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    random, quick, careful = Random(3), Asking(), Asking()
    for _ in range(6000):
        lines = _line(random)
        answer = quick.ask(*lines)
        with monkeypatch.context() as patch:
            patch.setattr(meta_get, "_PLANS", FlagPlan(2, _unplanned))
            patch.setattr(meta_set, "_PLANS", FlagPlan(3, _unplanned))
            assert answer == careful.ask(*lines), lines
        if random.random() < 0.1:
            seconds = random.randrange(10)
            quick.wait(seconds)
            careful.wait(seconds)
    for server in (quick, careful):
        assert server.stats.get_misses > 100
        assert sum(server.store.stats.hits) > 100
    assert quick.store.stats.hits == careful.store.stats.hits
    assert quick.stats.get_misses == careful.stats.get_misses
    assert quick.store.stats.stores == careful.store.stats.stores
    assert quick.store.arena.bytes[: 1 << 16] == careful.store.arena.bytes[: 1 << 16]
