import pytest

from mcproxy.config_error import ConfigError
from mcproxy.lease import hit_raw, lease_set_text, parse_lease
from mcproxy.outcome import Result
from mcproxy.request_text import Hit, Update
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.key_split import KeySplitRoute, replica_key
from tests.support.built_route import build
from tests.support.cache_route import LIKE, CacheRoute, say
from tests.support.route_context import make_context
from tests.support.scripted_route import Leaf


def split(cache, own=1, **options):
    return KeySplitRoute(cache, 3, own, make_context().background, **options)


@pytest.mark.parametrize(
    ("key", "number", "name"),
    [(b"k", 0, b"k"), (b"k", 2, b"k::2"), (b"k|#|rest", 2, b"k::2|#|rest"), (b"k|#|rest", 0, b"k|#|rest")],
)
def test_names_of_copies(key, number, name):
    assert replica_key(key, number) == name


@pytest.mark.parametrize("own", [0, 1])
@pytest.mark.parametrize("kind", [kind for kind in LIKE if kind not in ("delete", "md")])
def test_the_own_copy_is_asked(kind, own):
    cache = CacheRoute(failing=Result.BUSY)
    assert say(split(cache, own), LIKE[kind])[0][0] == Result.BUSY
    assert cache.texts == [LIKE[kind] if not own else LIKE[kind].replace(b"k", b"k::1", 1)]


def test_a_set_for_all():
    cache = CacheRoute()
    assert say(split(cache, all_sync=True), LIKE["set"]) == [(Result.STORED, b"STORED\r\n")]
    assert cache.values() == {b"k::1": b"x", b"k": b"x", b"k::2": b"x"}
    assert say(split(cache, own=2), b"get k\r\n") == [(Result.FOUND, b"VALUE k 5 1\r\nx\r\nEND\r\n")]


@pytest.mark.parametrize("kind", ["delete", "md"])
def test_a_delete_is_for_all_and_waits_for_the_own_copy_alone(kind):
    cache = CacheRoute(later=True)
    heard = say(split(cache), LIKE[kind])
    assert [text.split()[1] for text in cache.texts] == [b"k::1", b"k", b"k::2"]
    cache.failing = Result.DELETED
    cache.answer_next()
    assert heard[0][0] == Result.DELETED
    cache.answer_all()
    assert len(heard) == 1


def test_copies_that_are_not_answered_yet_count():
    cache, context = CacheRoute(later=True), make_context()
    say(KeySplitRoute(cache, 5, 0, context.background), LIKE["delete"])
    assert context.background.requests == 4
    cache.answer_all()
    assert context.background.requests == 0


@pytest.mark.parametrize("there", [b"k", b"k::1", b"k::2"])
def test_the_first_hit_of_all_copies(there):
    cache = CacheRoute()
    cache.put(there, b"v", flags=3)
    assert say(split(cache, first_hit=True), b"get k\r\n") == [(Result.FOUND, b"VALUE k 3 1\r\nv\r\nEND\r\n")]
    assert len(cache.texts) == 3


def test_without_a_hit_the_own_copys_reply():
    cache = CacheRoute(later=True)
    heard = say(split(cache, first_hit=True), b"get k\r\n")
    cache.answer_next()
    cache.failing = Result.TIMEOUT
    cache.answer_next()
    cache.failing = None
    cache.answer_next()
    assert heard == [(Result.TIMEOUT, b"SERVER_ERROR timeout\r\n")]


def test_a_hit_after_the_first_is_dropped():
    cache = CacheRoute(later=True)
    for key in (b"k", b"k::1", b"k::2"):
        cache.put(key, key)
    heard = say(split(cache, first_hit=True), b"get k\r\n")
    cache.answer_all()
    assert heard == [(Result.FOUND, b"VALUE k 0 1\r\nk\r\nEND\r\n")]


def test_copies_asked_for_after_the_hit_are_background():
    cache, context = CacheRoute(later=True, k=b"v"), make_context()
    heard = say(KeySplitRoute(cache, 3, 0, context.background, first_hit=True), b"get k\r\n")
    cache.answer_next()
    assert heard == [(Result.FOUND, b"VALUE k 0 1\r\nv\r\nEND\r\n")]
    assert context.background.requests == 2
    cache.answer_all()
    assert context.background.requests == 0


def test_a_key_without_room_for_the_suffix_is_left_alone():
    cache = CacheRoute()
    key = b"x" * 246
    say(split(cache), b"delete %b\r\n" % key)
    assert cache.texts == [b"delete %b\r\n" % key]


def test_the_own_copies_of_several_keys_can_share_a_line():
    leaf = Leaf("a")
    keys = [b"k", b"l"]
    assert split(DestinationRoute(leaf)).locate(keys) == ([leaf, leaf], [b"k::1", b"l::1"])
    assert split(DestinationRoute(leaf), own=0).locate(keys)[1] is keys
    assert split(DestinationRoute(leaf), first_hit=True).locate(keys)[0] == [None, None]


def test_from_a_configuration():
    cache = CacheRoute()
    route = build("KeySplitRoute", make_context(host_id=9), destination=cache, replicas=4, all_sync=True)
    say(route, LIKE["set"])
    assert [text.split()[1] for text in cache.texts] == [b"k::1", b"k", b"k::2", b"k::3"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"replicas": 1, "all_sync": True}, "replicas must be from 2 to 1000, not 1"),
        ({"replicas": 1001, "all_sync": True}, "replicas must be from 2 to 1000"),
        ({"all_sync": True}, "replicas is missing"),
        ({"replicas": 2}, "all_sync is missing"),
        ({"replicas": 2, "all_sync": 1}, "all_sync must be true or false"),
    ],
)
def test_mistakes(fields, message):
    with pytest.raises(ConfigError, match=message):
        build("KeySplitRoute", destination=CacheRoute(), **fields)


@pytest.mark.parametrize("there", [b"k", b"k::1", b"k::2"])
def test_the_first_hit_of_a_lease_get(there):
    cache = CacheRoute()
    cache.put(there, b"v", flags=3)
    unique = b"%d" % cache.entries[there].unique
    assert say(split(cache, first_hit=True), LIKE["lease-get"]) == [(Result.FOUND, hit_raw(Hit(3, b"v", unique)))]


@pytest.mark.parametrize("first_hit", [True, False])
def test_only_the_own_copy_is_leased(first_hit):
    cache = CacheRoute()
    route = split(cache, first_hit=first_hit)
    [(result, raw)] = say(route, LIKE["lease-get"])
    assert (result, list(cache.entries)) == (Result.NOTFOUND, [b"k::1"])
    text = lease_set_text(b"k", parse_lease(raw).token, Update(0, 0, b"v"))
    assert say(route, text) == [(Result.STORED, b"STORED\r\n")]
    assert cache.values() == {b"k::1": b"v"}
