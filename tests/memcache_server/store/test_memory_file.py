"""What a file has kept, and every way in which it may not be what was kept."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from memcache_server.store import Store, StoreOptions, memory_file, saved_state
from memcache_server.store.check import check
from memcache_server.store.chunk import STALE, WON
from memcache_server.store.linked_items import LinkedItems
from memcache_server.store.memory_file import InUseError, MemoryFile, NotKeptError, meta_path, saved_seed

MB = 1 << 20
OPTIONS = StoreOptions(memory_limit=6 * MB, item_size_max=2 * MB, hash_power=6)
CLOCK = {"shown": 5.5, "steady": 1.0, "wall": 2.0, "boot": "run"}

Items = dict[bytes, tuple[object, ...]]


@contextmanager
def opened(path: Path, options: StoreOptions = OPTIONS, *, begin: bool = True) -> Iterator[tuple[MemoryFile, Store]]:
    """A store in the file, with what it has kept."""
    file = MemoryFile(str(path))
    try:
        store = Store(replace(options, file=file.descriptor))
        if begin:
            file.begin(store, file.look(store))
        yield file, store
    finally:
        file.close()


def items(store: Store) -> Items:
    """All that a client can see of each item."""
    found: Items = {}
    for handle in store.index.handles():
        key = store.key_of(handle)
        assert store.index.find(key) == handle
        found[key] = (
            store._text(handle), store.exptime_of(handle), store.cas_of(handle), store.is_stale(handle),
            store.is_won(handle), store.is_fetched(handle), store.is_binary(handle), store.slab_class_of(handle),
        )
    return found


def fill(store: Store, count: int = 2000, seed: int = 1) -> None:
    """Items of all kinds, chains among them; some deleted, some used."""
    rng = random.Random(seed)
    store.tick(100)
    for number in range(count):
        key, flags = b"key-%d" % number, b"%d" % (rng.randrange(3) * 77)
        size = int(2 ** rng.uniform(0, 9 if number % 50 else 14))
        store.set(key, flags, rng.choice((0, 0, 150, 5000)), rng.randbytes(size) + b"\r\n")
    for number in range(0, count, 7):
        store.delete(b"key-%d" % number)
        store.get(b"key-%d" % (number + 1))
        store.get(b"key-%d" % (number + 1))
    store.mark(store.find(b"key-1"), STALE)
    store.mark(store.find(b"key-2"), STALE | WON)
    store.set(b"chain", b"9", 0, rng.randbytes(MB + MB // 2) + b"\r\n")


def kept(path: Path, options: StoreOptions = OPTIONS, count: int = 2000) -> Items:
    """A file that was closed cleanly, and its items."""
    with opened(path, options) as (file, store):
        fill(store, count)
        check(store)
        there = items(store)
        file.save(store, CLOCK)
    return there


def why_not_kept(path: Path, options: StoreOptions = OPTIONS) -> str:
    with pytest.raises(NotKeptError) as caught, opened(path, options):
        pass
    return str(caught.value)


# what is kept


def test_everything_a_client_can_see(tmp_path: Path) -> None:
    there = kept(tmp_path / "memory")
    assert len(there) > 1000
    with opened(tmp_path / "memory") as (_, store):
        check(store)
        assert items(store) == there
        store.tick(151)
        assert store.find(b"key-1") == 0 or there[b"key-1"][1] != 150, "a TTL goes on"
        assert store.set(b"new", b"0", 0, b"x\r\n") == 0
        assert store.cas_of(store.find(b"new")) > max(item[2] for item in there.values())  # type: ignore[type-var]
        check(store)


def test_what_has_expired_meanwhile_is_gone(tmp_path: Path) -> None:
    there = kept(tmp_path / "memory")
    short = [key for key, item in there.items() if item[1] == 150]
    assert len(short) > 100
    with opened(tmp_path / "memory") as (_, store):
        store.tick(150)
        assert not any(store.find(key) for key in short)
        assert all(store.find(key) for key in there if key not in short)


def test_many_restarts_in_a_row(tmp_path: Path) -> None:
    path, rng = tmp_path / "memory", random.Random(5)
    there: Items = {}
    for round_ in range(12):
        with opened(path) as (file, store):
            assert items(store) == there
            store.tick(10 * (round_ + 1))
            for _ in range(800):
                key = b"key-%d" % rng.randrange(2500)
                if rng.random() < 0.3:
                    store.delete(key)
                else:
                    store.set(key, b"0", 0, rng.randbytes(int(2 ** rng.uniform(0, 12))) + b"\r\n")
            if round_ == 6:
                store.flush()
                store.set(b"after", b"0", 0, b"flush\r\n")
                while store.reap(1000):
                    pass
            check(store)
            there = items(store)
            file.save(store, CLOCK)


def test_in_the_middle_of_the_index_s_growth(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    with opened(path) as (file, store):
        number = 0
        while not (1000 < store.index.growth[1] < store.index.growth[0] // 2):
            store.set(b"key-%d" % number, b"0", 0, b"x\r\n")
            number += 1
        there, growth = items(store), store.index.growth
        file.save(store, CLOCK)
    with opened(path) as (_, store):
        assert store.index.growth == growth
        assert items(store) == there
        for more in range(number, 2 * number):
            store.set(b"key-%d" % more, b"0", 0, b"x\r\n")
        assert store.index.growth != growth
        check(store)
        assert store.curr_items == 2 * number


def test_flushed_items_stay_dead_and_a_delayed_flush_comes(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    with opened(path) as (file, store):
        store.tick(50)
        store.set(b"dead", b"0", 0, b"x\r\n")
        store.flush()
        store.set(b"alive", b"0", 0, b"x\r\n")
        store.flush_at(90)
        file.save(store, CLOCK)
    with opened(path) as (_, store):
        store.tick(51)
        assert not store.find(b"dead")
        assert store.find(b"alive")
        store.tick(90)
        assert not store.find(b"alive")
        check(store)


def test_a_page_on_its_way_and_values_in_flight_are_given_up(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    with opened(path) as (file, store):
        for number in range(20_000):
            store.set(b"key-%d" % number, b"0", 0, b"x" * 40 + b"\r\n")
        slab_class = store.class_of(b"key-9999")
        page = store.allocator.pages_of(slab_class)[0]
        for handle in list(store.allocator.begin_leaving(page))[:100]:
            store.unlink(handle)
        pinned = store.find(b"key-19000")
        store.pin(pinned)
        store.delete(b"key-19000")
        filling = store.begin(b"half", b"0", 5000)
        assert filling is not None
        filling.write(b"x" * 3000)
        half_a_chain = store.begin(b"half a chain", b"0", MB + 5000)
        assert half_a_chain is not None
        half_a_chain.write(b"x" * (MB // 2 + 5000))
        there = items(store)
        file.save(store, CLOCK)
        saved = path.read_bytes()
        store.unpin(pinned)  # connections end later
        store.abandon(filling)
        store.abandon(half_a_chain)
        assert path.read_bytes() == saved
    with opened(path) as (_, store):
        check(store)
        assert not store.busy
        assert items(store) == there


def test_pages_that_no_class_owns_are_zeros_again(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    options = replace(OPTIONS, limit_growth=2)
    there = kept(path, options)
    with opened(path, options, begin=False) as (_, store):
        made = saved_pages(path)
        with path.open("r+b") as file:  # into the bytes before the first page, and the last page of all
            assert made < store.arena.pages
            file.write(b"rubbish")
            file.seek(-MB, os.SEEK_END)
            file.write(b"rubbish" * 1000)
    with opened(path, options) as (_, store):
        assert items(store) == there
        assert store.arena.bytes[:4096] == bytes(4096)
        assert bytes(store.arena.page_bytes(store.arena.pages - 1)) == bytes(MB)


def saved_pages(path: Path) -> int:
    with meta_path(str(path)).open("rb") as file:
        return int(memory_file._read_header(file).state["allocator"]["pages_end"])


def test_every_attribute_is_either_saved_or_made_anew() -> None:
    store = Store(StoreOptions())
    for name, owner in saved_state._owners(store).items():
        slots = {slot for cls in type(owner).__mro__ for slot in getattr(cls, "__slots__", ())}
        saved, not_saved = set(saved_state.SAVED[name]), set(saved_state.NOT_SAVED[name])
        assert not saved & not_saved
        assert slots - saved == not_saved, name
        assert all(hasattr(owner, field) for field in saved)
    assert set(saved_state.SAVED) == set(saved_state.NOT_SAVED) == set(saved_state._owners(store))
    assert issubclass(Store, LinkedItems)


# what is not


def test_a_new_file_is_silent(tmp_path: Path) -> None:
    with opened(tmp_path / "memory") as (_, store):
        assert store.curr_items == 0
    assert not meta_path(str(tmp_path / "memory")).exists()


def test_a_file_in_use(tmp_path: Path) -> None:
    with opened(tmp_path / "memory"), pytest.raises(InUseError, match="in use by another process"):
        MemoryFile(str(tmp_path / "memory"))
    MemoryFile(str(tmp_path / "memory")).close()


def test_a_server_that_begins_has_not_closed_its_file(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    kept(path)
    with opened(path):
        assert not meta_path(str(path)).exists()
    assert why_not_kept(path) == "it was not closed cleanly"


def test_looking_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    there = kept(path)
    before = path.read_bytes(), meta_path(str(path)).read_bytes()
    with opened(path, begin=False) as (file, store):
        assert file.look(store) is not None
    assert (path.read_bytes(), meta_path(str(path)).read_bytes()) == before
    with opened(path) as (_, store):
        assert items(store) == there


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"growth_factor": 1.5}, "growth_factor"),
        ({"memory_limit": 8 * MB}, "memory_limit"),
        ({"cas": False}, "cas"),
        ({"slab_sizes": (96, 960, 9600)}, "slab_sizes"),
        ({"item_size_max": MB, "chunk_minimum": 96}, "chunk_minimum, item_size_max"),
        ({"segmented": False}, "segmented"),
    ],
)
def test_other_flags(tmp_path: Path, change: dict[str, object], named: str) -> None:
    kept(tmp_path / "memory")
    why = why_not_kept(tmp_path / "memory", replace(OPTIONS, **change))  # type: ignore[arg-type]
    assert why == f"it was written with other flags ({named})"


def test_flags_that_do_not_matter(tmp_path: Path) -> None:
    there = kept(tmp_path / "memory")
    with opened(tmp_path / "memory", replace(OPTIONS, evictions=False, hash_power=12)) as (_, store):
        assert items(store) == there


def test_other_slab_sizes_are_the_same_after_json(tmp_path: Path) -> None:
    options = replace(OPTIONS, slab_sizes=(96, 480, 9600, MB // 2), growth_factor=1.1)
    there = kept(tmp_path / "memory", options)
    with opened(tmp_path / "memory", options) as (_, store):
        assert items(store) == there


def test_another_layout_format_or_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "memory"
    kept(path)
    with monkeypatch.context() as patch:
        patch.setattr(saved_state, "layout", lambda: 7)
        assert why_not_kept(path) == "another version wrote it"
    with monkeypatch.context() as patch:
        patch.setattr(memory_file, "_FORMAT", memory_file._FORMAT + 1)
        assert why_not_kept(path) == "another version wrote it"
    with monkeypatch.context() as patch:
        patch.setattr(memory_file, "hash_probes", lambda: [1, 2, 3])
        assert why_not_kept(path) == "it was written by a Python with other hashes"
    with opened(path) as (_, store):
        assert store.curr_items


@pytest.mark.parametrize("size", [0, 1, 4096, 3 * MB, -1])
def test_a_file_of_another_length(tmp_path: Path, size: int) -> None:
    path = tmp_path / "memory"
    kept(path)
    os.truncate(path, size % (path.stat().st_size + 0) if size >= 0 else path.stat().st_size + 1)
    assert why_not_kept(path) == "it is not as long as it was"


@pytest.mark.parametrize("part", range(20))
def test_a_meta_file_cut_short(tmp_path: Path, part: int) -> None:
    path = tmp_path / "memory"
    kept(path)
    meta = meta_path(str(path))
    os.truncate(meta, meta.stat().st_size * part // 20)
    assert why_not_kept(path) in ("its header is damaged", "its index is cut short")


SEEDS = [seed if seed < 3 else pytest.param(seed, marks=pytest.mark.soak) for seed in range(10)]
CASES = 1000  # of each seed


@pytest.mark.parametrize("seed", SEEDS)
def test_damage_at_random_bytes_is_always_seen(tmp_path: Path, seed: int) -> None:
    path, rng = tmp_path / "memory", random.Random(seed)
    options = StoreOptions(memory_limit=2 * MB, item_size_max=MB, hash_power=6)
    with opened(path, options) as (file, store):
        for number in range(600):
            store.set(b"key-%d" % number, b"0", 0, rng.randbytes(50) + b"\r\n")
        file.save(store, CLOCK)
    meta = meta_path(str(path))
    seen = dict.fromkeys(("header", "index", "pages", "version"), 0)
    with (
        opened(path, options, begin=False) as (file, store),
        meta.open("r+b", buffering=0) as meta_file, path.open("r+b", buffering=0) as memory,
    ):
        page = store.arena.page_handle(0) << 3
        for _ in range(CASES):
            target, first, last = rng.choice((
                (meta_file, 0, meta.stat().st_size), (meta_file, 0, 60), (memory, page, page + MB)
            ))
            damage(target.fileno(), rng, first, last, lambda: seen_as(file, store, seen))
        assert file.look(store) is not None, "the damage was undone each time"
    assert sum(seen.values()) == CASES
    assert seen["header"] and seen["index"] and seen["pages"]  # and seldom the version's digit


def damage(descriptor: int, rng: random.Random, first: int, last: int, judge: object) -> None:
    """Change a few bytes somewhere, judge, undo."""
    at = rng.randrange(first, last)
    length = min(rng.choice((1, 1, 2, 4, 30)), last - at)
    before = os.pread(descriptor, length, at)
    after = rng.choice((
        rng.randbytes(length), bytes(length), bytes([before[0] ^ 1 << rng.randrange(8)]) + before[1:], before[::-1],
    ))
    if after == before:
        after = bytes([before[0] ^ 1]) + before[1:]
    os.pwrite(descriptor, after, at)
    try:
        judge()  # type: ignore[operator]
    finally:
        os.pwrite(descriptor, before, at)


def seen_as(file: MemoryFile, store: Store, seen: dict[str, int]) -> None:
    with pytest.raises(NotKeptError) as caught:
        file.look(store)
    for what in seen:
        if what in str(caught.value):
            seen[what] += 1


def test_rubbish_as_meta_file(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    kept(path)
    line = b"mcfleet memory file 2 "
    for rubbish in (b"", b"\n", b"x" * 5000, line, line + b"9" * 40, line + b"00000000 " + b"9" * 26 + b"\n{}"):
        meta_path(str(path)).write_bytes(rubbish)
        assert saved_seed(str(path)) is None
        assert why_not_kept(path) == "its header is damaged"
    meta_path(str(path)).write_bytes(line + b"00000000 0\n")  # right as far as it goes
    assert why_not_kept(path) == "another version wrote it"
    meta_path(str(path)).unlink()
    meta_path(str(path)).mkdir()
    assert "Is a directory" in why_not_kept(path)


# files that will not take what they are given


def test_a_full_file_system_is_a_memory_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, room = os.posix_fallocate, 3 * MB

    def fallocate(descriptor: int, offset: int, length: int) -> None:
        if offset + length > room + MB // 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor, offset, length)

    monkeypatch.setattr(os, "posix_fallocate", fallocate)
    with opened(tmp_path / "memory") as (_, store):
        for number in range(30_000):
            assert store.set(b"key-%d" % number, b"0", 0, b"x" * 60 + b"\r\n") == 0
        assert store.allocator.pages_made == 3
        assert store.stats.total("evicted") > 1000
        check(store)
        assert caplog.messages == ["no room for more items in the memory file: No space left on device"]
        room = 5 * MB
        store.allocator.set_page_limit(6)
        for number in range(30_000):
            assert store.set(b"more-%d" % number, b"0", 0, b"x" * 60 + b"\r\n") == 0
        assert store.allocator.pages_made == 5, "when there is room again it is used"
        check(store)


def test_a_save_that_fails_leaves_nothing_that_looks_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "memory"
    with opened(path) as (file, store):
        fill(store)

        def full(descriptor: object, data: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(memory_file, "_write_whole", full)
        with pytest.raises(OSError, match="No space"):
            file.save(store, CLOCK)
    assert sorted(child.name for child in tmp_path.iterdir()) == ["memory"]
    assert why_not_kept(path) == "it was not closed cleanly"


def test_nobody_else_may_read_what_is_written(tmp_path: Path) -> None:
    kept(tmp_path / "memory")
    assert {child.stat().st_mode & 0o777 for child in tmp_path.iterdir()} == {0o600}


def test_memory_given_back_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    with opened(path) as (_, store):
        fill(store)
        taken = path.stat().st_blocks
        page = store.allocator.pages_of(store.class_of(b"key-1"))[0]
        store.arena.forget_page(page)
        assert path.stat().st_blocks <= taken - MB // 512
        assert bytes(store.arena.page_bytes(page)) == bytes(MB)


def test_the_seed_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert saved_seed(str(tmp_path / "none")) is None
    monkeypatch.setenv("PYTHONHASHSEED", "4711")
    kept(tmp_path / "memory")
    assert saved_seed(str(tmp_path / "memory")) == "4711"
