from mcproxy.routes.base import RouteHandle
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.locating import locate_by_child
from tests.support.scripted_route import Leaf, ScriptedRoute


class Renaming(RouteHandle):
    """Puts a letter before each key."""

    def __init__(self, child):
        self.child = child

    def locate(self, keys):
        return self.child.locate([b"x" + key for key in keys])


def test_each_child_locates_its_keys_and_the_order_stays():
    a, b = DestinationRoute(Leaf("a")), DestinationRoute(Leaf("b"))
    children = {b"1": a, b"2": b, b"3": ScriptedRoute(), b"4": a}
    keys = [b"4", b"3", b"2", b"1"]
    servers, inner = locate_by_child(keys, children.__getitem__)
    assert servers == [a.destination, None, b.destination, a.destination]
    assert inner is keys


def test_keys_that_a_child_changes():
    a, b = DestinationRoute(Leaf("a")), DestinationRoute(Leaf("b"))
    children = {b"1": a, b"2": Renaming(b)}
    assert locate_by_child([b"2", b"1"], children.__getitem__) == ([b.destination, a.destination], [b"x2", b"1"])


def test_one_child_for_all_gets_the_very_list():
    leaf, keys = DestinationRoute(Leaf("a")), [b"1", b"2"]
    assert locate_by_child(keys, lambda key: leaf)[1] is keys
