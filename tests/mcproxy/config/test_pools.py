import pytest

from discovery.endpoint import Endpoint, EndpointSet
from mcproxy.config.builder import build_document
from mcproxy.config.document import load
from mcproxy.config.environment import Distances, Environment
from mcproxy.config.jsonc import parse
from mcproxy.config.pools import Pools, discovery_addresses
from mcproxy.config.source import Reading, Source
from mcproxy.config.tree import TreeBuilder
from mcproxy.offline import offline_context
from mcproxy.routes.keep_prefix import KeepPrefixRoute
from mcproxy.upstream.destination import UpstreamOptions
from mcproxy.upstream.tko import FailOpenBounds

OPTIONS = UpstreamOptions(timeout_s=1.0)


@pytest.fixture
def pool(destinations):
    """Builds the pool called A of an object of pools."""

    def build(text, environment=None):
        pools = Pools(parse(text), destinations, OPTIONS, environment or Environment())
        TreeBuilder(pools, {}, offline_context())
        return pools.get("A")

    return build


def options(made):
    return made.members[0].destination.options


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('"servers": ["h:1", "h:2:ascii:ssl", "h:3:ascii:plain"]', [False, True, False]),
        ('"servers": ["h:1", "h:2:ascii:plain", "unix:/s:ascii:tls"], "security_mech": "ssl"', [True, False, True]),
        ('"servers": ["h:1", {"hostname": "h:2", "use_ssl": false}], "use_ssl": true', [True, False]),
        ('"servers": ["h:1"], "use_ssl": true, "security_mech": "plain"', [False]),
        ('"servers": ["h:1"], "security_mech": "fizz"', [True]),
        ('"servers": ["h:1"], "security_mech": "ktls12"', [True]),
    ],
)
def test_who_is_spoken_to_in_tls(pool, fields, expected):
    made = pool(f'{{"A": {{{fields}}}}}')
    assert [member.destination.options.tls for member in made.members] == expected


def test_nodes_have_names_weights_and_tags(pool):
    made = pool('{"A": {"servers": ["h:1", "h:2"], "weights": [0.5, 1], "tags": ["x", "y"]}}')
    assert [(node.name, node.weight, node.tag) for node in made.nodes] == [("h:1", 0.5, "x"), ("h:2", 1.0, "y")]
    assert made.default_hash == "WeightedCh3"
    assert pool('{"A": {"servers": ["h:1"]}}').default_hash == "Ch3"


def test_lists_of_another_length_are_ignored_and_told(pool, caplog):
    made = pool('{"A": {"servers": ["h:1", "h:2"], "weights": [0.5], "tags": ["x"]}}')
    assert [(node.weight, node.tag) for node in made.nodes] == [(1.0, ""), (1.0, "")]
    assert "pool A: 1 weights for 2 servers are ignored" in caplog.text


def test_timeouts(pool):
    assert (options(pool('{"A": {"servers": ["h:1"]}}')).timeout_s) == 1.0
    made = options(pool('{"A": {"servers": ["h:1"], "server_timeout": 250}}'))
    assert (made.timeout_s, made.connect_timeout_s) == (0.25, 0.25)
    made = options(pool('{"A": {"servers": ["h:1"], "server_timeout": 250, "connect_timeout": 20}}'))
    assert (made.timeout_s, made.connect_timeout_s) == (0.25, 0.02)


@pytest.mark.parametrize(
    ("place", "timeout_s"),
    [
        ('"region": "east", "cluster": "a"', 0.01),
        ('"region": "east", "cluster": "b"', 0.02),
        ('"region": "west", "cluster": "a"', 0.03),
        ('"region": "west"', 0.5),
    ],
)
def test_timeouts_by_distance(pool, place, timeout_s):
    environment = Environment("/east/a/", distances=Distances(10, 20, 30))
    text = f'{{"A": {{"servers": ["h:1"], "server_timeout": 500, {place}}}}}'
    assert options(pool(text, environment)).timeout_s == timeout_s


def test_a_distance_without_its_timeout_changes_nothing(pool):
    text = '{"A": {"servers": ["h:1"], "server_timeout": 500, "region": "x", "cluster": "y"}}'
    assert options(pool(text)).timeout_s == 0.5


def test_inheritance(pool):
    text = """{"A": {"inherit": "B", "server_timeout": 20}, "B": {"inherit": "C", "connect_timeout": 30},
               "C": {"servers": ["h:1"], "server_timeout": 99}}"""
    made = options(pool(text))
    assert (made.timeout_s, made.connect_timeout_s) == (0.02, 0.03)


