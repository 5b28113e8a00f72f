import pytest

from mcproxy.config_error import ConfigError
from mcproxy.lease import NO_LEASE, lease_set_text, parse_lease
from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request_text import Update
from mcproxy.routes.big_value import CHUNKED_FLAG, BigValueRoute, with_big_values
from mcproxy.routes.root import RootRoute
from tests.support.built_route import build
from tests.support.cache_route import ERRORS, LIKE, CacheRoute, Fallback, say
from tests.support.route_context import make_context

VALUE = b"abcdefghij"
BIG = b"set k 5 60 10\r\n" + VALUE + b"\r\n"
MISS = (Result.NOTFOUND, b"END\r\n")


@pytest.fixture
def cache():
    return CacheRoute()


def hit(value=VALUE, flags=5 | CHUNKED_FLAG, unique=b""):
    return [(Result.FOUND, b"VALUE k %d %d%b\r\n%b\r\nEND\r\n" % (flags, len(value), unique, value))]


def chunk_keys(cache):
    return [key for key in cache.entries if key != b"k"]


def test_a_big_value_is_cut_and_joined(cache):
    route = BigValueRoute(cache, 4)
    assert say(route, BIG) == [(Result.STORED, b"STORED\r\n")]
    chunks = chunk_keys(cache)
    suffix = chunks[0].split(b":")[2]
    assert chunks == [b"k:%d:%b" % (number, suffix) for number in range(3)]
    assert [cache.entries[key].value for key in chunks] == [b"abcd", b"efgh", b"ij"]
    assert {cache.entries[key].exptime for key in cache.entries} == {60}
    assert (cache.entries[b"k"].value, cache.entries[b"k"].flags) == (b"1-3-" + suffix, 5 | CHUNKED_FLAG)
    assert say(route, LIKE["get"]) == hit()


def test_the_flag_can_be_hidden(cache):
    route = BigValueRoute(cache, 4, hides_flag=True)
    say(route, BIG)
    assert say(route, LIKE["get"]) == hit(flags=5)


@pytest.mark.parametrize(
    "text",
    [
        b"set k 5 60 4\r\nabcd\r\n",
        b"append k 5 60 10\r\nabcdefghij\r\n",
        b"prepend k 5 60 10\r\nabcdefghij\r\n",
        b"set %b 0 0 5\r\nabcde\r\n" % (b"x" * 240),
        *(LIKE[kind] for kind in ("delete", "incr", "touch")),
    ],
)
def test_what_passes_as_it_is(cache, text):
    cache.put(b"k", b"1")
    say(BigValueRoute(cache, 4), text)
    assert cache.texts == [text]


@pytest.mark.parametrize("verb", [b"add", b"replace"])
@pytest.mark.parametrize("is_there", [True, False])
def test_the_key_itself_decides(cache, verb, is_there):
    route = BigValueRoute(cache, 4)
    if is_there:
        cache.put(b"k", b"old")
    [(result, _)] = say(route, BIG.replace(b"set", verb))
    is_stored = is_there == (verb == b"replace")
    assert result == (Result.STORED if is_stored else Result.NOTSTORED)
    assert say(route, LIKE["get"]) == (hit() if is_stored else hit(b"old", 0) if is_there else [MISS])


def test_a_gets_and_its_cas(cache):
    route = BigValueRoute(cache, 4)
    say(route, BIG)
    unique = cache.entries[b"k"].unique
    assert say(route, LIKE["gets"]) == hit(unique=b" %d" % unique)
    text = b"cas k 5 0 5 %d\r\n12345\r\n" % unique
    assert say(route, text) == [(Result.STORED, b"STORED\r\n")]
    assert say(route, text) == [(Result.EXISTS, b"EXISTS\r\n")]
    assert say(route, LIKE["get"]) == hit(b"12345")


def test_gat_touches_every_part(cache):
    route = BigValueRoute(cache, 4)
    say(route, BIG.replace(b" 60 ", b" 10 "))
    assert say(route, LIKE["gat"]) == hit()
    assert {entry.exptime for entry in cache.entries.values()} == {60}


