"""Values on their way in and replies on their way out, while everything else happens to their keys and pages."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from memcache_server.store import Filling, LargeText, Store, StoreOptions
from memcache_server.store.check import check
from memcache_server.store.linked_items import NOT_STORED, STORED
from memcache_server.store.lru_maintainer import LruMaintainer
from memcache_server.store.page_mover import PageMover
from tests.memcache_server.store.reading import get

KEYS = [b"a", b"b" * 40, b"c" * 250, b"d"]
keys = st.sampled_from(KEYS)
values = st.builds(
    lambda fill, length: bytes([fill]) * length + b"\r\n",
    st.integers(1, 9),
    st.sampled_from([0, 5, 3000, 65_500, 70_000, 300_000, 524_100, 600_000, 1_048_000]),
)
which = st.integers(0, 3)


@dataclass
class Flight:
    filling: Filling
    key: bytes
    value: bytes
    written: int = 0


@dataclass
class Reply:
    text: LargeText
    expected: bytes
    sent: int = 0


class FlightMachine(RuleBasedStateMachine):
    """Memory is short: what the model has may be gone, and storing may fail, but nothing is ever wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store(StoreOptions(memory_limit=5 << 20, limit_growth=2, hash_power=2))
        self.mover, self.maintainer = PageMover(self.store), LruMaintainer(self.store)
        self.model: dict[bytes, bytes] = {}
        self.flights: list[Flight] = []
        self.replies: list[Reply] = []

    def stored(self, key: bytes, value: bytes, result: int) -> None:
        if result == STORED:
            self.model[key] = b"VALUE %b 0 %d\r\n%b" % (key, len(value) - 2, value)
        elif result != NOT_STORED:
            self.model.pop(key, None)

    @rule(key=keys, value=values)
    def set(self, key: bytes, value: bytes) -> None:
        self.stored(key, value, self.store.set(key, b"0", 0, value))

    @rule(key=keys)
    def delete(self, key: bytes) -> None:
        self.store.delete(key)
        self.model.pop(key, None)

    @rule()
    def flush(self) -> None:
        self.store.flush()
        self.model.clear()

    @precondition(lambda self: len(self.flights) < 4)
    @rule(key=keys, value=values)
    def begin(self, key: bytes, value: bytes) -> None:
        filling = self.store.begin(key, b"0", len(value))
        if filling is not None:
            self.flights.append(Flight(filling, key, value))

    @precondition(lambda self: self.flights)
    @rule(which=which, length=st.sampled_from([1, 700, 65_536, 400_000]))
    def more(self, which: int, length: int) -> None:
        flight = self.flights[which % len(self.flights)]
        part = flight.value[flight.written : flight.written + length]
        if part:
            flight.filling[flight.written : flight.written + len(part)] = part
            flight.written += len(part)

    @precondition(lambda self: self.flights)
    @rule(which=which, verb=st.sampled_from(["set", "set", "add", "replace", "append", "prepend"]))
    def finish(self, which: int, verb: str) -> None:
        flight = self.flights.pop(which % len(self.flights))
        rest = flight.value[flight.written :]
        if rest:
            flight.filling[flight.written :] = rest
        if not flight.filling.handle:  # memory ran out
            return
        before, value = self.model.get(flight.key), flight.value
        if verb in ("append", "prepend"):
            result = getattr(self.store, verb)(flight.key, flight.filling)
            if result == STORED:
                assert before is not None
                old = before[before.index(b"\r\n") + 2 :]
                value = old[:-2] + value if verb == "append" else value[:-2] + old
        else:
            result = getattr(self.store, verb)(flight.key, b"0", 0, flight.filling)
            assert verb != "set" or result == STORED
        self.stored(flight.key, value, result)
        self.store.abandon(flight.filling)

    @precondition(lambda self: self.flights)
    @rule(which=which)
    def abandon(self, which: int) -> None:
        self.store.abandon(self.flights.pop(which % len(self.flights)).filling)

    @precondition(lambda self: len(self.replies) < 4)
    @rule(key=keys)
    def reply(self, key: bytes) -> None:
        text = self.store.get(key)
        if text is None:
            return
        if isinstance(text, LargeText):
            self.replies.append(Reply(text, self.model[key]))
        else:
            assert text == self.model[key]

    @precondition(lambda self: self.replies)
    @rule(which=which, windows=st.integers(1, 20))
    def send(self, which: int, windows: int) -> None:
        reply = self.replies[which % len(self.replies)]
        for _ in range(windows):
            window = bytes(reply.text.window())
            assert window == reply.expected[reply.sent : reply.sent + len(window)]
            reply.sent += len(window)
            if not window:
                assert reply.sent == len(reply.expected)
                self.replies.remove(reply)
                reply.text.release()
                break

    @precondition(lambda self: self.replies)
    @rule(which=which)
    def disconnect(self, which: int) -> None:
        self.replies.pop(which % len(self.replies)).text.release()

    @rule(budget=st.integers(1, 400), source=st.integers(-1, 39), to=st.integers(0, 39))
    def move_pages(self, budget: int, source: int, to: int) -> None:
        self.mover.reassign(source, to)
        self.mover.step(budget)

    @rule(budget=st.integers(1, 50))
    def maintain(self, budget: int) -> None:
        self.maintainer.step(budget)
        self.store.reap(budget)

    @rule(pages=st.integers(4, 8))
    def change_the_limit(self, pages: int) -> None:
        self.store.memory_limit.change(pages)

    @invariant()
    def holds(self) -> None:
        check(self.store)

    @invariant()
    def nothing_is_wrong(self) -> None:
        for key in KEYS:
            text = get(self.store, key)
            assert text is None or text == self.model.get(key)
            if text is None:
                self.model.pop(key, None)

    def teardown(self) -> None:
        for flight in self.flights:
            self.store.abandon(flight.filling)
        for reply in self.replies:
            reply.text.release()
        assert not self.store.busy
        check(self.store)


FlightMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestFlightMachine = FlightMachine.TestCase
