"""Replies that wait for an earlier one are bounded, for each client and for all: the newest are given up first."""

import asyncio

import pytest

from mcproxy.held_replies import HeldReplies, give_up_newest, held_bytes
from mcproxy.multiget import MultiGet
from mcproxy.outcome import Result
from mcproxy.reply_queue import Ready
from mcproxy.request import Op, Request
from mcproxy.upstream.single_flight import SingleFlight
from tests.support.mock_upstream import MockUpstream
from tests.support.running_proxy import running_proxy, until
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
    def __init__(self, held, unread=0):
        self.held_bytes = held
        self.unread_bytes = unread
        self.is_watched = False
        self.is_dropped = False

    def drop(self):
        self.is_dropped, self.unread_bytes = True, 0

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
    (look_again,) = timers
    look_again()
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


def test_what_is_not_read_counts_and_the_slowest_readers_are_dropped_when_nothing_else_helps(held, timers):
    holders = [Holder(60, 120), Holder(0, 100), Holder(0, 60)]
    for holder in holders:
        held.watch(holder)
    held.look()
    assert ([holder.held_bytes for holder in holders], [holder.is_dropped for holder in holders]) == (
        [0, 0, 0],
        [True, False, False],
    )


def test_nobody_is_dropped_who_reads_all(held):
    held.incoming = lambda: [Connection(1000, Request(Op.GET, b"k", b"get k\r\n", Replies()))]  # one great value
    holders = [Holder(0, 0), Holder(0, 10), Holder(0, 0)]
    for holder in holders:
        held.watch(holder)
    held.look()
    assert [holder.is_dropped for holder in holders] == [False, True, False]


class Connection:
    """To a server, of whose reply to `next_request` so much has come."""

    def __init__(self, arrived_bytes, request):
        self.arrived_bytes = arrived_bytes
        self.next_request = request

    def forget_arrived(self):
        self.arrived_bytes = 0


def line_of(keys):
    """(a get of many keys that waits, the line it has sent)"""
    sent = []

    class Server:
        results = [0] * len(Result)
        send = sent.append
        route = None

        @classmethod
        def locate(cls, keys):
            return [cls] * len(keys), keys

    above = Replies()
    together = MultiGet(Op.GET, b"get ", keys, above)
    together.send(Server)
    return together, sent[0]


KEYS = [b"k%d" % number for number in range(10)]


def test_a_reply_that_has_come_in_part_is_charged_to_its_get(held, timers):
    together, line = line_of(KEYS)
    seen = []

    class Session(Holder):
        def shed(self, limit):
            seen.append(held_bytes([together]))
            give_up_newest([together], seen[-1], limit)
            self.held_bytes = 0

    session, connection = Session(0), Connection(400, line)
    held.watch(session)
    held.incoming = lambda: [connection]
    session.held_bytes = 400  # as the sum over its places would be
    held.look()
    assert seen == [400]
    assert (together.reply, connection.arrived_bytes) == (OUT_OF_MEMORY, 400)
    held.look()  # nobody wants the rest
    assert connection.arrived_bytes == 0


def test_what_others_wait_for_or_nobody_can_be_charged_with_counts_for_all(held):
    single, (together, line) = waiting(), line_of(KEYS)
    flights = {}
    SingleFlight(lambda request: None, flights).send(line)
    flights[b"k1"].takes(waiting())
    together.forget()
    connections = [Connection(1000, single), Connection(1000, line), Connection(1000, None)]
    held.incoming = lambda: connections
    holder = Holder(90)
    held.watch(holder)
    held.look()
    assert [connection.arrived_bytes for connection in connections] == [1000, 1000, 0]
    assert holder.held_bytes == 0


def test_a_line_that_is_forgotten_takes_nobody_with_it(held):
    together, line = line_of(KEYS)
    flights = {}
    SingleFlight(lambda request: None, flights).send(line)
    together.forget()
    held.incoming = lambda: [Connection(1000, line)]
    assert len(flights) == len(KEYS)
    held.look()
    assert flights == {}


async def test_a_look_comes_with_so_many_bytes_from_servers():
    value = b"VALUE big 0 %d\r\n%b\r\nEND\r\n" % (MEGABYTE, b"x" * MEGABYTE)
    words = ("-t", "60000")
    async with (
        MockUpstream(lambda line, text: value) as server,
        running_proxy("--upstream", server.address, *words) as p,
    ):
        client, looks = await p.connect(), []
        p.proxy.destinations._shared.arrivals.look = lambda: looks.append(1)
        for _ in range(17):
            await client.ask(b"get big\r\n", value)
        assert len(looks) == 2


async def test_a_client_that_goes_leaves_nothing_behind():
    gate = asyncio.Event()
    block = b"VALUE %b 0 100000\r\n" + b"x" * 100_000 + b"\r\n"

    async def answer(line, text):
        keys = line.split()[1:]
        if keys[-1] != b"k0":
            await gate.wait()
        return b"".join(block % key for key in keys) + b"END\r\n"

    async with MockUpstream(answer) as first, MockUpstream(answer) as second:
        words = ("--upstream", first.address, "--upstream", second.address, "-t", "60000")
        async with running_proxy(*words) as proxy:
            client = await proxy.connect()
            client.send(b"get " + b" ".join(b"key:%d" % number for number in range(500)) + b"\r\n")
            await until(lambda: first.lines and second.lines)
            (connection,) = proxy.proxy.service.connections
            (together,) = connection.session.places
            connection.abort()
            await until(lambda: not proxy.proxy.service.connections)
            gate.set()
            await until(lambda: not any(d.inflight_count + d.pending_count for d in proxy.proxy.destinations))
            assert (together.reply, together.held_bytes) == (b"", 0)


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
            assert most <= 74 * MEGABYTE
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
