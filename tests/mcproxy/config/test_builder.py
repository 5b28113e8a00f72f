import pytest

from mcproxy.config.builder import build
from mcproxy.config_error import ConfigError
from mcproxy.routes.error import ErrorRoute
from mcproxy.upstream.destination import UpstreamOptions
from tests.support.route_context import make_context

CONTEXT = make_context()
OPTIONS = UpstreamOptions(timeout_s=1.0)
POOLS = '"pools": {"A": {"servers": ["10.0.0.1:11211", "10.0.0.2:11211"]}, "B": {"servers": ["h:1"]}}'


def names(config):
    return [destination.name for destination in config.destinations]


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ('"PoolRoute|A"', ["10.0.0.1:11211", "10.0.0.2:11211"]),
        ('{"type": "PoolRoute", "pool": "B"}', ["h:1"]),
        ('{"type": "PoolRoute", "pool": "B", "hash": "Crc32"}', ["h:1"]),
        ('{"type": "PoolRoute", "pool": "A", "hash": {"hash_func": "Ch3", "salt": "x"}}', None),
        ('{"type": "PoolRoute", "pool": {"servers": ["10.9.9.9:1"]}}', ["10.9.9.9:1"]),
        ('"FailoverRoute|Pool|A"', ["10.0.0.1:11211", "10.0.0.2:11211"]),
        ('{"type": "FailoverRoute", "children": ["PoolRoute|A", "", "PoolRoute|B"]}', None),
        ('{"type": "FailoverRoute", "children": "PoolRoute|B"}', ["h:1"]),
        ('"NullRoute"', []),
        ('"ErrorRoute|not today"', []),
    ],
)
def test_routes(destinations, route, expected):
    config = build(f'{{{POOLS}, "route": {route}}}', destinations, OPTIONS, CONTEXT)
    if expected is not None:
        assert names(config) == expected


def test_routes_by_prefix_and_named_handles(destinations):
    text = f"""{{{POOLS},
      "named_handles": [{{"name": "main", "type": "PoolRoute", "pool": "A"}}],
      "routes": [{{"aliases": ["/././", "/a/a/"], "route": "main"}}, {{"aliases": ["/b/b/"], "route": "PoolRoute|B"}}]
    }}"""
    assert names(build(text, destinations, OPTIONS, CONTEXT)) == ["10.0.0.1:11211", "10.0.0.2:11211", "h:1"]


def test_equal_servers_are_one_destination_unless_their_timeout_differs(destinations):
    text = """{"pools": {
        "A": {"servers": ["h:1", "h:2"]}, "B": {"servers": ["h:1"]}, "C": {"servers": ["h:1"], "server_timeout": 50}},
      "route": {"type": "FailoverRoute", "children": ["PoolRoute|A", "PoolRoute|B", "PoolRoute|C"]}}"""
    config = build(text, destinations, OPTIONS, CONTEXT)
    assert names(config) == ["h:1", "h:2", "h:1"]
    assert [d.options.timeout_s for d in config.destinations] == [1.0, 1.0, 0.05]


def test_a_second_build_uses_the_same_destinations(destinations):
    text = f'{{{POOLS}, "route": "PoolRoute|A"}}'
    first, second = (build(text, destinations, OPTIONS, CONTEXT) for _ in range(2))
    assert first.destinations == second.destinations
    assert len(destinations) == 3, "a pool that no route uses is looked at too"


def test_weights_make_the_hash_weighted(destinations):
    text = '{"pools": {"A": {"servers": ["h:1", "h:2"], "weights": [0, 1]}}, "route": "PoolRoute|A"}'
    root = build(text, destinations, OPTIONS, CONTEXT).root
    assert root is not None


@pytest.mark.parametrize(
    "server", ["10.0.0.1:11211:ascii:plain", "10.0.0.1:11211:ascii:plain:notcompressed", "10.0.0.1"]
)
def test_server_forms(destinations, server):
    text = f'{{"pools": {{"A": {{"servers": ["{server}"]}}}}, "route": "PoolRoute|A"}}'
    assert names(build(text, destinations, OPTIONS, CONTEXT)) == ["10.0.0.1:11211"]


