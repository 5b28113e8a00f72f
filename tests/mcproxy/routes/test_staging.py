import pytest

from mcproxy.lease import lease_set_text, parse_lease
from mcproxy.outcome import Result
from mcproxy.request_text import Update
from mcproxy.routes.staging import StagingRoute
from tests.support.built_route import build
from tests.support.cache_route import DYING, ERRORS, LIKE, CacheRoute, say
from tests.support.route_context import make_context

HIT = (Result.FOUND, b"VALUE k 7 1\r\nv\r\nEND\r\n")
COPIED = [kind for kind in LIKE if kind not in ("get", "set", "cas", "delete", "md", "lease-get", "lease-set")]


def warm_cache(exptime=30, **options):
    warm = CacheRoute(**options)
    warm.put(b"k", b"v", flags=7, exptime=exptime)
    return warm


def staging_route(warm, staging, context=None):
    context = context or make_context()
    return StagingRoute(warm, staging, context.background, context.wall_time)


def test_a_hit_fills_staging_with_the_ttl_that_is_left():
    warm, staging = warm_cache(), CacheRoute()
    assert say(staging_route(warm, staging), LIKE["get"]) == [HIT]
    assert warm.texts == [b"get k\r\n", b"mg k t\r\n"]
    assert staging.texts == [b"mg k\r\n", b"add k 7 30 1\r\nv\r\n"]


def test_what_staging_has_is_left_alone():
    warm, staging = warm_cache(), CacheRoute(k=b"s")
    assert say(staging_route(warm, staging), LIKE["get"]) == [HIT]
    assert (len(warm.texts), len(staging.texts)) == (1, 1)


@pytest.mark.parametrize("error", ERRORS)
def test_a_staging_that_fails_is_not_filled(error):
    warm, staging = warm_cache(), CacheRoute(failing=error)
    for kind in ("get", "set"):
        assert say(staging_route(warm, staging), LIKE[kind])[0][0] in (Result.FOUND, Result.STORED)
    assert staging.texts == [b"mg k\r\n", b"set k 5 60 1\r\nx\r\n"]


def test_what_is_about_to_expire_is_not_copied():
    staging = CacheRoute()
    say(staging_route(warm_cache(exptime=DYING), staging), LIKE["get"])
    assert len(staging.texts) == 1


@pytest.mark.parametrize("result", [Result.NOTFOUND, *ERRORS])
def test_no_hit_no_copy(result):
    staging = CacheRoute(k=b"s")
    assert say(staging_route(CacheRoute(failing=result), staging), LIKE["get"])[0][0] == result
    assert not staging.texts


def test_a_stored_value_follows():
    staging = CacheRoute()
    assert say(staging_route(CacheRoute(), staging), LIKE["set"]) == [(Result.STORED, b"STORED\r\n")]
    assert staging.texts == [LIKE["set"]]


def test_a_cas_is_a_set_there():
    warm, staging = warm_cache(), CacheRoute(k=b"s")
    text = b"cas k 5 60 1 %d\r\nx\r\n" % warm.entries[b"k"].unique
    assert say(staging_route(warm, staging), text) == [(Result.STORED, b"STORED\r\n")]
    assert staging.texts == [b"set k 5 60 1\r\nx\r\n"]


@pytest.mark.parametrize("kind", ["set", "cas"])
@pytest.mark.parametrize("result", [Result.EXISTS, Result.NOTSTORED, *ERRORS])
def test_what_is_not_stored_does_not_follow(kind, result):
    staging = CacheRoute()
    assert say(staging_route(CacheRoute(failing=result), staging), LIKE[kind])[0][0] == result
    assert not staging.texts


@pytest.mark.parametrize("kind", ["delete", "md"])
@pytest.mark.parametrize("error", ERRORS)
def test_a_delete_waits_for_both_and_the_worse_reply_counts(kind, error):
    warm, staging = CacheRoute(failing=Result.DELETED), CacheRoute(failing=error, later=True)
    heard = say(staging_route(warm, staging), LIKE[kind])
    assert not heard
    staging.answer_next()
    assert heard[0][0] == error


@pytest.mark.parametrize("kind", COPIED)
def test_all_else_is_copied_behind_warms_reply(kind):
    warm, staging = CacheRoute(failing=Result.NOTFOUND), CacheRoute(later=True)
    assert say(staging_route(warm, staging), LIKE[kind])[0][0] == Result.NOTFOUND
    assert warm.texts == staging.texts == [LIKE[kind]]


@pytest.mark.parametrize("kind", ["get", "set", "incr"])
def test_clients_never_wait_for_staging(kind):
    warm, staging, context = CacheRoute(k=b"1"), CacheRoute(later=True), make_context()
    assert len(say(staging_route(warm, staging, context), LIKE[kind])) == 1
    assert context.background.requests == 1
    staging.answer_all()
    assert context.background.requests == 0


def test_from_a_configuration():
    warm, staging = warm_cache(), CacheRoute()
    say(build("StagingRoute", warm=warm, staging=staging), LIKE["get"])
    assert staging.values() == {b"k": b"v"}


def test_a_hit_of_a_lease_get_fills_staging():
    warm, staging = CacheRoute(), CacheRoute()
    warm.put(b"k", b"v", flags=4, exptime=30)
    assert say(staging_route(warm, staging), LIKE["lease-get"])[0][0] == Result.FOUND
    entry = staging.entries[b"k"]
    assert (entry.value, entry.flags, entry.exptime) == (b"v", 4, 30)


def test_a_lease_is_warms_alone_and_what_it_stores_is_set_at_staging():
    warm, staging = CacheRoute(), CacheRoute()
    route = staging_route(warm, staging)
    [(result, raw)] = say(route, LIKE["lease-get"])
    assert result == Result.NOTFOUND
    assert not staging.texts
    refused = say(route, lease_set_text(b"k", 1, Update(0, 0, b"bad")))
    assert refused[0][0] == Result.NOTSTORED
    assert not staging.texts
    token = parse_lease(raw).token
    assert say(route, lease_set_text(b"k", token, Update(4, 60, b"v")))[0][0] == Result.STORED
    assert staging.texts == [b"set k 4 60 1\r\nv\r\n"]


@pytest.mark.parametrize("kind", ["lease-get", "lease-set"])
@pytest.mark.parametrize("error", ERRORS)
def test_an_error_to_a_lease_is_warms(kind, error):
    staging = CacheRoute()
    assert say(staging_route(CacheRoute(failing=error), staging), LIKE[kind])[0][0] == error
    assert not staging.texts


def test_what_stands_for_a_lease_is_not_copied():
    warm, staging = CacheRoute(), CacheRoute()
    route = staging_route(warm, staging)
    say(route, LIKE["lease-get"])
    assert say(route, LIKE["get"])[0][0] == Result.FOUND
    assert not staging.entries
    warm.put(b"k", b"")
    say(route, LIKE["get"])
    assert staging.values() == {b"k": b""}
