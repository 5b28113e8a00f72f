import pytest

from mcproxy.routes.null import NullRoute
from tests.support.built_route import build
from tests.support.scripted_route import ScriptedRoute


@pytest.mark.parametrize(("fields", "child"), [({}, 0), ({"offset": 1}, 1), ({"offset": 5}, 2)])
def test_no_hash_comes_with_the_request(fields, child):
    children = [ScriptedRoute() for _ in range(3)]
    assert build("OriginalClientHashRoute", children=children, **fields) is children[child]


def test_without_children():
    assert isinstance(build("OriginalClientHashRoute", children=[]), NullRoute)
