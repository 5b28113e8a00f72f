import pytest

from mcproxy.outcome import Result
from mcproxy.request import Op
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.root import RootRoute
from tests.support.scripted_route import Leaf, Replies, ScriptedRoute, ask, make_request


@pytest.fixture
def children():
    return {b"/././": ScriptedRoute(name="d"), b"/a/b/": ScriptedRoute(name="x")}


@pytest.fixture
def root(children):
    return RootRoute(children, children[b"/././"])


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
    root = RootRoute(by_prefix, by_prefix[b"/././"])
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
