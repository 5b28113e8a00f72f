import pytest

from mcproxy.config_error import ConfigError
from mcproxy.lease import NO_LEASE, lease_get_text, lease_set_text, parse_lease
from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request_text import Update
from mcproxy.routes.l1l2_size_split import NOTE_FLAG, L1L2SizeSplitRoute
from tests.support.built_route import build
from tests.support.cache_route import ERRORS, LIKE, CacheRoute, say
from tests.support.route_context import make_context

LARGE = b"set k 1 60 4\r\nabcd\r\n"
MISS = (Result.NOTFOUND, b"END\r\n")


@pytest.fixture
def l1():
    return CacheRoute()


@pytest.fixture
def l2():
    return CacheRoute()


def split(l1, l2, **options):
    return L1L2SizeSplitRoute(l1, l2, 4, make_context(), **options)


def test_a_large_value_lives_in_l2_and_a_note_in_l1(l1, l2):
    route = split(l1, l2)
    assert say(route, LARGE) == [(Result.STORED, b"STORED\r\n")]
    assert (l1.values(), l2.values()) == ({b"k": b""}, {b"k": b"abcd"})
    assert l1.entries[b"k"].flags == 1 | NOTE_FLAG
    assert l1.entries[b"k"].exptime == l2.entries[b"k"].exptime == 60
    assert say(route, LIKE["get"]) == [(Result.FOUND, b"VALUE k 1 4\r\nabcd\r\nEND\r\n")]


def test_a_gets_and_its_cas_are_of_l1(l1, l2):
    route = split(l1, l2)
    say(route, LARGE)
    unique = l1.entries[b"k"].unique
    assert say(route, LIKE["gets"]) == [(Result.FOUND, b"VALUE k 1 4 %d\r\nabcd\r\nEND\r\n" % unique)]
    assert say(route, b"cas k 0 0 1 %d\r\nx\r\n" % unique)[0][0] == Result.STORED
    assert say(route, LIKE["get"]) == [(Result.FOUND, b"VALUE k 0 1\r\nx\r\nEND\r\n")]


@pytest.mark.parametrize(
    "text", [b"set k 0 0 3\r\nabc\r\n", b"set k 0 59 4\r\nabcd\r\n", b"set %b 0 0 4\r\nabcd\r\n" % (b"x" * 230)]
)
def test_values_that_stay_in_l1(l1, l2, text):
    assert say(split(l1, l2, ttl_threshold=60), text)[0][0] == Result.STORED
    assert l1.texts == [text]
    assert not l2.texts


@pytest.mark.parametrize("kind", [kind for kind in LIKE if kind not in ("get", "gets", "set")])
def test_all_else_is_l1s(l1, l2, kind):
    l1.failing = Result.NOTFOUND
    assert say(split(l1, l2), LIKE[kind])[0][0] == Result.NOTFOUND
    assert not l2.texts


@pytest.mark.parametrize("error", ERRORS)
def test_without_l2_nothing_is_stored(l1, error):
    assert say(split(l1, CacheRoute(failing=error)), LARGE)[0][0] == error
    assert not l1.texts


@pytest.mark.parametrize("error", ERRORS)
def test_errors_of_a_get(l1, l2, error):
    route = split(l1, l2)
    say(route, LARGE)
    l2.failing = error
    assert say(route, LIKE["get"])[0][0] == error
    l1.failing = error
    assert say(route, LIKE["gets"])[0][0] == error


def test_a_note_without_its_value_is_taken_away(l1, l2):
    route = split(l1, l2)
    say(route, LARGE)
    l2.entries.clear()
    assert say(route, LIKE["get"]) == [MISS]
    assert not l1.entries
    say(route, LARGE)
    l2.entries.clear()
    assert say(route, LIKE["gets"]) == [MISS]
    assert not l1.entries


def test_a_gets_gives_up_after_its_retries(l1, l2):
    route = split(l1, l2, retries=2)
    say(route, LARGE)
    l2.entries.clear()
    l1.entries[b"k"].unique = 0  # as if each cas came too late
    route.l1 = Renewing(l1)
    assert say(route, LIKE["gets"]) == [(Result.LOCAL_ERROR, b"SERVER_ERROR local error\r\n")]
    assert [text.split()[0] for text in l1.texts[1:]] == [b"gets", b"cas", b"gets", b"cas", b"gets"]


class Renewing(CacheRoute):
    """Somebody stores the note again before every cas."""

    def __init__(self, cache):
        super().__init__()
        self.cache = cache

    def route(self, request):
        if request.text.startswith(b"cas"):
            self.cache.put(b"k", b"", NOTE_FLAG)
        self.cache.route(request)


def test_both(l1, l2):
    l2.later = True
    assert say(split(l1, l2, both=True), LARGE) == [(Result.STORED, b"STORED\r\n")]
    assert l1.values() == {b"k": b"abcd"}
    l2.answer_all()
    assert l2.values() == {b"k": b"abcd"}


def test_a_clients_own_flags_are_no_note(l1, l2):
    route = split(l1, l2)
    say(route, b"set k %d 0 1\r\nx\r\n" % NOTE_FLAG)
    assert say(route, LIKE["get"]) == [(Result.FOUND, b"VALUE k %d 1\r\nx\r\nEND\r\n" % NOTE_FLAG)]


