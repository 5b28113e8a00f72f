"""At most so many requests on their way to a server, the rest in line, none for ever."""

import pytest

from mcproxy.outcome import Result
from mcproxy.request import Op, Request
from mcproxy.upstream.throttle import Throttle
from tests.support.scripted_route import Replies, results


class World:
    """A server that answers when told, and a clock."""

    def __init__(self):
        self.now = 0.0
        self.waiting = []
        self.timers = []
        self.answers_at_once = False
        self.counted = [0] * len(Result)

    def send(self, request):
        self.waiting.append(request)
        if self.answers_at_once:
            self.answer()

    def answer(self):
        request = self.waiting.pop(0)
        request.answer(Result.FOUND, b"")

    def call_later(self, delay_s, callback):
        self.timers.append((self.now + delay_s, callback))
        return self

    def cancel(self):
        self.timers.clear()

    def run_until(self, now):
        self.now = now
        due = [callback for at, callback in self.timers if at <= now]
        self.timers = [(at, callback) for at, callback in self.timers if at > now]
        for callback in due:
            callback()


@pytest.fixture
def world():
    return World()


@pytest.fixture
def throttle(world):
    return Throttle(
        world.send,
        2,
        3,
        timeout_s=1.0,
        now=lambda: world.now,
        call_later=world.call_later,
        results=world.counted,
    )


def ask(throttle, replies):
    throttle.send(Request(Op.GET, b"k", b"get k\r\n", replies))


def test_the_third_waits_until_one_is_answered(world, throttle):
    replies = Replies()
    for _ in range(4):
        ask(throttle, replies)
    assert (len(world.waiting), len(throttle.pending)) == (2, 2)
    world.answer()
    assert (len(world.waiting), len(throttle.pending), len(replies.got)) == (2, 1, 1)
    for _ in range(3):
        world.answer()
    assert results(replies.got) == [Result.FOUND] * 4
    ask(throttle, replies)
    assert len(world.waiting) == 1


def test_beyond_the_line_it_is_busy(world, throttle):
    replies = Replies()
    for _ in range(6):
        ask(throttle, replies)
    assert replies.got == [(Result.BUSY, b"SERVER_ERROR 307 busy\r\n")]
    assert world.counted[Result.BUSY] == 1


def test_nobody_waits_longer_than_the_timeout(world, throttle):
    replies = Replies()
    for _ in range(3):
        ask(throttle, replies)
    world.run_until(0.5)
    ask(throttle, replies)
    world.run_until(1.0)
    assert replies.got == [(Result.TIMEOUT, b"SERVER_ERROR Client queue timeout\r\n")]
    world.run_until(1.5)
    assert results(replies.got) == [Result.TIMEOUT] * 2
    assert (len(throttle.pending), world.timers) == (0, [])
    world.answer()
    world.answer()
    assert results(replies.got) == [Result.TIMEOUT] * 2 + [Result.FOUND] * 2


def test_a_long_line_before_a_server_that_answers_at_once_is_no_recursion(world):
    throttle = Throttle(
        world.send, 1, 100_000, timeout_s=1.0, now=lambda: 0.0, call_later=world.call_later, results=world.counted
    )
    replies = Replies()
    for _ in range(20_000):
        ask(throttle, replies)
    world.answers_at_once = True  # as a server that was taken out does
    world.answer()
    assert len(replies.got) == 20_000


def test_closing_answers_those_in_line(world, throttle):
    replies = Replies()
    for _ in range(3):
        ask(throttle, replies)
    throttle.close()
    assert results(replies.got) == [Result.ABORTED]
    assert not world.timers
