from dataclasses import replace

import pytest

from mcproxy.config_error import ConfigError
from mcproxy.hashing import Node
from mcproxy.hashing.spooky import spooky_hash32
from mcproxy.lease import NO_LEASE, lease_get_text, lease_set_text, parse_lease, with_token
from mcproxy.outcome import Result
from mcproxy.request_text import Update
from mcproxy.routes.background import Background
from mcproxy.routes.base import Pool
from mcproxy.routes.context import new_counters
from mcproxy.routes.shadow import Shadow, ShadowRoute
from mcproxy.routes.shadow_leases import ShadowTokens
from mcproxy.runtime_vars import RuntimeVars
from tests.support.built_route import build
from tests.support.cache_route import ERRORS, LIKE, CacheRoute, say
from tests.support.route_context import make_context

ALL = (0, 2**32 - 1)


def shadow(target, low=0, high=2**32 - 1, limit=1000, **options):
    counters = new_counters()
    return Shadow(target, Background(counters, limit), range(1), lambda: (low, high), **options)


def never():
    raise AssertionError("no dice")


@pytest.mark.parametrize("kind", LIKE)
@pytest.mark.parametrize("result", [Result.NOTFOUND, *ERRORS])
def test_the_reply_is_the_childs_and_the_shadow_gets_the_same_request(kind, result):
    child, other = CacheRoute(failing=result), CacheRoute(later=True)
    assert say(ShadowRoute(child, [shadow(other)], never), LIKE[kind])[0][0] == result
    assert child.texts == [LIKE[kind]]
    assert other.texts == [with_token(LIKE[kind], NO_LEASE) if kind == "lease-set" else LIKE[kind]]


@pytest.mark.parametrize("result", [Result.FOUND, *ERRORS])
def test_a_shadows_reply_is_dropped_whenever_it_comes(result):
    child, other = CacheRoute(later=True, k=b"v"), CacheRoute(failing=result)
    heard = say(ShadowRoute(child, [shadow(other)], never), LIKE["get"])
    assert not heard
    child.answer_next()
    assert heard == [(Result.FOUND, b"VALUE k 0 1\r\nv\r\nEND\r\n")]


@pytest.mark.parametrize(
    ("low", "high", "is_copied"), [(0, -1, False), (0, 0, True), (1, 9, False), (-1, -1, False), (-9, 0, True)]
)
def test_both_ends_of_the_hash_range_count(low, high, is_copied):
    at = spooky_hash32(b"k")
    other = CacheRoute()
    say(ShadowRoute(CacheRoute(), [shadow(other, at + low, at + high)], never), b"get k|#|rest\r\n")
    assert len(other.texts) == is_copied


def test_exact_keys_up_to_the_hash_stop():
    other = CacheRoute()
    route = ShadowRoute(CacheRoute(), [shadow(other, keys=frozenset({b"k"}))], never)
    for key in (b"k", b"k|#|x", b"kk"):
        say(route, b"get %b\r\n" % key)
    assert other.texts == [b"get k\r\n", b"get k|#|x\r\n"]


def test_a_fraction_of_the_requests():
    other, draws = CacheRoute(), iter([0.1, 0.4, 0.3])
    route = ShadowRoute(CacheRoute(), [shadow(other, fraction=0.4)], lambda: next(draws))
    for _ in range(3):
        say(route, LIKE["get"])
    assert len(other.texts) == 2


def test_only_so_many_are_under_way_and_clients_do_not_notice():
    other = CacheRoute(later=True)
    shadows = [shadow(other, limit=2)]
    route = ShadowRoute(CacheRoute(k=b"v"), shadows, never)
    assert [say(route, LIKE["get"])[0][0] for _ in range(5)] == [Result.FOUND] * 5
    assert len(other.texts) == 2
    other.answer_all()
    say(route, LIKE["get"])
    assert len(other.texts) == 3


def test_several_shadows():
    others = [CacheRoute(), CacheRoute()]
    say(ShadowRoute(CacheRoute(), [shadow(other) for other in others], never), LIKE["set"])
    assert [other.texts for other in others] == [[LIKE["set"]]] * 2


# from a configuration


def pool_with(**shadow_fields):
    """The shadows of each of three servers."""
    pool = Pool("A", tuple(Node(str(n)) for n in range(3)), tuple(CacheRoute() for _ in range(3)))
    entry = {"target": CacheRoute(), **shadow_fields}
    route = build("PoolRoute", pool=pool, shadows=[{name: value for name, value in entry.items() if value is not None}])
    return [member._shadows if isinstance(member, ShadowRoute) else [] for member in route._members]


@pytest.mark.parametrize(
    ("fields", "servers"),
    [
        ({"index_range": [0, 1], "key_fraction_range": [0, 1]}, [0]),
        ({"index_range": [1, 3], "key_fraction_range": [0, 0.5]}, [1, 2]),
        ({"index_range": [0, 9], "key_fraction_range": [0, 1]}, [0, 1, 2]),
        ({"keys_to_shadow": ["k"]}, [0, 1, 2]),
        ({"key_fraction_range": [0, 1]}, []),
        ({}, []),
        ({"index_range": [1, 1], "key_fraction_range": [0, 1]}, []),
    ],
)
def test_which_servers_of_a_pool_are_shadowed(fields, servers):
    assert [at for at, shadows in enumerate(pool_with(**fields)) if shadows] == servers


@pytest.mark.parametrize(
    ("fraction", "bounds"),
    [([0, 1], ALL), ([0, 0.1], (0, 429496729)), ([0.5, 0.5], (2147483647, 2147483647)), ([0, 0], (0, 0))],
)
def test_hash_bounds_of_a_fraction(fraction, bounds):
    [chosen] = pool_with(index_range=[0, 1], key_fraction_range=fraction)[0]
    assert chosen.bounds() == bounds


