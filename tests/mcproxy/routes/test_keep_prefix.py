from mcproxy.outcome import Result
from mcproxy.request import Op
from mcproxy.routes.keep_prefix import KeepPrefixRoute
from mcproxy.routes.root import RootRoute
from tests.support.route_context import make_context
from tests.support.scripted_route import ScriptedRoute, ask


def tree(child):
    kept = KeepPrefixRoute(child)
    return RootRoute({b"/././": kept, b"/a/b/": kept}, kept, make_context())


def test_the_server_gets_the_key_with_its_prefix_and_the_client_the_key_that_it_asked_for():
    child = ScriptedRoute(Result.FOUND)
    assert ask(tree(child), key=b"/a/b/k") == (Result.FOUND, b"VALUE /a/b/k 0 1\r\nv\r\nEND\r\n")
    assert child.seen == [(b"/a/b/k", b"get /a/b/k\r\n")]


def test_a_key_without_a_prefix_gets_none():
    child = ScriptedRoute(Result.FOUND)
    assert ask(tree(child), key=b"k") == (Result.FOUND, b"VALUE k 0 1\r\nv\r\nEND\r\n")
    assert child.seen == [(b"k", b"get k\r\n")]


def test_updates():
    child = ScriptedRoute(Result.STORED)
    assert ask(tree(child), op=Op.SET, key=b"/a/b/k")[0] == Result.STORED
    assert child.seen[0][0] == b"/a/b/k"
    assert child.seen[0][1].startswith(b"set /a/b/k ")
