import pytest

from mcproxy.config_error import ConfigError
from mcproxy.lease import HOT_MISS, NO_LEASE, lease_set_text, parse_lease
from mcproxy.outcome import Result
from mcproxy.request_text import Update
from mcproxy.routes.lease_pairing import LeasePairingRoute, child_of, paired_token
from tests.support.built_route import build
from tests.support.cache_route import ERRORS, LIKE, CacheRoute, say


def pairing(*children, **fields):
    return build("FailoverRoute", children=children, enable_lease_pairing=True, name="pair", **fields)


def token_of_reply(heard):
    [(result, raw)] = heard
    assert result == Result.NOTFOUND
    return parse_lease(raw).token


def lease_set(route, token, value=b"made"):
    return say(route, lease_set_text(b"k", token, Update(0, 0, value)))[0][0]


@pytest.mark.parametrize("count", [2, 3, 500])
@pytest.mark.parametrize("token", [2, 3, 2**40])
def test_a_token_tells_its_child(count, token):
    paired = {paired_token(token, at, count) for at in range(count)}
    assert len(paired) == count
    assert [child_of(each, count) for each in sorted(paired)] == [(at, token) for at in range(count)]


def test_tokens_that_are_no_leases_stay_so_and_too_great_ones_become_such():
    assert [paired_token(token, 1, 3) for token in (NO_LEASE, HOT_MISS, 2**63)] == [NO_LEASE, HOT_MISS, NO_LEASE]
    assert [child_of(token, 3) for token in (NO_LEASE, HOT_MISS)] == [(0, NO_LEASE), (0, HOT_MISS)]


@pytest.mark.parametrize("at", [0, 1, 2])
def test_the_lease_set_goes_to_the_child_that_gave_the_lease(at):
    caches = [CacheRoute() for _ in range(3)]
    route = pairing(*caches)
    for cache in caches[:at]:
        cache.failing = Result.TKO
    token = token_of_reply(say(route, LIKE["lease-get"]))
    for cache in caches:  # all are back
        cache.failing = None
        cache.texts.clear()
    assert lease_set(route, token) == Result.STORED
    assert [cache.values() for cache in caches] == [{b"k": b"made"} if n == at else {} for n in range(3)]
    assert [len(cache.texts) for cache in caches] == [n == at for n in range(3)]


@pytest.mark.parametrize("error", ERRORS)
def test_a_lease_set_does_not_fail_over(error):
    first, second = CacheRoute(), CacheRoute()
    route = pairing(first, second)
    token = token_of_reply(say(route, LIKE["lease-get"]))
    first.failing = error
    assert lease_set(route, token) == error
    assert not second.texts


@pytest.mark.parametrize("token", [NO_LEASE, HOT_MISS, 4])
def test_an_unknown_token_is_child_0s(token):
    first, second = CacheRoute(), CacheRoute()
    assert lease_set(pairing(first, second), token) == Result.NOTSTORED
    assert (len(first.texts), len(second.texts)) == (1, 0)


def test_hits_hot_misses_and_stale_values_come_as_they_are():
    first, second = CacheRoute(failing=Result.TKO), CacheRoute(k=b"v")
    route = pairing(first, second)
    [(result, raw)] = say(route, LIKE["lease-get"])
    assert (result, parse_lease(raw).hit.value) == (Result.FOUND, b"v")
    second.entries[b"k"].is_stale = True
    [(result, raw)] = say(route, LIKE["lease-get"])
    assert (result, parse_lease(raw).hit.value) == (Result.NOTFOUND, b"v")
    assert lease_set(route, parse_lease(raw).token) == Result.STORED
    second.entries.clear()
    say(second, LIKE["lease-get"])
    assert token_of_reply(say(route, LIKE["lease-get"])) == HOT_MISS


def test_below_another_that_pairs():
    caches = [CacheRoute(failing=Result.TKO) for _ in range(3)]
    route = pairing(caches[0], pairing(caches[1], caches[2]))
    caches[2].failing = None
    token = token_of_reply(say(route, LIKE["lease-get"]))
    caches[0].failing = caches[1].failing = None
    assert lease_set(route, token) == Result.STORED
    assert caches[2].values() == {b"k": b"made"}


@pytest.mark.parametrize(
    "policy",
    [
        {"type": "LeastFailuresPolicy", "max_tries": 3},
        {"type": "DeterministicOrderPolicy", "max_tries": 3, "max_error_tries": 3},
    ],
)
def test_with_policies(policy):
    caches = [CacheRoute(failing=Result.TKO), CacheRoute(), CacheRoute()]
    route = pairing(*caches, failover_policy=policy, failover_tag=True)
    token = token_of_reply(say(route, LIKE["lease-get"]))
    caches[0].failing = None
    assert lease_set(route, token) == Result.STORED
    assert sum(cache.values() == {b"k": b"made"} for cache in caches[1:]) == 1


@pytest.mark.parametrize("kind", [kind for kind in LIKE if not kind.startswith("lease")])
def test_all_else_fails_over_as_ever(kind):
    first, second = CacheRoute(failing=Result.TKO), CacheRoute(failing=Result.BUSY)
    assert say(pairing(first, second), LIKE[kind])[0][0] == Result.BUSY
    assert first.texts == second.texts == [LIKE[kind]]


def test_from_a_configuration():
    assert isinstance(pairing(CacheRoute(), CacheRoute()), LeasePairingRoute)
    assert not isinstance(build("FailoverRoute", children=[CacheRoute(), CacheRoute()]), LeasePairingRoute)
    only = CacheRoute()
    assert pairing(only) is only


def test_pairing_needs_a_name():
    with pytest.raises(ConfigError, match="name is required when lease pairing is enabled"):
        build("FailoverRoute", children=[CacheRoute(), CacheRoute()], enable_lease_pairing=True)