def test_without_a_fraction_nothing_is_copied():
    [chosen] = pool_with(index_range=[0, 1])[0]
    assert not any(chosen.wants(b"%d" % n, never) for n in range(50))


@pytest.mark.parametrize(
    "fields",
    [
        {"target": None},
        {"index_range": [2, 1], "key_fraction_range": [0, 1]},
        {"index_range": [0.5, 1], "key_fraction_range": [0, 1]},
        {"index_range": [0], "key_fraction_range": [0, 1]},
        {"index_range": [0, 1], "key_fraction_range": [0, 2]},
        {"index_range": [0, 1], "key_fraction_range": "all"},
        {"index_range": [0, 1], "key_fraction_range": [0, 1], "requests_fraction": 2},
        {"keys_to_shadow": [1]},
    ],
)
def test_a_malformed_shadow_is_left_out_with_a_word(fields, caplog):
    assert pool_with(**fields) == [[], [], []]
    assert "shadow left out" in caplog.text


def test_a_shadow_route_of_its_own():
    other = CacheRoute()
    entry = {"target": other, "index_range": [0, 1], "key_fraction_range": [0, 1]}
    say(build("ShadowRoute", children=CacheRoute(), shadows=[entry]), LIKE["get"])
    assert other.texts == [LIKE["get"]]
    with pytest.raises(ConfigError, match="one child is expected"):
        build("ShadowRoute", children=[CacheRoute(), CacheRoute()], shadows=[])
    with pytest.raises(ConfigError, match="unknown shadow_policy: other"):
        build("ShadowRoute", children=CacheRoute(), shadow_policy="other")


def test_a_runtime_variable_is_looked_up_at_each_request(tmp_path):
    variables = RuntimeVars(tmp_path / "vars.json")
    context, other = replace(make_context(), runtime_vars=variables), CacheRoute()
    entry = {"target": other, "index_range": [0, 1], "key_fraction_range_rv": "key_fraction_range_b"}
    route = build("ShadowRoute", context, children=CacheRoute(), shadows=[entry])
    copied = []
    for text in (None, '{"key_fraction_range_b": [0, 1]}', '{"key_fractions": {"b": 0.5}}', "{}"):
        if text is not None:
            (tmp_path / "vars.json").write_text(text)
            variables.load()
        other.texts.clear()
        for number in range(100):
            say(route, b"get key:%d\r\n" % number)
        copied.append(len(other.texts))
    assert copied[:2] == [0, 100] and 30 < copied[2] < 70 and copied[3] == 0


def lease_of(heard):
    [(_, raw)] = heard
    return parse_lease(raw).token


@pytest.mark.parametrize("shadow_is_first", [True, False])
def test_the_shadow_gets_its_own_token_with_the_lease_set(shadow_is_first):
    child, other = CacheRoute(later=True), CacheRoute(later=True, x=b"")
    other.put(b"y", b"")  # so that the two give different tokens
    route = ShadowRoute(child, [shadow(other)], never)
    heard = say(route, LIKE["lease-get"])
    for cache in (other, child) if shadow_is_first else (child, other):
        cache.answer_next()
    token = lease_of(heard)
    stored = say(route, lease_set_text(b"k", token, Update(3, 0, b"made")))
    child.answer_next()
    other.answer_next()
    assert stored == [(Result.STORED, b"STORED\r\n")]
    assert child.entries[b"k"].value == other.entries[b"k"].value == b"made"
    assert child.texts[1] != other.texts[1]


@pytest.mark.parametrize("theirs", [{"k": b"a hit"}, {}])
def test_without_a_lease_of_the_shadows_its_lease_set_stores_nothing(theirs):
    child, other = CacheRoute(), CacheRoute(**theirs)
    if not theirs:
        say(other, LIKE["lease-get"])  # somebody else has it
    route = ShadowRoute(child, [shadow(other)], never)
    token = lease_of(say(route, LIKE["lease-get"]))
    assert say(route, lease_set_text(b"k", token, Update(0, 0, b"made")))[0][0] == Result.STORED
    assert other.entries[b"k"].value == theirs.get("k", b"")
    assert len(other.texts) == (2 if theirs else 3)


def test_each_shadow_has_its_tokens():
    child, first, second = CacheRoute(), CacheRoute(a=b""), CacheRoute()
    for _ in range(3):
        second.put(b"b", b"")
    route = ShadowRoute(child, [shadow(first), shadow(second)], never)
    token = lease_of(say(route, LIKE["lease-get"]))
    say(route, lease_set_text(b"k", token, Update(0, 0, b"made")))
    assert [cache.entries[b"k"].value for cache in (child, first, second)] == [b"made"] * 3


def test_as_many_tokens_as_are_allowed():
    child, other = CacheRoute(), CacheRoute()
    route = ShadowRoute(child, [shadow(other, tokens=ShadowTokens(2))], never)
    tokens = {key: lease_of(say(route, lease_get_text(key))) for key in (b"a", b"b", b"c")}
    for key, token in tokens.items():
        assert say(route, lease_set_text(key, token, Update(0, 0, b"v")))[0][0] == Result.STORED
    assert other.values() == {b"a": b"", b"b": b"v", b"c": b"v"}


def test_how_many_tokens_comes_with_the_context():
    context = replace(make_context(), shadow_tokens_max=0)
    fields = {"shadows": [{"target": CacheRoute(), "index_range": [0, 1], "key_fraction_range": [0, 1]}]}
    route = build("ShadowRoute", context, children=CacheRoute(), **fields)
    say(route, LIKE["lease-get"])
    assert len(route._shadows[0].tokens) == 0
