"""The store against a plain dict: random commands, and every invariant after each step."""

from dataclasses import dataclass

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from memcache_server.store import Store, StoreOptions
from memcache_server.store.check import check
from memcache_server.store.linked_items import (
    EXISTS,
    NO_MEMORY,
    NON_NUMERIC,
    NOT_FOUND,
    NOT_STORED,
    STORED,
    TOO_LARGE,
)
from tests.memcache_server.store.reading import get, whole

KEYS = [b"k%d" % n for n in range(12)] + [b"x" * 250, b"\xff\x00", b"a b".replace(b" ", b"\t")]
keys = st.sampled_from(KEYS)
exptimes = st.sampled_from([0, 0, 0, 1, 3, 10])
flags = st.sampled_from([b"0", b"0", b"7", b"4294967295"])


@st.composite
def values(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(["tiny"] * 4 + ["number"] * 2 + ["small"] * 2 + ["medium", "large"]))
    match kind:
        case "tiny":
            return draw(st.binary(max_size=30))
        case "number":
            return b"%d" % draw(st.integers(0, (1 << 64) - 1))
        case "small":
            return b"s" * draw(st.integers(30, 3000))
        case "medium":
            return b"m" * draw(st.integers(3000, 524_000))
        case _:
            return b"L" * draw(st.integers(524_000, 1_048_600))


@dataclass
class Item:
    value: bytes
    flags: bytes
    exptime: int
    stored: int