@pytest.mark.parametrize("batch", [1, 2, 3, 10, 0])
def test_only_a_batch_is_under_way(cache, batch):
    cache.later = True
    route = BigValueRoute(cache, 1, batch)
    for text, reply in ((BIG, (Result.STORED, b"STORED\r\n")), (LIKE["get"], hit()[0])):
        heard, most = say(route, text), 0
        while cache.waiting:
            most = max(most, len(cache.waiting))
            cache.answer_next()
        assert heard == [reply]
        assert most == min(batch or 10, 10)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_without_one_chunk_there_is_nothing(cache, number):
    route = BigValueRoute(cache, 4)
    say(route, BIG)
    del cache.entries[chunk_keys(cache)[number]]
    assert say(route, LIKE["get"]) == [MISS]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("after", [0, 1, 2, 3])
@pytest.mark.parametrize("text", [BIG, LIKE["get"], LIKE["gets"]])
def test_an_error_on_the_way(cache, error, after, text):
    route = BigValueRoute(cache, 4, batch=1)
    say(route, BIG)
    cache.later = True
    heard = say(route, text)
    for _ in range(after):
        cache.answer_next()
    cache.failing = error
    cache.answer_all()
    assert heard[0][0] == error
    assert len(heard) == 1


def test_no_chunk_is_sent_after_an_error(cache):
    cache.failing = Result.TKO
    assert say(BigValueRoute(cache, 1), BIG)[0][0] == Result.TKO
    assert len(cache.texts) == 1


def test_the_worst_of_several_failures(cache):
    cache.later = True
    heard = say(BigValueRoute(cache, 1, batch=3), BIG)
    for error in (Result.NOTSTORED, Result.LOCAL_ERROR, Result.TIMEOUT):
        cache.failing = error
        cache.answer_next()
    assert heard[0][0] == Result.LOCAL_ERROR


@pytest.mark.parametrize("value", [b"", b"x", b"1-0-5", b"2-3-5", b"1-3-5x", b"1-99999999-5", b"1--5"])
def test_a_clients_own_flag_means_nothing_without_a_directory(cache, value):
    cache.put(b"k", value, flags=CHUNKED_FLAG)
    assert say(BigValueRoute(cache, 4), LIKE["get"]) == hit(value, CHUNKED_FLAG)


def test_many_chunks_that_are_answered_at_once(cache):
    route = BigValueRoute(cache, 1)
    text = b"set k 5 0 5000\r\n%b\r\n" % (b"x" * 5000)
    assert say(route, text) == [(Result.STORED, b"STORED\r\n")]
    assert say(route, LIKE["get"]) == hit(b"x" * 5000)


def test_below_a_route_that_asks_elsewhere(cache):
    good = BigValueRoute(cache, 4)
    route = Fallback(BigValueRoute(CacheRoute(failing=Result.TKO), 4), good)
    assert say(route, BIG) == [(Result.STORED, b"STORED\r\n")]
    assert say(route, LIKE["get"]) == hit()


def test_no_request_overtakes_one_for_the_same_key(cache):
    cache.later = True
    route = BigValueRoute(cache, 4)
    texts = [BIG, LIKE["get"], LIKE["set"], LIKE["get"], BIG.replace(VALUE, VALUE[::-1]), LIKE["get"], LIKE["delete"]]
    heard = [say(route, text) for text in texts]
    other = say(route, b"get other\r\n")
    assert cache.texts[-1] == b"get other\r\n"
    cache.answer_all()
    stored, deleted = [(Result.STORED, b"STORED\r\n")], [(Result.DELETED, b"DELETED\r\n")]
    expected = [stored, hit(), stored, hit(b"x", 5), stored, hit(VALUE[::-1]), deleted]
    assert heard == expected
    assert other == [MISS]


@pytest.mark.parametrize("error", ERRORS)
def test_what_waits_goes_on_after_an_error(cache, error):
    cache.later = True
    route = BigValueRoute(cache, 4)
    heard = [say(route, text) for text in (BIG, LIKE["get"])]
    cache.failing = error
    cache.answer_next()
    cache.answer_next()
    cache.answer_next()
    cache.failing = None
    cache.answer_all()
    assert [got[0][0] for got in heard] == [error, Result.NOTFOUND]
    assert not route._behind


def test_below_a_routing_prefix(cache):
    route = BigValueRoute(cache, 4)
    root = RootRoute({b"/././": route, b"/a/b/": route}, route, make_context())
    text, get = BIG.replace(b" k ", b" /a/b/k "), b"get /a/b/k\r\n"
    assert say(root, text) == [(Result.STORED, b"STORED\r\n")]
    [(_, raw)] = say(root, get)
    assert raw == hit()[0][1].replace(b" k ", b" /a/b/k ")
    cache.failing = Result.TIMEOUT
    assert say(root, text)[0][0] == Result.TIMEOUT
    assert not route._behind


