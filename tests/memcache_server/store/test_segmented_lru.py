"""LRU lists against plain Python lists."""

from __future__ import annotations

import random

from memcache_server.store.arena import Arena
from memcache_server.store.segmented_lru import COLD, HOT, SegmentedLru


def test_against_lists() -> None:
    arena, rng = Arena(1), random.Random(5)
    lru = SegmentedLru(arena)
    handles = [arena.page_handle(0) + number * 16 for number in range(50)]
    numbers = (1 | COLD, 1 | HOT, 39 | COLD)
    model: dict[int, list[int]] = {number: [] for number in numbers}
    sizes: dict[int, int] = {}
    for _ in range(5000):
        handle, number = rng.choice(handles), rng.choice(numbers)
        home = next((n for n in numbers if handle in model[n]), None)
        if home is None:
            sizes[handle] = rng.randrange(1000)
            lru.link(handle, number, sizes[handle])
            model[number].insert(0, handle)
        elif rng.random() < 0.4:
            lru.unlink(handle, home, sizes.pop(handle))
            model[home].remove(handle)
        elif rng.random() < 0.5:
            lru.to_head(handle, home)
            model[home].remove(handle)
            model[home].insert(0, handle)
        else:
            lru.resize(home, 5)
            sizes[handle] += 5
        for n in numbers:
            assert lru.handles(n) == model[n]
            assert lru.tail[n] == (model[n][-1] if model[n] else 0)
            assert lru.count[n] == len(model[n])
            assert lru.sizes[n] == sum(sizes[h] for h in model[n])