@pytest.mark.parametrize(
    ("override", "expected"),
    [("7", ["h:7", "h:7"]), ('{"ascii": 8}', ["h:8", "h:8"]), ('{"caret": 9}', ["h:1", "h:11211"])],
)
def test_port_override(pool, override, expected):
    made = pool(f'{{"A": {{"servers": ["h:1", "h"], "port_override": {override}}}}}')
    assert [node.name for node in made.nodes] == expected


@pytest.mark.parametrize(
    ("server", "name"),
    [
        ("10.0.0.1", "10.0.0.1:11211"),
        ("10.0.0.1:5:ascii:plain:notcompressed", "10.0.0.1:5"),
        ("[fd00::1]:5:ascii", "[fd00::1]:5"),
        ("unix:/run/m.sock", "unix:/run/m.sock"),
        ("unix:/run/m.sock:ascii:plain", "unix:/run/m.sock"),
        ("cache.example.com:5", "cache.example.com:5"),
    ],
)
def test_server_strings(pool, server, name):
    assert [node.name for node in pool(f'{{"A": {{"servers": ["{server}"]}}}}').nodes] == [name]
    assert [node.name for node in pool(f'{{"A": {{"servers": [{{"hostname": "{server}"}}]}}}}').nodes] == [name]


def test_a_route_in_the_place_of_a_server(pool):
    made = pool('{"A": {"servers": ["h:1", {"type": "PoolRoute", "pool": "B"}]}, "B": {"servers": ["h:2"]}}')
    assert [d.name for member in made.members for d in member.destinations()] == ["h:1", "h:2"]


def test_names_stand_for_the_servers_where_keys_are_placed(pool):
    made = pool('{"A": {"servers": ["10.0.0.1:11211", "10.0.0.2:11211"], "names": ["cache-1", "cache-2"]}}')
    assert [node.name for node in made.nodes] == ["cache-1", "cache-2"]
    assert [member.destination.name for member in made.members] == ["10.0.0.1:11211", "10.0.0.2:11211"]


def test_failure_domains_are_the_servers(pool):
    made = pool('{"A": {"servers": ["h:1", "h:2"], "failure_domains": [3, 4]}}')
    assert [member.failure_domain for member in made.members] == [3, 4]


def test_kept_prefixes(pool):
    made = pool('{"A": {"servers": ["h:1"], "keep_routing_prefix": true}}')
    assert isinstance(made.members[0], KeepPrefixRoute)


@pytest.mark.parametrize(
    ("tracker", "bounds"),
    [
        ('{"num_tko_threshold_upper": 3, "num_tko_threshold_lower": 1}', FailOpenBounds("pool A", 3, 1)),
        ('{"percent_tko_threshold_upper": 50, "percent_tko_threshold_lower": 25}', FailOpenBounds("pool A", 2, 1)),
    ],
)
def test_tko_tracker(pool, tracker, bounds):
    made = pool(f'{{"A": {{"servers": ["h:1", "h:2", "h:3", "h:4"], "tko_tracker": {tracker}}}}}')
    assert options(made).fail_open == bounds


def test_an_empty_pool(pool):
    assert pool('{"A": {"servers": []}}').error_on_empty
    assert not pool('{"A": {"servers": [], "error_on_empty": false}}').error_on_empty


def test_additional_fanout_is_told_to_have_no_effect(pool, caplog):
    pool('{"A": {"servers": ["h:1"], "additional_fanout": 3}}')
    assert "pool A: additional_fanout has no effect" in caplog.text


PODS = EndpointSet.of([Endpoint("m-0", "10.0.0.1", 5, 0), Endpoint("m-2", "10.0.0.3", 5, 2)])


def test_a_discovered_pool_has_a_node_for_every_slot(pool):
    environment = Environment(endpoints=lambda address: PODS if address == "dnssrv+_m._tcp.m.ns" else EndpointSet())
    made = pool('{"A": {"servers": "dnssrv+_m._tcp.m.ns"}}', environment)
    assert [node.name for node in made.nodes] == ["m-0", "m-1", "m-2"]
    assert [len(member.destinations()) for member in made.members] == [1, 0, 1]


def test_discovery_addresses_wherever_they_are(destinations):
    text = """{"pools": {"A": {"servers": "dns+a:1"}, "B": {"servers": ["h:1"]}},
      "route": {"type": "AllSyncRoute", "children": [
        {"type": "PoolRoute", "pool": {"servers": "dns+b:1"}},
        {"type": "PoolRoute", "pool": {"servers": "dns+a:1"}}]}}"""
    document = load(Reading(Source(text=text)), Environment())
    assert sorted(discovery_addresses(document)) == ["dns+a:1", "dns+b:1"]
    config = build_document(document, destinations, OPTIONS, offline_context(), Environment())
    assert config.destinations == ()
