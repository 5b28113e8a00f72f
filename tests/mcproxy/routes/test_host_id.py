from collections import Counter

from mcproxy.routes.null import NullRoute
from tests.support.built_route import build
from tests.support.route_context import make_context
from tests.support.scripted_route import ScriptedRoute

CHILDREN = [ScriptedRoute(name=str(n)) for n in range(4)]


def chosen(host_id, **fields):
    return CHILDREN.index(build("HostIdRoute", make_context(host_id=host_id), children=CHILDREN, **fields))


def test_the_host_chooses():
    assert [chosen(host_id) for host_id in range(8)] == [0, 1, 2, 3, 0, 1, 2, 3]


def test_a_salt_makes_another_choice_and_all_children_have_hosts():
    salted = [chosen(host_id, salt="s") for host_id in range(400)]
    assert salted == [chosen(host_id, salt="s") for host_id in range(400)]
    assert salted != [chosen(host_id, salt="t") for host_id in range(400)]
    assert min(Counter(salted).values()) > 50
    assert len(Counter(salted)) == 4


def test_without_children():
    assert isinstance(build("HostIdRoute", children=[]), NullRoute)
