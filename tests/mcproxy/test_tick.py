import logging

from mcproxy.tick import Tick


class Loop:
    def __init__(self):
        self.soon = []

    def call_soon(self, callback):
        self.soon.append(callback)

    def run(self):
        soon, self.soon = self.soon, []
        for callback in soon:
            callback()


class Flushed:
    def __init__(self, then=None):
        self.count, self.then = 0, then

    def flush(self):
        self.count += 1
        if self.then:
            self.then()


def test_one_call_soon_for_all_of_a_turn():
    loop = Loop()
    tick = Tick(loop.call_soon)
    first, second = Flushed(), Flushed()
    tick.add(first)
    tick.add(second)
    assert len(loop.soon) == 1
    loop.run()
    assert (first.count, second.count) == (1, 1)


def test_added_during_a_flush_means_the_next_turn():
    loop = Loop()
    tick = Tick(loop.call_soon)
    late = Flushed()
    tick.add(Flushed(then=lambda: tick.add(late)))
    loop.run()
    assert late.count == 0
    loop.run()
    assert late.count == 1


def test_one_that_fails_does_not_end_the_others(caplog):
    loop = Loop()
    tick = Tick(loop.call_soon)
    after = Flushed()
    tick.add(Flushed(then=lambda: 1 / 0))
    tick.add(after)
    with caplog.at_level(logging.ERROR):
        loop.run()
    assert after.count == 1
    assert "flush failed" in caplog.text
