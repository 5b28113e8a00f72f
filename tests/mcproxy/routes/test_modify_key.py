import pytest

from mcproxy.config_error import ConfigError
from mcproxy.outcome import Result
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.keep_prefix import KeepPrefixRoute
from mcproxy.routes.modify_key import ModifyKeyRoute
from mcproxy.routes.root import RootRoute
from tests.support.built_route import build
from tests.support.cache_route import LIKE, CacheRoute, say
from tests.support.route_context import make_context
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


@pytest.mark.parametrize(
    ("set_to", "asked", "sent"),
    [
        (None, b"/a/b/k", b"/a/b/x:k"),
        ("/c/d/", b"/a/b/k", b"/c/d/x:k"),
        ("/c/d/", b"k", b"/c/d/x:k"),
        ("", b"/a/b/k", b"x:k"),
    ],
)
def test_what_pools_that_keep_routing_prefixes_see(set_to, asked, sent):
    cache = CacheRoute()
    fields = {} if set_to is None else {"set_routing_prefix": set_to}
    route = build("ModifyKeyRoute", target=KeepPrefixRoute(cache), ensure_key_prefix="x:", **fields)
    prefixes = {b"/././": route, b"/a/b/": route}
    assert say(RootRoute(prefixes, route, make_context()), b"set %b 0 0 1\r\nv\r\n" % asked)[0][0] == Result.STORED
    assert cache.texts == [b"set %b 0 0 1\r\nv\r\n" % sent]


def test_nothing_to_change_is_no_route():
    target = CacheRoute()
    assert build("ModifyKeyRoute", target=target) is target


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ensure_key_prefix": "a b"}, "ensure_key_prefix cannot be part of a key"),
        ({"ensure_key_prefix": "x" * 251}, "ensure_key_prefix cannot be part of a key"),
        ({"set_key_suffix": "\n"}, "set_key_suffix cannot be part of a key"),
        ({"ensure_key_prefix": 5}, "ensure_key_prefix must be a string"),
        ({"modify_inplace": True, "replace_key_prefix": "a"}, "exclude each other"),
        ({"set_routing_prefix": "/a/"}, "not of the form /region/cluster/"),
    ],
)
def test_mistakes(fields, message):
    with pytest.raises(ConfigError, match=message):
        build("ModifyKeyRoute", target=CacheRoute(), **fields)
