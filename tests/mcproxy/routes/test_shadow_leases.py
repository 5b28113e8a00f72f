import itertools

import pytest

from mcproxy.lease import HOT_MISS, NO_LEASE, miss_raw
from mcproxy.outcome import Result
from mcproxy.routes.shadow_leases import ShadowTokens, TokenPair

LEASE_9 = miss_raw(9)


def test_a_token_is_taken_once_and_by_its_key_alone():
    tokens = ShadowTokens()
    tokens.remember(b"k", 9, 5)
    assert tokens.take(b"j", 9) == tokens.take(b"k", 8) == NO_LEASE
    assert tokens.take(b"k", 9) == 5
    assert tokens.take(b"k", 9) == NO_LEASE


def test_the_oldest_are_forgotten():
    tokens = ShadowTokens(2)
    for token in (2, 3, 4):
        tokens.remember(b"k", token, token + 10)
    assert [tokens.take(b"k", token) for token in (2, 3, 4)] == [NO_LEASE, 13, 14]


REPLIES = {
    9: LEASE_9,
    HOT_MISS: miss_raw(HOT_MISS),
    NO_LEASE: b"EN\r\n",
    "hit": b"VA 1 f0 c8\r\nv\r\n",
    "error": b"SERVER_ERROR busy\r\n",
}


@pytest.mark.parametrize(("pools", "shadows"), list(itertools.product(REPLIES, REPLIES)))
@pytest.mark.parametrize("shadow_is_first", [True, False])
def test_two_leases_are_a_pair_and_nothing_else_is(pools, shadows, shadow_is_first):
    tokens = ShadowTokens()
    pair = TokenPair(tokens, b"k")
    steps = [lambda: pair.on_pool(REPLIES[pools]), lambda: pair.on_shadow(Result.NOTFOUND, REPLIES[shadows])]
    for step in reversed(steps) if shadow_is_first else steps:
        step()
    assert len(tokens) == (pools == shadows == 9)
