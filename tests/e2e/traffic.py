"""Steady traffic through several proxies: each key has one writer, and every reply is kept for the verdict."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from tests.support.processes import Address
from tests.support.text_client import MISS, STORED, TextClient, get_request, hit_reply, set_request

PACE_S = 0.001
LIMIT_S = 60.0
LAP = 100


class Event(NamedTuple):
    """A set through one proxy or the get that follows it through another.

    `began` is when the set was sent, for the get too: what it finds was decided from then on. `at` is when the
    reply came; both on the monotonic clock.
    """

    began: float
    at: float
    key: bytes
    verb: str
    reply: bytes
    wanted: bytes

    def overlaps(self, start: float, end: float) -> bool:
        """Anything of it happened in that time."""
        return self.at >= start and self.began < end

    @property
    def is_error(self) -> bool:
        return self.reply.startswith((b"SERVER_ERROR", b"CLIENT_ERROR", b"ERROR"))

    @property
    def is_right(self) -> bool:
        """Stored, or the value that was set last."""
        return self.reply == self.wanted

    @property
    def is_miss(self) -> bool:
        return self.reply == MISS


class Traffic:
    """A thread for each proxy sets keys there, in turn, and reads each back through the next proxy at once.

    Ends with the `with` block, or after LIMIT_S. A client connection that ends early fails the block.
    """

    def __init__(self, addresses: Sequence[Address], keys: Sequence[bytes]) -> None:
        self.events: list[Event] = []
        self._counts = [0] * len(addresses)
        self._failures: list[BaseException] = []
        self._stopping = threading.Event()
        self._deadline = time.monotonic() + LIMIT_S
        count = len(addresses)
        self._threads = [
            threading.Thread(
                target=self._run,
                args=(number, addresses[number], addresses[(number + 1) % count], keys[number::count]),
                name=f"traffic {number}",
            )
            for number in range(count)
        ]

    def lap(self) -> float:
        """Waits until LAP more keys were served through every proxy; returns the time before."""
        began, goals = time.monotonic(), [count + LAP for count in self._counts]
        while any(count < goal for count, goal in zip(self._counts, goals, strict=True)):
            if self._failures or time.monotonic() > self._deadline:
                raise AssertionError(f"the traffic has ended: {self._failures or 'its time is over'}")
            time.sleep(PACE_S)
        return began

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        if self._failures and error[0] is None:
            raise self._failures[0]

    def _run(self, thread: int, writing: Address, reading: Address, keys: Sequence[bytes]) -> None:
        try:
            with TextClient(writing) as writer, TextClient(reading) as reader:
                for number, key in enumerate(itertools.cycle(keys)):
                    if self._stopping.wait(PACE_S) or time.monotonic() > self._deadline:
                        return
                    began, value = time.monotonic(), b"%d of %b" % (number, key)
                    self._note(began, key, "set", writer.ask(set_request(key, value)), STORED)
                    self._note(began, key, "get", reader.ask(get_request(key)), hit_reply(key, value))
                    self._counts[thread] += 1
        except BaseException as failure:  # for the main thread
            self._failures.append(failure)

    def _note(self, began: float, key: bytes, verb: str, reply: bytes, wanted: bytes) -> None:
        self.events.append(Event(began, time.monotonic(), key, verb, reply, wanted))
