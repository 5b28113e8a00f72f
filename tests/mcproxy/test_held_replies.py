"""Replies that wait for an earlier one are bounded, for each client and for all: the newest are given up first."""

import asyncio

import pytest

from mcproxy.held_replies import HeldReplies, give_up_newest, held_bytes
from mcproxy.multiget import MultiGet
from mcproxy.outcome import Result
from mcproxy.reply_queue import Ready
from mcproxy.request import Op, Request
from tests.support.mock_upstream import MockUpstream
from tests.support.running_proxy import running_proxy
from tests.support.scripted_route import Replies

OUT_OF_MEMORY = b"SERVER_ERROR out of memory\r\n"
MEGABYTE = 1 << 20


def waiting():
    return Request(Op.GET, b"k", b"get k\r\n", Replies())


def test_the_newest_go_until_the_rest_fits():
    places = [waiting(), Ready(b"x" * 1000), Ready(b"y" * 1000), Ready(b"STORED\r\n"), Ready(b"z" * 1000)]
    assert held_bytes(places) == 3008
    assert give_up_newest(reversed(places), 3008, 1500) == 2
    assert [place.reply for place in places] == [None, b"x" * 1000, OUT_OF_MEMORY, b"STORED\r\n", OUT_OF_MEMORY]


def test_a_get_of_many_keys_counts_what_it_has_and_is_given_up_whole():
    above = Replies()
    together = MultiGet(Op.GET, b"get ", [b"a", b"b"], above)
    asked = []

    class Router:
        route = staticmethod(asked.append)
        locate = None

    together.send(Router())
    asked[0].answer(Result.FOUND, b"VALUE a 0 500\r\n" + b"x" * 500 + b"\r\nEND\r\n")
    assert held_bytes([together]) > 500
    assert give_up_newest([together], held_bytes([together]), 100) == 1
    assert above.got == [(Result.LOCAL_ERROR, OUT_OF_MEMORY)]
    asked[1].answer(Result.FOUND, b"VALUE b 0 1\r\nx\r\nEND\r\n")  # too late
    assert (together.reply, len(above.got), held_bytes([together])) == (OUT_OF_MEMORY, 1, len(OUT_OF_MEMORY))


class Holder:
    def __init__(self, held):
        self.held_bytes = held
        self.is_watched = False

    @property
    def is_idle(self):
        return self.held_bytes is None

    def shed(self, limit):
        self.held_bytes = min(self.held_bytes, limit)


@pytest.fixture
def timers():
    return []


@pytest.fixture
def held(timers):
    return HeldReplies(lambda delay, callback: timers.append(callback), 100, 250)


def test_each_client_has_its_bound(held, timers):
    one, two = Holder(150), Holder(90)
    held.watch(one)
    held.watch(two)
    (look,) = timers
    look()
    assert (one.held_bytes, two.held_bytes) == (100, 90)


def test_all_together_have_one_and_the_greatest_pays(held, timers):
    holders = [Holder(size) for size in (100, 40, 90, 80)]
    for holder in holders:
        held.watch(holder)
    timers[0]()
    assert [holder.held_bytes for holder in holders] == [40, 40, 90, 80]


def test_looking_ends_when_all_are_idle(held, timers):
    holder = Holder(10)
    held.watch(holder)
    timers.pop()()
    assert (holder.is_watched, len(timers)) == (True, 1)
    holder.held_bytes = None
    timers.pop()()
    assert (holder.is_watched, timers) == (False, [])
    held.watch(holder)
    assert len(timers) == 1


async def test_a_slow_key_before_large_values():
    gate = asyncio.Event()
    value = b"VALUE big 0 %d\r\n%b\r\nEND\r\n" % (MEGABYTE, b"x" * MEGABYTE)

    async def slow(line, text):
        await gate.wait()
        return b"END\r\n"

    async with MockUpstream(slow) as first, MockUpstream(lambda line, text: value) as second:
        config = (
            f'{{"pools": {{"A": {{"servers": ["{first.address}"]}}, "B": {{"servers": ["{second.address}"]}}}},'
            ' "routes": {"/a/a/": "PoolRoute|A", "/././": "PoolRoute|B"}}'
        )
        async with running_proxy("--config", config, "-t", "60000") as proxy:
            client, other = await proxy.connect(), await proxy.connect()
            client.send(b"get /a/a/slow\r\n")
            most = 0
            for count in range(1, 101):
                client.send(b"get big\r\n")
                await second.wait_for_lines(count)
                most = max(most, *(c.session.held_bytes for c in proxy.proxy.service.connections))
            await asyncio.sleep(0.2)  # more than one look
            assert max(c.session.held_bytes for c in proxy.proxy.service.connections) <= 65 * MEGABYTE
            await other.ask(b"get big\r\n", value)  # others are served
            gate.set()
            await client.expect(b"END\r\n")
            for _ in range(60):
                await client.expect(value)
            rest = [await read_reply(client, value) for _ in range(40)]
            assert set(rest) == {value, OUT_OF_MEMORY}
            await client.ask(b"get big\r\n", value)


async def read_reply(client, value):
    line = await client.line()
    return line if line == OUT_OF_MEMORY else line + await client.reader.readexactly(len(value) - len(line))
