import pytest

from mcproxy.config_error import ConfigError
from mcproxy.hashing import HASH_FUNCTIONS, HashOptions, Node
from mcproxy.hashing.furc import furc_hash
from mcproxy.outcome import Result
from mcproxy.routes.destination import DestinationRoute
from tests.support.built_route import build
from tests.support.scripted_route import Leaf, ScriptedRoute, ask

KEYS = [b"key:%d" % n for n in range(100)]


@pytest.fixture
def children():
    return [ScriptedRoute(name=str(n)) for n in range(5)]


def owners(route, children):
    for key in KEYS:
        ask(route, key=key)
    return {key: at for at, child in enumerate(children) for key, _ in child.seen}


def test_ch3_is_the_default(children):
    assert owners(build("HashRoute", children=children), children) == {key: furc_hash(key, 5) for key in KEYS}


def test_the_salt_is_appended(children):
    assert owners(build("HashRoute", children=children, salt="s"), children) == {
        key: furc_hash(key + b"s", 5) for key in KEYS
    }


@pytest.mark.parametrize(
    ("fields", "function", "options"),
    [
        ({"hash_func": "Crc32"}, "Crc32", HashOptions()),
        ({"hash_func": "WeightedCh3", "weights": [1, 0.5, 0.1]}, "WeightedCh3", HashOptions(weights=(1, 0.5, 0.1))),
        ({"weights": [1, 0, 1, 0, 1]}, "WeightedCh3", HashOptions(weights=(1, 0, 1, 0, 1))),
        ({"hash_func": "Rendezvous", "tags": list("abcde")}, "Rendezvous", HashOptions()),
    ],
)
def test_other_functions(children, fields, function, options):
    nodes = [Node(str(at), tag="abcde"[at]) for at in range(5)]
    select = HASH_FUNCTIONS[function](nodes, options)
    assert owners(build("HashRoute", children=children, **fields), children) == {key: select(key) for key in KEYS}


def test_a_hash_stop_ends_what_is_hashed(children):
    route = build("HashRoute", children=children)
    for number in range(30):
        ask(route, key=b"tag|#|%d" % number)
    assert sorted(len(child.seen) for child in children) == [0, 0, 0, 0, 30]


def test_latest_is_another_route(children):
    route = build("HashRoute", children=children, hash_func="Latest", failover_count=1)
    assert route in children


def test_degenerate_shapes(children):
    assert build("HashRoute", children=children[:1]) is children[0]
    empty = build("HashRoute", children=[], name="n")
    assert ask(empty) == (Result.LOCAL_ERROR, b"SERVER_ERROR HashRoute with empty children, name: n\r\n")


@pytest.mark.parametrize(
    "fields",
    [
        {"hash_func": "Nonsense"},
        {"hash_func": "Rendezvous"},
        {"hash_func": "Rendezvous", "tags": ["a"]},
        {"weights": [2]},
    ],
)
def test_what_is_refused(children, fields):
    with pytest.raises(ConfigError):
        build("HashRoute", children=children, **fields)


def test_keys_are_located():
    leaves = [DestinationRoute(Leaf(str(n))) for n in range(5)]
    route = build("HashRoute", children=leaves)
    servers, inner = route.locate(KEYS)
    assert servers == [leaves[furc_hash(key, 5)].destination for key in KEYS]
    assert inner is KEYS
    assert route.destinations() == tuple(leaf.destination for leaf in leaves)
