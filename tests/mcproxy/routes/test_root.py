import dataclasses

import pytest

from mcproxy.outcome import Result
from mcproxy.request import Op
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.prefix_selector import PrefixSelectorRoute
from mcproxy.routes.root import RootRoute
from tests.support.route_context import make_context
from tests.support.scripted_route import Leaf, Replies, ScriptedRoute, ask, make_request


@pytest.fixture
def children():
    return {b"/././": ScriptedRoute(name="d"), b"/a/b/": ScriptedRoute(name="x")}


@pytest.fixture
def root(children):
    return RootRoute(children, children[b"/././"], make_context())


@pytest.mark.parametrize(
    ("key", "prefix", "sent"),
    [
        (b"k", b"/././", b"get k\r\n"),
        (b"/k", b"/././", b"get /k\r\n"),
        (b"/a/k", b"/././", b"get /a/k\r\n"),
        (b"/././k", b"/././", b"get k\r\n"),
        (b"/a/b/k", b"/a/b/", b"get k\r\n"),
        (b"/a/b/VALUE", b"/a/b/", b"get VALUE\r\n"),
        (b"/a/b/A", b"/a/b/", b"get A\r\n"),
    ],
)
def test_the_prefix_chooses_and_is_shown_again(root, children, key, prefix, sent):
    result, raw = ask(root, key=key)
    assert children[prefix].seen == [(sent[4:-2], sent)]
    assert (result, raw) == (Result.FOUND, b"VALUE %b 0 1\r\n%b\r\nEND\r\n" % (key, raw.split(b"\r\n")[1]))


def test_updates_lose_the_prefix_too(root, children):
    ask(root, Op.SET, b"/a/b/k")
    assert children[b"/a/b/"].seen == [(b"k", b"set k 0 0 1\r\nx\r\n")]


def test_an_unknown_prefix(root):
    assert ask(root, key=b"/no/where/k") == (Result.LOCAL_ERROR, b"SERVER_ERROR RootRoute: No rh found\r\n")


def test_a_prefix_without_a_key(root):
    assert ask(root, key=b"/a/b/") == (Result.BAD_KEY, b"CLIENT_ERROR bad key\r\n")


def test_a_miss_stays_a_miss(root, children):
    children[b"/a/b/"].results = [Result.NOTFOUND]
    assert ask(root, key=b"/a/b/k")[0] == Result.NOTFOUND


def test_the_request_has_its_own_key_again_when_it_is_answered(root):
    request = make_request(Replies(), key=b"/a/b/k")
    root.route(request)
    assert request.key == b"/a/b/k"


def test_keys_are_located_under_their_prefix():
    default, other = Leaf("default"), Leaf("other")
    by_prefix = {b"/././": DestinationRoute(default), b"/a/b/": DestinationRoute(other), b"/a/c/": ScriptedRoute()}
    root = RootRoute(by_prefix, by_prefix[b"/././"], make_context())
    plain = [b"a", b"b/c/d"]
    assert root.locate(plain) == ([default, default], plain)
    assert root.locate(plain)[1] is plain
    expected = {
        b"k": (default, b"k"),
        b"/k": (default, b"/k"),
        b"/././k": (default, b"k"),
        b"/a/b/k": (other, b"k"),
        b"/a/b/": (None, b"/a/b/"),
        b"/no/where/k": (None, b"/no/where/k"),
        b"/a/c/k": (None, b"k"),
    }
    servers, inner = root.locate(list(expected))
    assert list(zip(servers, inner, strict=True)) == list(expected.values())


PREFIXES = ["/././", "/a/x/", "/a/y/", "/b/x/", "/b/fallback/"]


@pytest.fixture
def wide():
    return {prefix.encode(): ScriptedRoute(name=prefix) for prefix in PREFIXES}


def asked(by_prefix):
    return [prefix.decode() for prefix, child in by_prefix.items() if child.seen]


@pytest.mark.parametrize(
    ("key", "first", "others"),
    [
        (b"/*/*/k", "/././", ["/a/x/", "/a/y/", "/b/x/", "/b/fallback/"]),
        (b"/a/*/k", "/a/x/", ["/a/y/"]),
        (b"/*/x/k", "/a/x/", ["/b/x/"]),
        (b"/./*/k", "/././", []),
        (b"/b/f*k/k", "/b/fallback/", []),
        (b"/b/?/k", "/b/fallback/", []),  # not a glob: a cluster that is not known
        (b"/b/z/k", "/b/fallback/", []),
    ],
)
def test_wildcards_and_fallback(wide, key, first, others):
    root = RootRoute(wide, wide[b"/././"], make_context())
    wide[first.encode()].results = [Result.NOTFOUND]
    assert ask(root, key=key)[0] == Result.NOTFOUND
    assert sorted(asked(wide)) == sorted([first, *others])
    assert {child.seen[0] for child in wide.values() if child.seen} == {(b"k", b"get k\r\n")}


@pytest.mark.parametrize("key", [b"/c/x/k", b"/a/z/k", b"/c/*/k", b"/*/z/k"])
def test_what_nothing_matches(wide, key):
    assert (
        ask(RootRoute(wide, wide[b"/././"], make_context()), key=key)[1] == b"SERVER_ERROR RootRoute: No rh found\r\n"
    )


def test_unknown_prefixes_may_go_the_default_way(wide):
    context = dataclasses.replace(make_context(), send_invalid_route_to_default=True)
    root = RootRoute(wide, wide[b"/././"], context)
    assert ask(root, key=b"/no/where/k") == (Result.FOUND, b"VALUE /no/where/k 0 1\r\n/\r\nEND\r\n")
    assert wide[b"/././"].seen == [(b"k", b"get k\r\n")]
    assert ask(root, key=b"/b/z/k")[0] == Result.FOUND
    assert asked(wide) == ["/././", "/b/fallback/"]
    assert ask(root, key=b"/c/*/k")[0] == Result.LOCAL_ERROR


def test_a_route_with_several_aliases_is_used_once():
    one, other = ScriptedRoute(), ScriptedRoute()
    root = RootRoute({b"/././": one, b"/a/x/": other, b"/a/y/": other}, one, make_context())
    ask(root, key=b"/a/*/k")
    assert len(other.seen) == 1


def test_each_alias_selects_by_its_own_prefixes():
    handles = [ScriptedRoute() for _ in range(3)]
    selector = PrefixSelectorRoute({b"u:": handles[1]}, handles[0])
    root = RootRoute({b"/././": handles[0], b"/a/x/": selector, b"/a/y/": handles[2]}, handles[0], make_context())
    ask(root, key=b"/*/*/u:1")
    assert [len(handle.seen) for handle in handles] == [1, 1, 1]
    ask(root, key=b"/*/*/v:1")
    assert [len(handle.seen) for handle in handles] == [2, 1, 2]


def test_the_others_are_not_waited_for(wide):
    wide[b"/a/y/"].later = True
    context = make_context()
    assert ask(RootRoute(wide, wide[b"/././"], context), Op.SET, b"/a/*/k")[0] == Result.FOUND
    assert context.background.requests == 1


def test_keys_for_several_are_not_located(wide):
    root = RootRoute(wide, wide[b"/././"], make_context())
    assert root.locate([b"/a/*/k"])[0] == (None,)
