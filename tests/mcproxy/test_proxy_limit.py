"""--proxy-max-inflight-requests: who goes, who waits, who is answered busy."""

import asyncio

import pytest

from mcproxy.outcome import Result
from mcproxy.proxy_limit import ProxyLimit
from tests.support.cache_route import LIKE, CacheRoute, say
from tests.support.mock_upstream import MockUpstream
from tests.support.running_proxy import running_proxy, until

BUSY = [(Result.BUSY, b"SERVER_ERROR 307 busy\r\n")]


@pytest.fixture
def cache():
    return CacheRoute(later=True)


@pytest.mark.parametrize("kind", LIKE)
@pytest.mark.parametrize("result", [Result.NOTFOUND, Result.TKO, Result.TIMEOUT])
def test_only_so_many_at_once_and_the_others_in_their_order(cache, kind, result):
    cache.failing = result
    limit = ProxyLimit(2)
    root = limit.above(cache)
    heard = [say(root, LIKE[kind].replace(b"k", b"k%d" % n, 1)) for n in range(5)]
    assert (len(cache.texts), len(limit.waiting)) == (2, 3)
    cache.answer_all()
    assert [got[0][0] for got in heard] == [result] * 5
    assert cache.texts == [LIKE[kind].replace(b"k", b"k%d" % n, 1) for n in range(5)]
    assert (limit.under_way, len(limit.waiting)) == (0, 0)


def test_the_line_is_bounded(cache):
    root = ProxyLimit(1, 2).above(cache)
    heard = [say(root, LIKE["get"]) for _ in range(5)]
    assert heard[3:] == [BUSY, BUSY]
    assert not any(heard[:3])
    cache.answer_all()
    assert all(heard)


def test_what_has_waited_too_long_is_not_sent(cache):
    now = 0.0
    limit = ProxyLimit(1, 0, 0.5, lambda: now)
    root = limit.above(cache)
    first, second = say(root, LIKE["get"]), say(root, LIKE["get"])
    now = 0.4
    third = say(root, LIKE["set"])
    now = 0.6
    cache.answer_next()
    assert (first[0][0], second) == (Result.NOTFOUND, BUSY)
    cache.answer_next()
    assert third[0][0] == Result.STORED
    assert len(cache.texts) == 2
    assert (limit.under_way, len(limit.waiting)) == (0, 0)


def test_a_long_line_before_servers_that_are_out(cache):
    root = ProxyLimit(1).above(cache)
    heard = [say(root, LIKE["get"]) for _ in range(5_000)]
    cache.later, cache.failing = False, Result.TKO
    cache.answer_next()
    assert {got[0][0] for got in heard} == {Result.TKO}


def test_the_limit_is_one_over_trees(cache):
    limit, other = ProxyLimit(1), CacheRoute()
    say(limit.above(cache), LIKE["get"])
    heard = say(limit.above(other), LIKE["get"])
    assert not heard
    cache.answer_next()
    assert heard
    assert len(other.texts) == 1


async def test_through_a_proxy_each_key_of_a_get_counts():
    gate = asyncio.Event()

    async def script(line, value):
        await gate.wait()
        return b"END\r\n"

    options = ("--proxy-max-inflight-requests", "3", "--proxy-max-throttled-requests", "4")
    async with MockUpstream(script) as server, running_proxy("--upstream", server.address, *options) as proxy:
        client = await proxy.connect()
        client.send(b"get %b\r\nget x\r\nget y\r\nstats\r\n" % b" ".join(b"k%d" % n for n in range(6)))
        await until(lambda: len(proxy.proxy._limit.waiting) == 4)
        await server.wait_for_lines(1)
        assert len(proxy.proxy.service.routing.destinations) == 1
        gate.set()
        await client.expect(b"END\r\nEND\r\nSERVER_ERROR 307 busy\r\n")
        while (line := await client.line()) != b"END\r\n":
            if line.startswith(b"STAT proxy_reqs_waiting "):
                assert line == b"STAT proxy_reqs_waiting 4\r\n"
        assert len(server.lines) == 7
        assert proxy.proxy._limit.under_way == 0


async def test_without_the_option_nothing_stands_above_the_tree():
    async with running_proxy("--upstream", "127.0.0.1:1") as proxy:
        assert proxy.proxy._limit is None
