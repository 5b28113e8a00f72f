"""Every way in which a file may not be what was kept: each is seen, and said."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from memcache_server.store import Store, StoreOptions, memory_file, saved_state
from memcache_server.store.memory_file import InUseError, MemoryFile, NotKeptError, meta_path, saved_seed
from tests.support.memory_files import CLOCK, MB, OPTIONS, items, kept, opened, why_not_kept


def test_a_new_file_is_silent(path: Path) -> None:
    with opened(path) as (_, store):
        assert store.curr_items == 0
    assert not meta_path(str(path)).exists()


def test_a_file_in_use(path: Path) -> None:
    with opened(path), pytest.raises(InUseError, match="in use by another process"):
        MemoryFile(str(path))
    MemoryFile(str(path)).close()


def test_a_server_that_begins_has_not_closed_its_file(path: Path) -> None:
    kept(path)
    with opened(path):
        assert not meta_path(str(path)).exists()
    assert why_not_kept(path) == "it was not closed cleanly"


def test_looking_changes_nothing(path: Path) -> None:
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
def test_other_flags(path: Path, change: dict[str, object], named: str) -> None:
    kept(path)
    why = why_not_kept(path, replace(OPTIONS, **change))  # type: ignore[arg-type]
    assert why == f"it was written with other flags ({named})"


def test_flags_that_do_not_matter(path: Path) -> None:
    there = kept(path)
    with opened(path, replace(OPTIONS, evictions=False, hash_power=12)) as (_, store):
        assert items(store) == there


def test_other_slab_sizes_are_the_same_after_json(path: Path) -> None:
    options = replace(OPTIONS, slab_sizes=(96, 480, 9600, MB // 2), growth_factor=1.1)
    there = kept(path, options)
    with opened(path, options) as (_, store):
        assert items(store) == there


def test_another_layout_format_or_python(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_a_file_of_another_length(path: Path, size: int) -> None:
    kept(path)
    os.truncate(path, size % (path.stat().st_size + 0) if size >= 0 else path.stat().st_size + 1)
    assert why_not_kept(path) == "it is not as long as it was"


@pytest.mark.parametrize("part", range(20))
def test_a_meta_file_cut_short(path: Path, part: int) -> None:
    kept(path)
    meta = meta_path(str(path))
    os.truncate(meta, meta.stat().st_size * part // 20)
    assert why_not_kept(path) in ("its header is damaged", "its index is cut short")


SEEDS = [seed if seed < 3 else pytest.param(seed, marks=pytest.mark.soak) for seed in range(10)]
CASES = 1000  # of each seed


@pytest.mark.parametrize("seed", SEEDS)
def test_damage_at_random_bytes_is_always_seen(path: Path, seed: int) -> None:
    rng = random.Random(seed)
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


def damage(descriptor: int, rng: random.Random, first: int, last: int, judge: Callable[[], None]) -> None:
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
        judge()
    finally:
        os.pwrite(descriptor, before, at)


def seen_as(file: MemoryFile, store: Store, seen: dict[str, int]) -> None:
    with pytest.raises(NotKeptError) as caught:
        file.look(store)
    for what in seen:
        if what in str(caught.value):
            seen[what] += 1


def test_rubbish_as_meta_file(path: Path) -> None:
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
