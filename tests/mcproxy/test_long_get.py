"""Gets of very many keys: in pieces, in order, one reply; the first error ends them."""

import asyncio

import pytest

from mcproto.encode import END
from mcproxy.long_get import PIECE_KEYS, LongGet, pieces_of_line, pieces_of_list
from mcproxy.multiget import MultiGet
from mcproxy.outcome import Result
from mcproxy.request import Op
from tests.support.mock_upstream import MockUpstream, store_script
from tests.support.running_proxy import running_proxy
from tests.support.scripted_route import Replies, ScriptedRoute


def block(key):
    return b"VALUE %b 0 1\r\nv\r\n" % key


class Turns:
    """Event loop turns, one by one."""

    def __init__(self):
        self.calls = []

    def run(self):
        count = 0
        while self.calls:
            self.calls.pop(0)()
            count += 1
        return count


def start(keys, route, is_wanted=lambda: True):
    replies, turns = Replies(), Turns()
    long = LongGet(
        pieces_of_list(keys),
        lambda part, above: (MultiGet(Op.GET, b"get ", part, above), route),
        replies,
        turns.calls.append,
        is_wanted,
    )
    long.go_on()
    return long, replies, turns


@pytest.mark.parametrize("blanks", [b" ", b"   "])
def test_the_keys_of_a_line_come_once_each_in_order(blanks):
    keys = [b"key%d" % number for number in range(20_000)]
    pieces = list(pieces_of_line(b"get" + blanks + blanks.join(keys) + blanks, 3))
    assert [key for piece in pieces for key in piece] == keys
    assert max(map(len, pieces)) <= PIECE_KEYS


def test_one_reply_in_the_clients_order():
    keys = [b"key%d" % number for number in range(5_500)]
    _, replies, turns = start(keys, ScriptedRoute(Result.FOUND))
    assert not replies.got  # others have their turn
    assert turns.run() == 6
    assert replies.got == [(Result.FOUND, b"".join(map(block, keys)) + END)]


def test_the_first_error_is_the_reply_and_nothing_more_is_asked():
    route = ScriptedRoute(*[Result.FOUND] * 1500, Result.TIMEOUT)
    _, replies, turns = start([b"key%d" % number for number in range(5_000)], route)
    turns.run()
    assert replies.got == [(Result.TIMEOUT, b"SERVER_ERROR timeout\r\n")]
    assert len(route.seen) == 2 * PIECE_KEYS


def test_a_bad_key_is_found_where_it_stands():
    route = ScriptedRoute(Result.FOUND)
    _, replies, turns = start([b"a"] * PIECE_KEYS + [b"k" * 251], route)
    turns.run()
    assert replies.got == [(Result.BAD_KEY, b"CLIENT_ERROR bad key\r\n")]


def test_a_client_that_is_gone_is_asked_for_no_longer():
    route, there = ScriptedRoute(Result.FOUND), [True]
    _, replies, turns = start([b"key%d" % number for number in range(5_000)], route, lambda: bool(there))
    there.clear()
    turns.run()
    assert (len(route.seen), replies.got) == (PIECE_KEYS, [])


def test_giving_up():
    route = ScriptedRoute(Result.FOUND, later=True)
    long, replies, turns = start([b"key%d" % number for number in range(3_000)], route)
    for _ in range(PIECE_KEYS // 2):
        route.answer_next()
    assert long.held_bytes > 500 * len(block(b"key"))
    long.give_up()
    while route.waiting:
        route.answer_next()
    turns.run()
    assert replies.got == [(Result.LOCAL_ERROR, b"SERVER_ERROR out of memory\r\n")]
    assert long.held_bytes == 0


async def test_ten_thousand_keys_and_eight_megabytes_of_them_while_others_are_served():
    async with MockUpstream(store_script()) as server, running_proxy("--upstream", server.address) as proxy:
        client, other = await proxy.connect(), await proxy.connect()
        await client.ask(b"set key77 0 0 2\r\nhi\r\n", b"STORED\r\n")
        keys = b" ".join(b"key%d" % number for number in range(10_000))
        await client.ask(b"get %b\r\n" % keys, b"VALUE key77 0 2\r\nhi\r\nEND\r\n")
        filler = b" ".join(b"%0249d" % number for number in range(33_000))
        client.send(b"get %b key77\r\n" % filler)
        longest, done = 0.0, asyncio.ensure_future(client.expect(b"VALUE key77 0 2\r\nhi\r\nEND\r\n"))
        loop = asyncio.get_running_loop()
        while not done.done():
            asked_at = loop.time()
            await other.ask(b"get key77\r\n", b"VALUE key77 0 2\r\nhi\r\nEND\r\n")
            longest = max(longest, loop.time() - asked_at)
        await done
        assert longest < 1.0  # the mock server takes its own time; a stall would be all of the get