def test_other_server_forms(destinations):
    text = '{"pools": {"A": {"servers": ["[fd00::1]:2", "unix:/run/m.sock"]}}, "route": "PoolRoute|A"}'
    assert names(build(text, destinations, OPTIONS, CONTEXT)) == ["[fd00::1]:2", "unix:/run/m.sock"]


def test_an_empty_pool_is_no_error_in_the_config(destinations):
    config = build('{"pools": {"A": {"servers": []}}, "route": "PoolRoute|A"}', destinations, OPTIONS, CONTEXT)
    assert not isinstance(config.root, ErrorRoute)
    assert config.destinations == ()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('{\n"pools": {},\n"route": "XYZRoute"}', 3, "Unknown RouteHandle: XYZRoute"),
        ('{"route":\n {"type":\n "XYZRoute"}}', 3, "Unknown RouteHandle: XYZRoute"),
        ('{"route": {"pool": "A"}}', 1, "without its type"),
        ('{"pools": {}}', 1, "exactly one of route and routes"),
        ('{"route": "NullRoute", "routes": []}', 1, "exactly one of route and routes"),
        ('{"pools": {},\n "route": "PoolRoute|A"}', 2, "no pool is called 'A'"),
        ('{"pools": {},\n "route": {"type": "PoolRoute"}}', 2, "PoolRoute: pool is missing"),
        ('{"pools": {"A": {"server": []}}, "route": "PoolRoute|A"}', 1, "servers"),
        ('{"pools": {"A": {"servers": ["h:1",\n "h:99999"]}}, "route": "PoolRoute|A"}', 2, "'h:99999'"),
        ('{"pools": {"A": {"servers": [7]}}, "route": "PoolRoute|A"}', 1, "a server is a string"),
        ('{"pools": {"A": {"servers": ["h:1"], "server_timeout": 0}}, "route": "PoolRoute|A"}', 1, "server_timeout"),
        ('{"pools": {"A": {"servers": ["h:1"], "protocol": "caret"}}, "route": "PoolRoute|A"}', 1, "protocol"),
        (
            f'{{{POOLS}, "route": {{"type": "PoolRoute", "pool": "A",\n "hash": "MD4"}}}}',
            2,
            "unknown hash function: MD4",
        ),
        (f'{{{POOLS}, "route": "NullRoute|A"}}', 1, "takes no argument"),
        (f'{{{POOLS}, "route": {{"type": "ErrorRoute", "result": "mc_res_no"}}}}', 1, "unknown result"),
        ('{"route": "a", "named_handles": {"a": {"name": "b"}, "b": {"name": "a"}}}', 1, "contains itself"),
        ('{"routes": {"/a/a/": "NullRoute"}}', 1, "default prefix"),
        ('{"routes": {"bad": "NullRoute"}}', 1, "not of the form"),
        ('{"route": "NullRoute", "pool": {}}', 1, 'unknown top-level key: "pool"'),
        ("[]", 1, "an object is expected"),
        ('{"route": 7}', 1, "a route is an object or a string"),
        ('{"route": "PoolRoute|A"', 1, "invalid JSON"),
    ],
)
def test_mistakes_refuse_the_config_and_name_the_line(destinations, text, line, words):
    with pytest.raises(ConfigError) as caught:
        build(text, destinations, OPTIONS, CONTEXT)
    assert words in caught.value.text
    assert caught.value.line == line


def test_failure_domains_of_a_pool_reach_the_failover(destinations):
    text = """{"pools": {"A": {"servers": ["h:1", "h:2"], "failure_domains": [7, 8]}}, "route": {
      "type": "FailoverRoute", "children": ["PoolRoute|A", "Pool|A"], "failover_policy":
      {"type": "DeterministicOrderPolicy", "max_tries": 2, "max_error_tries": 2, "enable_failure_domains": true}}}"""
    root = build(text, destinations, OPTIONS, CONTEXT).root
    assert root._default_handle.policy._domains == [0, 7, 8]
