"""What of a store is kept over a restart beside its pages: the few numbers that say what the pages hold.

SAVED names every one of them by its owner. NOT_SAVED are the owners' other attributes; they are made anew from
the options, or from what was saved.
"""

import zlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from memcache_server.store import chunk, slab_classes
from memcache_server.store.living_items import LivingItems
from memcache_server.store.store import Store

SAVED: dict[str, tuple[str, ...]] = {
    "items": ("_cas", "_shift", "_flushed", "_flush_at", "_reaping", "_scattered", "segmented"),
    "lru": ("head", "tail", "count", "sizes"),
    "allocator": (
        "page_owner", "pages", "pages_end", "pool", "free",
        "_free_head", "_carve", "_carve_end", "_fresh", "_unmade",
    ),
    "memory_limit": ("pages",),
}

NOT_SAVED: dict[str, tuple[str, ...]] = {
    "items": (
        "options", "classes", "allocator", "lru", "index", "memory_limit", "_arena", "_chains",
        "_cas_step", "_entry", "_forms", "_quiet", "tuning",
        "now", "_access",  # the clock goes on by itself
        "stats",  # counted by each process for itself
        "busy",  # readers and writers end with their connections
    ),
    "lru": ("_longs", "_nexts", "_prevs"),
    "allocator": ("_arena", "_units", "classes", "leaving", "parked", "on_debt", "page_limit"),
    "memory_limit": ("_allocator", "_index", "pages_max"),
}

_FREE_TO_CHANGE = frozenset({"evictions", "hash_power", "file"})  # options that nothing of what is saved depends on

State = dict[str, dict[str, Any]]
"""Owner -> attribute -> number, list of numbers or list of such lists: what JSON holds as it is."""


def layout() -> int:
    """A number that changes with the layout of chunks, and with what is saved."""
    constants = {name: value for name, value in vars(chunk).items() if isinstance(value, int)}
    return zlib.crc32(repr((sorted(constants.items()), SAVED, slab_classes.PAGE_SIZE)).encode())


def fixed_options(store: LivingItems) -> dict[str, Any]:
    """The options that must be the same after the restart, as JSON gives them back."""
    options = {name: value for name, value in asdict(store.options).items() if name not in _FREE_TO_CHANGE}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}


def saved_state(store: Store) -> State:
    """What SAVED names. Nobody may use the store any more: values in flight and a page on its way are given up."""
    for handle in list(store.busy):
        store.busy[handle] = 1
        store.unpin(handle)
    if store.allocator.leaving >= 0:
        store.allocator.stay()
    owners = _owners(store)
    return {name: {field: getattr(owners[name], field) for field in fields} for name, fields in SAVED.items()}


def restore(store: Store, state: Mapping[str, Mapping[str, Any]]) -> None:
    """Put a saved state into a fresh store of the same options."""
    for name, owner in _owners(store).items():
        for field in SAVED[name]:
            value = state[name][field]
            if isinstance(value, list):
                getattr(owner, field)[:] = value
            else:
                setattr(owner, field, value)
    store.memory_limit.settle()


def _owners(store: Store) -> dict[str, object]:
    return {"items": store, "lru": store.lru, "allocator": store.allocator, "memory_limit": store.memory_limit}


def owned_pages(state: Mapping[str, Mapping[str, Any]]) -> list[int]:
    """The pages that hold chunks."""
    return [page for page, slab_class in enumerate(state["allocator"]["page_owner"]) if slab_class]
