import pytest

from mcproxy.outcome import Result
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.shard_split import ShardSplitRoute, Splits, shard_end, split_key
from tests.support.cache_route import ERRORS, LIKE, CacheRoute, say
from tests.support.route_context import Clock, make_context
from tests.support.scripted_route import Leaf

KEY = b"a:1:k"
LIKE_SHARD = {kind: text.replace(b" k", b" " + KEY, 1) for kind, text in LIKE.items()}


def split(cache, count=4, host_id=0, fans_out=False):
    return ShardSplitRoute(
        cache, {b"1": Splits(count, count, fans_out_deletes=fans_out)}, make_context(host_id=host_id)
    )


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, b"a:1:k"), (1, b"a:1aa:k"), (2, b"a:1ba:k"), (26, b"a:1za:k"), (27, b"a:1ab:k"), (676, b"a:1zz:k")],
)
def test_names(number, name):
    assert split_key(KEY, shard_end(KEY), number) == name


@pytest.mark.parametrize(
    ("key", "end"),
    [
        (b"a:1:k", 3),
        (b"a:123:k:l", 5),
        (b"a:b1:k", 4),
        (b":1:", 2),
        (b"a:1b:k", 0),
        (b"a::k", 0),
        (b"a:1", 0),
        (b"a1", 0),
        (b"", 0),
        (b"a:1|#|:k", 0),
    ],
)
def test_where_the_shard_ends(key, end):
    assert shard_end(key) == end


@pytest.mark.parametrize("kind", LIKE)
@pytest.mark.parametrize(("host_id", "name"), [(0, b"a:1:k"), (5, b"a:1aa:k"), (7, b"a:1ca:k")])
@pytest.mark.parametrize("result", [Result.NOTFOUND, ERRORS[0]])
def test_each_host_uses_its_split(kind, host_id, name, result):
    cache = CacheRoute(failing=result)
    assert say(split(cache, host_id=host_id), LIKE_SHARD[kind])[0][0] == result
    assert cache.texts == [LIKE_SHARD[kind].replace(KEY, name)]


@pytest.mark.parametrize("key", [b"a:2:k", b"k", b"a:1x:k"])
def test_other_keys_are_left_alone(key):
    cache = CacheRoute()
    say(split(cache, host_id=1, fans_out=True), b"delete %b\r\n" % key)
    assert cache.texts == [b"delete %b\r\n" % key]


def test_the_client_reads_its_own_key():
    cache = CacheRoute()
    cache.put(b"a:1aa:k", b"v")
    got = say(split(cache, host_id=1), b"get a:1:k\r\n")
    assert got == [(Result.FOUND, b"VALUE a:1:k 0 1\r\nv\r\nEND\r\n")]


def test_deletes_of_all_splits_wait_for_the_first_alone():
    cache = CacheRoute(later=True)
    heard = say(split(cache, 3, host_id=1, fans_out=True), b"delete a:1:k\r\n")
    assert [text.split()[1] for text in cache.texts] == [b"a:1:k", b"a:1aa:k", b"a:1ba:k"]
    cache.answer_next()
    assert heard == [(Result.NOTFOUND, b"NOT_FOUND\r\n")]
    cache.answer_all()


def test_a_key_too_long_for_its_split_stays():
    cache, key = CacheRoute(), b"a:1:" + b"x" * 245
    say(split(cache, host_id=1), b"get %b\r\n" % key)
    assert cache.texts == [b"get %b\r\n" % key]


def test_a_count_that_changes_moves_hosts_over_one_by_one():
    splits = Splits(1, 4, start=1000, period_s=100)
    assert [splits.count_at(now, host_id=250) for now in (999, 1000, 1025, 1026, 1100)] == [1, 1, 1, 4, 4]
    assert [splits.most_at(now) for now in (999, 1000, 1100)] == [4, 4, 4]
    shrinking = Splits(4, 2, start=1000, period_s=100)
    assert [shrinking.most_at(now) for now in (999, 1050, 1100)] == [4, 4, 2]
    clock, cache = Clock(1000), CacheRoute()
    route = ShardSplitRoute(cache, {b"1": splits}, make_context(clock, host_id=250 + 3 * 1000))
    for _ in range(3):
        say(route, b"get a:1:k\r\n")
        clock.advance(20)
    assert [text.split()[1] for text in cache.texts] == [b"a:1:k", b"a:1:k", b"a:1ba:k"]


def test_keys_can_share_a_line():
    leaf, keys = Leaf("a"), [b"a:1:k", b"l"]
    assert split(DestinationRoute(leaf), host_id=1).locate(keys) == ([leaf, leaf], [b"a:1aa:k", b"l"])
    assert split(DestinationRoute(leaf)).locate(keys)[1] is keys
