import pytest

from mcproxy.config_error import ConfigError
from mcproxy.outcome import Result
from mcproxy.request import Op
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.null import NullRoute
from mcproxy.routes.operation_selector import OPERATIONS, OperationSelectorRoute
from tests.support.built_route import build
from tests.support.operations import DEFAULT_REPLIES, ONE_OF_EACH
from tests.support.scripted_route import Leaf, ScriptedRoute, ask

NAMES = "get set add replace append prepend cas delete incr decr touch gat gats gets lease-get lease-set metaget"
ROUTED = [op for op in Op if op not in (Op.FLUSH_ALL, Op.VERSION)]


def test_the_names_are_those_of_the_reference():
    assert set(OPERATIONS) == set(NAMES.split())


def test_every_operation_can_be_chosen_once():
    chosen = [op for ops in OPERATIONS.values() for op in ops]
    assert sorted(chosen) == sorted(ROUTED)


@pytest.mark.parametrize("name", [name for name, ops in OPERATIONS.items() if ops])
def test_an_operation_goes_to_its_policy_and_no_other_does(name):
    special, default = ScriptedRoute(Result.OK), ScriptedRoute(Result.OK)
    route = build("OperationSelectorRoute", operation_policies={name: special}, default_policy=default)
    for op in ROUTED:
        special.seen.clear()
        ask(route, op)
        assert len(special.seen) == (op in OPERATIONS[name])
    assert len(default.seen) == len(ROUTED) - len(OPERATIONS[name])


@pytest.mark.parametrize("op", ONE_OF_EACH)
def test_without_policy_and_default_it_is_a_miss(op):
    route = build("OperationSelectorRoute", operation_policies={"append": ScriptedRoute()})
    assert ask(route, op) == DEFAULT_REPLIES[op]


@pytest.mark.parametrize(("name", "op"), [("lease-get", Op.LEASE_GET), ("lease-set", Op.LEASE_SET)])
def test_leases_have_their_policies(name, op):
    special, default = ScriptedRoute(), ScriptedRoute()
    route = build("PrefixPolicyRoute", operation_policies={name: special}, default_policy=default)
    for asked in (Op.LEASE_GET, Op.LEASE_SET, Op.GET, Op.SET):
        ask(route, asked)
    assert (len(special.seen), len(default.seen)) == (1, 3)
    assert (
        ask(build("OperationSelectorRoute", operation_policies={"append": special}), op)
        == DEFAULT_REPLIES[Op.GET if op is Op.LEASE_GET else Op.SET]
    )


def test_folded_where_there_is_no_choice():
    default = ScriptedRoute()
    assert build("OperationSelectorRoute", default_policy=default) is default
    assert build("OperationSelectorRoute", default_policy=default, operation_policies={"get": default}) is default
    assert isinstance(build("OperationSelectorRoute"), NullRoute)


def test_an_unknown_operation_is_refused():
    with pytest.raises(ConfigError, match="unknown operation: fetch"):
        build("OperationSelectorRoute", operation_policies={"fetch": ScriptedRoute()})


def test_gets_share_lines_where_all_their_kinds_go_one_way():
    leaf, other = DestinationRoute(Leaf("a")), DestinationRoute(Leaf("b"))
    keys = [b"k", b"l"]
    writes_elsewhere = OperationSelectorRoute({Op.SET: other}, leaf)
    assert writes_elsewhere.locate(keys) == ([leaf.destination] * 2, keys)
    assert OperationSelectorRoute({Op.GETS: other}, leaf).locate(keys) == ([None, None], keys)
    assert writes_elsewhere.destinations() == (leaf.destination, other.destination)
