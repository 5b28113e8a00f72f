"""What a file has kept, and what it does when its file system will not take more."""

from __future__ import annotations

import errno
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from memcache_server.store import Store, StoreOptions, memory_file, saved_state
from memcache_server.store.check import check
from memcache_server.store.linked_items import LinkedItems
from memcache_server.store.memory_file import meta_path, saved_seed
from tests.support.memory_files import CLOCK, MB, OPTIONS, Items, fill, items, kept, opened, why_not_kept


def test_everything_a_client_can_see(tmp_path: Path) -> None:
    there = kept(tmp_path / "memory")  # on a disk, the others in memory
    assert len(there) > 1000
    with opened(tmp_path / "memory") as (_, store):
        check(store)
        assert items(store) == there
        store.tick(151)
        assert store.find(b"key-1") == 0 or there[b"key-1"].exptime != 150, "a TTL goes on"
        assert store.set(b"new", b"0", 0, b"x\r\n") == 0
        assert store.cas_of(store.find(b"new")) > max(item.cas for item in there.values())
        check(store)


def test_what_has_expired_meanwhile_is_gone(path: Path) -> None:
    there = kept(path)
    short = [key for key, item in there.items() if item.exptime == 150]
    assert len(short) > 100
    with opened(path) as (_, store):
        store.tick(150)
        assert not any(store.find(key) for key in short)
        assert all(store.find(key) for key in there if key not in short)


def test_many_restarts_in_a_row(path: Path) -> None:
    rng = random.Random(5)
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


def test_in_the_middle_of_the_index_s_growth(path: Path) -> None:
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


def test_flushed_items_stay_dead_and_a_delayed_flush_comes(path: Path) -> None:
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


def test_a_page_on_its_way_and_values_in_flight_are_given_up(path: Path) -> None:
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


def test_pages_that_no_class_owns_are_zeros_again(path: Path) -> None:
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


# files that will not take what they are given


def test_a_full_file_system_is_a_memory_limit(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, room = os.posix_fallocate, 3 * MB

    def fallocate(descriptor: int, offset: int, length: int) -> None:
        if offset + length > room + MB // 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor, offset, length)

    monkeypatch.setattr(os, "posix_fallocate", fallocate)
    with opened(path) as (_, store):
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


def test_a_save_that_fails_leaves_nothing_that_looks_saved(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path) as (file, store):
        fill(store)

        def full(descriptor: object, data: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(memory_file, "_write_whole", full)
        with pytest.raises(OSError, match="No space"):
            file.save(store, CLOCK)
    assert sorted(child.name for child in path.parent.iterdir()) == ["memory"]
    assert why_not_kept(path) == "it was not closed cleanly"


def test_nobody_else_may_read_what_is_written(path: Path) -> None:
    kept(path)
    assert {child.stat().st_mode & 0o777 for child in path.parent.iterdir()} == {0o600}


def test_memory_given_back_leaves_the_file(path: Path) -> None:
    with opened(path) as (_, store):
        fill(store)
        taken = path.stat().st_blocks
        page = store.allocator.pages_of(store.class_of(b"key-1"))[0]
        store.arena.forget_page(page)
        assert path.stat().st_blocks <= taken - MB // 512
        assert bytes(store.arena.page_bytes(page)) == bytes(MB)


def test_the_seed_of_a_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert saved_seed(f"{path}.none") is None
    monkeypatch.setenv("PYTHONHASHSEED", "4711")
    kept(path)
    assert saved_seed(str(path)) == "4711"
