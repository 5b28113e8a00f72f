from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.failover_tag import TaggedRoute
from tests.support.scripted_route import Leaf, ScriptedRoute, ask


def test_it_stands_behind_the_hash_stop_and_the_client_does_not_see_it():
    child = ScriptedRoute()
    assert ask(TaggedRoute(child), key=b"a|#|b")[1] == b"VALUE a|#|b 0 1\r\nv\r\nEND\r\n"
    assert child.seen == [(b"a|#|b:failover=1", b"get a|#|b:failover=1\r\n")]
    leaf = DestinationRoute(Leaf("a"))
    assert TaggedRoute(leaf).destinations() == (leaf.destination,)
