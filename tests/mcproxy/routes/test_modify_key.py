import pytest

from mcproxy.outcome import Result
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.modify_key import ModifyKeyRoute
from tests.support.cache_route import LIKE, CacheRoute, say
from tests.support.scripted_route import Leaf


@pytest.mark.parametrize(
    ("key", "options", "changed"),
    [
        (b"k", {}, b"app:k"),
        (b"app:k", {}, b"app:k"),
        (b"foo:k", {"in_place": True}, b"app:k"),
        (b"k", {"in_place": True}, b"app:"),
        (b"app:k", {"in_place": True}, b"app:k"),
        (b"old:k", {"replaced": b"old:"}, b"app:k"),
        (b"k", {"replaced": b"old:"}, b"app:k"),
        (b"app:k", {"replaced": b"old:"}, b"app:k"),
        (b"k", {"suffix": b"|1"}, b"app:k|1"),
        (b"app:k", {"suffix": b"|1"}, b"app:k|1"),
    ],
)
def test_keys(key, options, changed):
    assert ModifyKeyRoute(CacheRoute(), b"app:", **options).changed(key) == changed


def test_the_client_reads_its_own_key():
    cache = CacheRoute()
    cache.put(b"app:k", b"v")
    route = ModifyKeyRoute(cache, b"app:")
    assert say(route, b"gets k\r\n") == [(Result.FOUND, b"VALUE k 0 1 2\r\nv\r\nEND\r\n")]
    assert say(route, b"get nothing\r\n") == [(Result.NOTFOUND, b"END\r\n")]


@pytest.mark.parametrize("kind", LIKE)
def test_every_kind_of_request_has_the_other_key(kind):
    cache = CacheRoute(failing=Result.TIMEOUT)
    assert say(ModifyKeyRoute(cache, b"app:"), LIKE[kind])[0][0] == Result.TIMEOUT
    assert cache.texts == [LIKE[kind].replace(b"k", b"app:k", 1)]


def test_a_key_that_is_too_long_then():
    cache = CacheRoute()
    [(result, raw)] = say(ModifyKeyRoute(cache, b"app:"), b"get %b\r\n" % (b"x" * 247))
    assert result == Result.LOCAL_ERROR
    assert raw.startswith(b"SERVER_ERROR ModifyKeyRoute: invalid key: app:xxx")
    assert not cache.texts


def test_keys_that_are_changed_can_share_a_line():
    leaf = Leaf("a")
    route = ModifyKeyRoute(DestinationRoute(leaf), b"app:")
    assert route.locate([b"k", b"app:l"]) == ([leaf, leaf], [b"app:k", b"app:l"])
    assert route.locate([b"k", b"x" * 250])[0] == [None, None]
