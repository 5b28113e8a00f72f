import pytest

from mcproxy.config_error import ConfigError
from mcproxy.outcome import Result
from mcproxy.request import OP_CLASSES, Op, OpClass
from mcproxy.routes.null import NullRoute
from mcproxy.routes.routing_group import GROUPS
from tests.support.built_route import build
from tests.support.operations import DEFAULT_REPLIES, ONE_OF_EACH
from tests.support.scripted_route import ScriptedRoute, ask

LIKE = {
    "get_like": {Op.GET, Op.GETS, Op.GAT, Op.GATS, Op.META_GET, Op.LEASE_GET},
    "update_like": {Op.SET, Op.ADD, Op.REPLACE, Op.APPEND, Op.PREPEND, Op.CAS, Op.META_SET, Op.LEASE_SET},
    "delete_like": {Op.DELETE, Op.META_DELETE},
    "arithmetic_like": {Op.INCR, Op.DECR, Op.META_ARITHMETIC},
}


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_goes_to_its_policy_and_no_other_does(group):
    special, default = ScriptedRoute(Result.OK), ScriptedRoute(Result.OK)
    route = build("RoutingGroupRoute", routing_group_policies={group: special}, default_policy=default)
    asked = [op for op in Op if OP_CLASSES[op] is not OpClass.ADMIN]
    chosen = set()
    for op in asked:
        special.seen.clear()
        ask(route, op)
        if special.seen:
            chosen.add(op)
    assert chosen == LIKE[group]
    assert len(default.seen) == len(asked) - len(chosen)


@pytest.mark.parametrize("op", ONE_OF_EACH)
def test_without_policy_and_default_it_is_a_miss(op):
    assert ask(build("RoutingGroupRoute"), op) == DEFAULT_REPLIES[op]
    assert isinstance(build("RoutingGroupRoute"), NullRoute)


def test_an_unknown_group_is_refused():
    with pytest.raises(ConfigError, match="unknown routing group: touch_like"):
        build("RoutingGroupRoute", routing_group_policies={"touch_like": ScriptedRoute()})
