"""The store against a plain dict: random commands, and every invariant after each step."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from memcache_server.store import Store, StoreOptions
from memcache_server.store.check import check
from memcache_server.store.chunk import WON
from memcache_server.store.crawler import Crawler
from memcache_server.store.linked_items import (
    EXISTS,
    NO_MEMORY,
    NON_NUMERIC,
    NOT_FOUND,
    NOT_STORED,
    STORED,
    TOO_LARGE,
)
from memcache_server.store.memory_file import MemoryFile
from memcache_server.store.page_mover import PageMover
from tests.memcache_server.store.reading import get, whole

KEYS = [b"k%d" % n for n in range(12)] + [b"x" * 250, b"\xff\x00", b"a b".replace(b" ", b"\t")]
OPTIONS = StoreOptions(memory_limit=4 << 20, limit_growth=2, hash_power=2)
keys = st.sampled_from(KEYS)
exptimes = st.sampled_from([0, 0, 0, 1, 3, 10])
uniques = st.integers(1, (1 << 64) - 1)
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
    stale: bool = False
    won: bool = False
    unique: int | None = None  # the CAS unique, once it was seen or chosen; a change takes another


class StoreMachine(RuleBasedStateMachine):
    """A store of a few megabytes, so that large values evict: what the model has may be gone, never wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store(OPTIONS)
        self.mover = PageMover(self.store)
        self.model: dict[bytes, Item] = {}
        self.now = 2
        self.flush_at = 0
        self.flushed = 0  # what was stored up to the end of this second is dead
        self.file: MemoryFile | None = None
        self.directory = tempfile.TemporaryDirectory(prefix="mcfleet-test-")

    @initialize(in_file=st.booleans())
    def choose_memory(self, in_file: bool) -> None:
        if in_file:
            self.start()

    def start(self) -> None:
        self.file = MemoryFile(str(Path(self.directory.name, "memory")))
        self.store = Store(replace(OPTIONS, file=self.file.descriptor))
        self.file.begin(self.store, self.file.look(self.store))
        self.mover = PageMover(self.store)
        self.store.tick(self.now)

    @precondition(lambda self: self.file is not None)
    @rule()
    def restart(self) -> None:
        assert self.file is not None
        self.file.save(self.store, {})
        self.file.close()
        self.start()

    def teardown(self) -> None:
        if self.file is not None:
            self.file.close()
        self.directory.cleanup()

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
        if not self.fits(key, flag, value):  # seen before the item is looked for
            assert result == TOO_LARGE
        elif (item is None) != (verb == "add"):
            assert result == NOT_STORED
        elif result == NOT_STORED:
            self.check_evicted(key, item)
        else:
            assert result == STORED
            self.put(key, Item(value, flag, at, self.now), result)
        self.sync()

    def check_evicted(self, key: bytes, item: Item | None) -> None:
        """Room is made before the old item is looked for, and that very item may have made it."""
        assert item is not None
        assert self.store.stats.total("evicted")
        assert not self.store.find(key)

    @rule(key=keys, value=values(), behind=st.booleans())
    def extend(self, key: bytes, value: bytes, behind: bool) -> None:
        item = self.alive(key)
        result = (self.store.append if behind else self.store.prepend)(key, value + b"\r\n")
        if item is not None and result == NOT_STORED and not self.store.find(key):
            self.check_evicted(key, item)
            item = None
        if item is None:
            assert result == NOT_STORED
            self.sync()
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
        if not self.fits(key, flag, value):
            assert result == TOO_LARGE
        elif item is None:
            assert result == NOT_FOUND
        elif result == NOT_FOUND:
            self.check_evicted(key, item)
        elif not right:
            assert result == EXISTS
        else:
            assert result == STORED
            self.put(key, Item(value, flag, 0, self.now), result)
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
        if len(digits) <= len(item.value):
            item.value, item.unique = digits.ljust(len(item.value)), None
        else:  # stored anew, and so without marks
            self.model[key] = Item(digits, item.flags, item.exptime, self.now)
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

    # what the meta commands do besides

    def found(self, key: bytes) -> tuple[Item | None, int]:
        """The item, and its handle; neither or both are there."""
        item, handle = self.alive(key), self.store.find(key)
        assert (item is None) == (handle == 0)
        return item, handle

    @rule(key=keys, exptime=exptimes | st.none(), unique=uniques | st.none())
    def invalidate(self, key: bytes, exptime: int | None, unique: int | None) -> None:
        """md I, with T, with E."""
        item, handle = self.found(key)
        if item is None:
            return
        if exptime is not None:
            item.exptime = self.absolute(exptime)
            self.store.set_exptime(handle, item.exptime)
        self.store.invalidate(handle, unique)
        item.stale, item.won, item.unique = True, False, unique

    @rule(key=keys)
    def win(self, key: bytes) -> None:
        """The first mg of a stale item wins."""
        item, handle = self.found(key)
        if item is not None and self.store.is_stale(handle) and not self.store.is_won(handle):
            assert item.stale
            assert not item.won
            self.store.mark(handle, WON)
            item.won = True

    @rule(key=keys, exptime=exptimes, unique=uniques | st.none())
    def vivify(self, key: bytes, exptime: int, unique: int | None) -> None:
        """mg N of a key that has no item, with E."""
        item, _ = self.found(key)
        if item is not None:
            return
        handle, at = self.store.vivify(key, b"\r\n"), self.absolute(exptime)
        if handle:
            self.store.set_exptime(handle, at)
            self.store.mark(handle, WON)
            if unique is not None:
                self.store.set_cas(handle, unique)
            self.model[key] = Item(b"", b"0", at, self.now, won=True, unique=unique)
        self.sync()

    @rule(key=keys, flag=flags, exptime=exptimes)
    def empty(self, key: bytes, flag: bytes, exptime: int) -> None:
        """md x: the value and the marks go, the CAS unique stays."""
        item, handle = self.found(key)
        if item is None:
            return
        at, unique = self.absolute(exptime), self.store.cas_of(handle)
        if self.store.empty(handle, key, flag, at):
            self.model[key] = Item(b"", flag, at, self.now, unique=unique)
        self.sync()

    @rule(key=keys, flag=flags, exptime=exptimes, value=values(), unique=uniques)
    def set_with_unique(self, key: bytes, flag: bytes, exptime: int, value: bytes, unique: int) -> None:
        """ms E."""
        self.set(key, flag, exptime, value)
        item, handle = self.found(key)
        if item is not None:
            self.store.set_cas(handle, unique)
            item.unique = unique

    @rule(key=keys, delta=st.integers(0, 20), right=st.booleans())
    def compare_and_add_delta(self, key: bytes, delta: int, right: bool) -> None:
        """ma C: another id changes nothing."""
        item, handle = self.found(key)
        if item is None:
            return
        if right:
            self.add_delta(key, delta, True)
        else:
            result, _ = self.store.add_delta(key, delta, True, self.store.cas_of(handle) ^ 1 << 62)
            assert result in (EXISTS, NON_NUMERIC)

    @rule(key=keys, touched=st.booleans(), used=st.booleans())
    def fetch(self, key: bytes, touched: bool, used: bool) -> None:
        """mg, with T, with u: counted and marked, and nothing else."""
        _, handle = self.found(key)
        if handle:
            self.store.count_fetch(handle, touched, used)
            assert self.store.is_fetched(handle) or not used

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

    @rule(source=st.integers(-1, 39), to=st.integers(0, 39))
    def reassign(self, source: int, to: int) -> None:
        self.mover.reassign(source, to)
        self.sync()

    @rule(budget=st.integers(1, 50))
    def move_pages(self, budget: int) -> None:
        self.mover.step(budget)
        self.sync()

    @rule(seconds=st.integers(0, 4), budget=st.integers(1, 500))
    def crawl(self, seconds: int, budget: int) -> None:
        """Nothing dead is left, and everything else."""
        self.wait(seconds)
        crawler = Crawler(self.store)
        crawler.start(range(1, 64), 0)
        while crawler.step(budget):
            check(self.store)
        assert self.store.curr_items == sum(self.alive(key) is not None for key in KEYS)

    @rule(pages=st.integers(3, 8))
    def change_the_limit(self, pages: int) -> None:
        assert self.store.memory_limit.change(pages)

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
                self.check_marks(key, item)

    def check_marks(self, key: bytes, item: Item) -> None:
        handle = self.store.find(key)
        assert (self.store.is_stale(handle), self.store.is_won(handle)) == (item.stale, item.won)
        assert self.store.exptime_of(handle) == item.exptime
        if item.unique is None:
            item.unique = self.store.cas_of(handle)
        assert self.store.cas_of(handle) == item.unique


StoreMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestStoreMachine = StoreMachine.TestCase