def test_from_a_configuration(l1, l2):
    say(build("L1L2SizeSplitRoute", l1=l1, l2=l2, threshold=4, failure_ttl=5), LARGE)
    assert l2.values() == {b"k": b"abcd"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "threshold is missing"),
        ({"threshold": -1}, "threshold must be at least 0"),
        ({"threshold": 1, "retries": 11}, "retries must be from 1 to 10"),
        ({"threshold": 1, "failure_ttl": 0}, "failure_ttl must be at least 1"),
        ({"threshold": 1, "both_full_set": "yes"}, "both_full_set must be true or false"),
    ],
)
def test_mistakes(l1, l2, fields, message):
    with pytest.raises(ConfigError, match=message):
        build("L1L2SizeSplitRoute", l1=l1, l2=l2, **fields)


def leased_set(route, value=b"abcd", exptime=0, key=b"k"):
    [(_, raw)] = say(route, lease_get_text(key))
    return say(route, lease_set_text(key, parse_lease(raw).token, Update(1, exptime, value)))


def test_a_large_leased_value_lives_in_l2_under_a_name_of_its_own(l1, l2):
    route = split(l1, l2)
    assert leased_set(route, exptime=60) == [(Result.STORED, b"STORED\r\n")]
    assert (l1.values(), l2.values()) == ({b"k": b"0"}, {b"k|==|0": b"abcd"})
    assert l1.entries[b"k"].flags == 1 | NOTE_FLAG
    assert l1.entries[b"k"].exptime == l2.entries[b"k|==|0"].exptime == 60
    [(result, raw)] = say(route, LIKE["lease-get"])
    assert (result, parse_lease(raw).hit[:2], parse_lease(raw).token) == (Result.FOUND, (1, b"abcd"), NO_LEASE)
    assert say(route, LIKE["get"]) == [(Result.FOUND, b"VALUE k 1 4\r\nabcd\r\nEND\r\n")]
    unique = l1.entries[b"k"].unique
    assert say(route, LIKE["gets"]) == [(Result.FOUND, b"VALUE k 1 4 %d\r\nabcd\r\nEND\r\n" % unique)]


@pytest.mark.parametrize(("exptime", "kept"), [(0, 7), (6, 6), (60, 7), (-1, None)])
@pytest.mark.parametrize("failure", [Result.NOTSTORED, *ERRORS])
def test_while_l2_fails_l1_keeps_the_leased_value_for_a_while(l1, failure, exptime, kept):
    route = split(l1, CacheRoute(failing=failure), failure_ttl=7)
    assert leased_set(route, exptime=exptime)[0][0] == Result.STORED
    if kept is not None:
        assert (l1.entries[b"k"].value, l1.entries[b"k"].flags, l1.entries[b"k"].exptime) == (b"abcd", 1, kept)


def test_without_the_lease_there_is_no_note(l1, l2):
    l1.put(b"k", b"other")
    assert say(split(l1, l2), lease_set_text(b"k", 9, Update(0, 0, b"abcd")))[0][0] == Result.NOTSTORED
    assert l1.values() == {b"k": b"other"}


def test_with_both_a_leased_value_is_in_both(l1, l2):
    route = split(l1, l2, both=True)
    assert leased_set(route)[0][0] == Result.STORED
    assert l1.values() == l2.values() == {b"k": b"abcd"}
    assert say(route, lease_set_text(b"k", 9, Update(0, 0, b"lost!")))[0][0] == Result.NOTSTORED
    assert l2.values() == {b"k": b"abcd"}


def test_small_leased_values_and_keys_without_room_stay_in_l1(l1, l2):
    route = split(l1, l2, ttl_threshold=60)
    for value, exptime, key in ((b"abc", 0, b"a"), (b"abcd", 59, b"b"), (b"abcd", 0, b"x" * 230)):
        assert leased_set(route, value, exptime, key)[0][0] == Result.STORED
        assert l1.entries[key].value == value
    assert not l2.texts


def test_a_note_without_its_value_is_a_lease(l1, l2):
    route = split(l1, l2)
    leased_set(route)
    l2.entries.clear()
    [(result, raw)] = say(route, LIKE["lease-get"])
    assert (result, parse_lease(raw).token) == (Result.NOTFOUND, l1.entries[b"k"].unique + 1)
    assert l1.entries[b"k"].is_leased


def test_a_note_that_stays_is_an_error_to_a_lease_get(l1, l2):
    route = split(l1, l2)
    leased_set(route)
    l2.entries.clear()
    l1.later = True
    heard = say(route, LIKE["lease-get"])
    while l1.waiting:
        l1.failing = Result.EXISTS if l1.waiting[0].text.startswith(b"cas") else None
        l1.answer_next()
    assert heard == [(Result.LOCAL_ERROR, OUTCOMES[Result.LOCAL_ERROR].line)]


@pytest.mark.parametrize("error", ERRORS)
def test_errors_to_a_lease_get(l1, l2, error):
    route = split(l1, l2)
    leased_set(route)
    l2.failing = error
    assert say(route, LIKE["lease-get"])[0][0] == error
    l1.failing = error
    assert say(route, LIKE["lease-get"])[0][0] == error
    assert say(route, LIKE["lease-set"])[0][0] == error


def test_a_stale_note_is_a_miss_with_its_lease(l1, l2):
    route = split(l1, l2)
    leased_set(route)
    l1.entries[b"k"].is_stale = True
    [(result, raw)] = say(route, LIKE["lease-get"])
    assert (result, parse_lease(raw).hit.value) == (Result.NOTFOUND, b"")
    assert parse_lease(raw).token == l1.entries[b"k"].unique + 1