def test_from_a_configuration(cache):
    fields = {"split_threshold": 4, "batch_size": 0, "hide_reply_flag": True}
    route = build("BigValueRoute", target=cache, **fields)
    say(route, BIG)
    assert say(route, LIKE["get"]) == hit(flags=5)
    for wrong in ({}, {"split_threshold": 0}, {"split_threshold": 4, "batch_size": -1}):
        with pytest.raises(ConfigError):
            build("BigValueRoute", target=cache, **wrong)


def test_by_option(cache):
    assert with_big_values(cache, 0, 10, False) is cache
    route = with_big_values(cache, 4, 10, True)
    say(route, BIG)
    assert say(route, LIKE["get"]) == hit(flags=5)


def leased_set(cache, route):
    """A big value, stored under a lease."""
    [(_, raw)] = say(route, LIKE["lease-get"])
    return say(route, lease_set_text(b"k", parse_lease(raw).token, Update(5, 60, VALUE)))


@pytest.mark.parametrize("hides_flag", [True, False])
def test_a_leased_value_is_cut_and_joined(cache, hides_flag):
    route = BigValueRoute(cache, 4, hides_flag=hides_flag)
    assert leased_set(cache, route) == [(Result.STORED, b"STORED\r\n")]
    assert [cache.entries[key].value for key in chunk_keys(cache)] == [b"abcd", b"efgh", b"ij"]
    assert (cache.entries[b"k"].flags, cache.entries[b"k"].exptime) == (5 | CHUNKED_FLAG, 60)
    [(result, raw)] = say(route, LIKE["lease-get"])
    flags = 5 if hides_flag else 5 | CHUNKED_FLAG
    assert (result, parse_lease(raw).hit[:2], parse_lease(raw).token) == (Result.FOUND, (flags, VALUE), NO_LEASE)
    assert say(route, LIKE["get"]) == hit(flags=flags)


def test_without_the_lease_the_key_stays_as_it_is(cache):
    cache.put(b"k", b"other")
    assert say(BigValueRoute(cache, 4), lease_set_text(b"k", 1, Update(0, 0, VALUE)))[0][0] == Result.NOTSTORED
    assert cache.entries[b"k"].value == b"other"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_without_one_chunk_a_lease_get_takes_the_key_away_and_gives_the_lease(cache, number):
    route = BigValueRoute(cache, 4)
    say(route, BIG)
    del cache.entries[chunk_keys(cache)[number]]
    [(result, raw)] = say(route, LIKE["lease-get"])
    assert result == Result.NOTFOUND
    assert parse_lease(raw).token == cache.entries[b"k"].unique + 1
    assert cache.entries[b"k"].is_leased


def test_a_key_that_cannot_be_taken_away_is_an_error_after_one_retry(cache):
    route = BigValueRoute(cache, 4, batch=1)
    say(route, BIG)
    del cache.entries[chunk_keys(cache)[0]]
    before, cache.later = len(cache.texts), True
    heard = say(route, LIKE["lease-get"])
    while cache.waiting:
        cache.failing = Result.EXISTS if cache.waiting[0].text.startswith(b"cas") else None
        cache.answer_next()
    assert heard == [(Result.REMOTE_ERROR, OUTCOMES[Result.REMOTE_ERROR].line)]
    assert [text.split()[0] for text in cache.texts[before:]] == [b"mg", b"get", b"cas", b"mg", b"get"]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_an_error_on_the_way_of_a_lease(cache, error, after):
    route = BigValueRoute(cache, 4, batch=1)
    say(route, BIG)
    cache.later = True
    for text in (LIKE["lease-get"], lease_set_text(b"k", cache.entries[b"k"].unique + 1, Update(0, 0, VALUE))):
        cache.failing = None
        heard = say(route, text)
        for _ in range(after):
            cache.answer_next()
        cache.failing = error
        cache.answer_all()
        assert [result for result, _ in heard] == [error]


def test_a_stale_directory_is_no_stale_value(cache):
    route = BigValueRoute(cache, 4)
    say(route, BIG)
    cache.entries[b"k"].is_stale = True
    [(result, raw)] = say(route, LIKE["lease-get"])
    assert (result, parse_lease(raw).hit.value) == (Result.NOTFOUND, b"")
    assert parse_lease(raw).token == cache.entries[b"k"].unique + 1