class StoreMachine(RuleBasedStateMachine):
    """A store of a few megabytes, so that large values evict: what the model has may be gone, never wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store(StoreOptions(memory_limit=4 << 20, hash_power=2))
        self.model: dict[bytes, Item] = {}
        self.now = 2
        self.flush_at = 0
        self.flushed = 0  # what was stored up to the end of this second is dead

    def alive(self, key: bytes) -> Item | None:
        item = self.model.get(key)
        if item and (item.stored <= self.flushed or (item.exptime and item.exptime <= self.now)):
            del self.model[key]
            return None
        return item

    def sync(self) -> None:
        """Evictions happen behind the model's back: drop what the store does not hold any more."""
        if self.store.stats.total("evicted") or self.store.stats.total("outofmemory"):
            for key in list(self.model):
                if not self.store.find(key):
                    del self.model[key]

    def absolute(self, exptime: int) -> int:
        return exptime and self.now + exptime

    def fits(self, key: bytes, flag: bytes, value: bytes) -> bool:
        return 48 + 8 + len(key) + 1 + (4 if flag != b"0" else 0) + len(value) + 2 <= 1 << 20

    def put(self, key: bytes, item: Item, result: int, ok: bool = True) -> None:
        if result == STORED:
            self.model[key] = item
        elif result == NO_MEMORY:
            self.model.pop(key, None)

    @rule(key=keys, flag=flags, exptime=exptimes, value=values())
    def set(self, key: bytes, flag: bytes, exptime: int, value: bytes) -> None:
        at = self.absolute(exptime)
        result = self.store.set(key, flag, at, value + b"\r\n")
        if not self.fits(key, flag, value):
            assert result == TOO_LARGE
            self.model.pop(key, None)
        else:
            assert result == STORED
            self.put(key, Item(value, flag, at, self.now), result)
        self.sync()

    @rule(key=keys, flag=flags, exptime=exptimes, value=values(), verb=st.sampled_from(["add", "replace"]))
    def add_or_replace(self, key: bytes, flag: bytes, exptime: int, value: bytes, verb: str) -> None:
        item, at = self.alive(key), self.absolute(exptime)
        result = getattr(self.store, verb)(key, flag, at, value + b"\r\n")
        if (item is None) != (verb == "add"):
            assert result == NOT_STORED
        elif not self.fits(key, flag, value):
            assert result == TOO_LARGE
        else:
            assert result == STORED
            self.put(key, Item(value, flag, at, self.now), result)
        self.sync()

    @rule(key=keys, value=values(), behind=st.booleans())
    def extend(self, key: bytes, value: bytes, behind: bool) -> None:
        item = self.alive(key)
        result = (self.store.append if behind else self.store.prepend)(key, value + b"\r\n")
        if item is None:
            assert result == NOT_STORED
            return
        joined = item.value + value if behind else value + item.value
        if not self.fits(key, item.flags, joined):
            assert result == NOT_STORED
        else:
            self.put(key, Item(joined, item.flags, item.exptime, self.now), result)
        self.sync()

    @rule(key=keys, flag=flags, value=values(), right=st.booleans())
    def compare_and_set(self, key: bytes, flag: bytes, value: bytes, right: bool) -> None:
        item, text = self.alive(key), whole(self.store.get_with_cas(key))
        assert (item is None) == (text is None)
        unique = int(text[: text.index(b"\r\n")].rsplit(b" ", 1)[1]) if text else 5
        result = self.store.compare_and_set(key, flag, 0, value + b"\r\n", unique if right else unique + 1)
        if item is None:
            assert result == NOT_FOUND
        elif not right:
            assert result == EXISTS
        elif self.fits(key, flag, value):
            assert result == STORED
            self.put(key, Item(value, flag, 0, self.now), result)
        else:
            assert result == TOO_LARGE
        self.sync()

    @rule(key=keys, delta=st.integers(0, (1 << 64) - 1) | st.integers(0, 20), up=st.booleans())
    def add_delta(self, key: bytes, delta: int, up: bool) -> None:
        item = self.alive(key)
        result, number = self.store.add_delta(key, delta, up)
        if item is None:
            assert result == NOT_FOUND
            return
        text = item.value.strip(b" ")
        if not text.isdigit() or int(text) >= 1 << 64 or len(item.value) > 1000:
            if result == NON_NUMERIC:
                return
            assert not text.isdigit()  # strtoull takes a little more than digits, such as a number and a tail
            del self.model[key]
            self.store.delete(key)
            return
        expected = (int(text) + delta) % (1 << 64) if up else max(0, int(text) - delta)
        assert (result, number) == (STORED, expected)
        digits = b"%d" % expected
        item.value = digits.ljust(len(item.value)) if len(digits) <= len(item.value) else digits
        self.sync()

    @rule(key=keys, exptime=exptimes)
    def touch(self, key: bytes, exptime: int) -> None:
        item = self.alive(key)
        assert self.store.touch(key, self.absolute(exptime)) == (item is not None)
        if item:
            item.exptime = self.absolute(exptime)

    @rule(key=keys)
    def delete(self, key: bytes) -> None:
        assert self.store.delete(key) == (self.alive(key) is not None)
        self.model.pop(key, None)

    @rule(seconds=st.integers(1, 4))
    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1
            self.store.tick(self.now)
            if self.flush_at and self.now >= self.flush_at:
                self.flushed, self.flush_at = self.flush_at, 0

    @rule()
    def flush(self) -> None:
        self.store.flush()
        self.model.clear()
        self.flush_at = self.flushed = 0

    @precondition(lambda self: not self.flush_at)
    @rule(seconds=st.integers(1, 3))
    def flush_later(self, seconds: int) -> None:
        self.flush_at = self.now + seconds
        self.store.flush_at(self.flush_at)

    @rule(budget=st.integers(1, 50))
    def reap(self, budget: int) -> None:
        self.store.reap(budget)

    @invariant()
    def holds(self) -> None:
        check(self.store)

    @invariant()
    def same_as_model(self) -> None:
        for key in KEYS:
            item, text = self.alive(key), get(self.store, key)
            if item is None:
                assert text is None, f"{key!r} should be gone"
            else:
                head = b"VALUE %b %b %d\r\n" % (key, item.flags, len(item.value))
                assert text == head + item.value + b"\r\n"


StoreMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestStoreMachine = StoreMachine.TestCase
