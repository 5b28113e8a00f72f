"""A Store that tells of look-ups, stores, deletions and evictions; takes the place of Store while somebody looks."""

from typing import Protocol

from memcache_server.prefix_stats import PrefixStats
from memcache_server.store import LargeText, Store, StoreResult, Value
from memcache_server.store.chunk import ITEM_OVERHEAD
from memcache_server.store.item_view import ItemView, view
from memcache_server.watchers import Watchers, uri_encoded

_STATUS = {result: result.name.lower() for result in StoreResult}


class Observer(Protocol):
    """Where observations go."""

    prefixes: PrefixStats
    watchers: Watchers
    descriptor: int
    verb: bytes
    looked_up: bytes | None  # the key last looked up by that command


def log_store(watchers: Watchers, key: bytes, status: str, command: str, fields: str) -> None:
    """An item_store line; `fields`: ttl, clsid, cfd and size."""
    text = f"type=item_store key={uri_encoded(key)} status={status} cmd={command} {fields}"
    watchers.log(b"mutations", text)


def observed_store(observer: Observer) -> type[Store]:
    """A class with Store's layout, so that a store can change into it and back."""
    watchers, prefixes = observer.watchers, observer.prefixes

    def find_logged(store: Store, key: bytes) -> None:
        """One line for the look-ups of one key by one command, however often it looks."""
        if observer.looked_up != key:
            observer.looked_up = key
            looked_up(store, key)

    def looked_up(store: Store, key: bytes) -> None:
        status, slab_class, size = "not_found", 0, 0
        handle = store.index.find(key)
        if handle:
            item = view(store, handle)
            if item.flushed or item.expired:
                status = "flushed" if item.flushed else "expired"
            else:
                status, slab_class, size = "found", item.slab_class, item.value_length
        watchers.log(
            b"fetchers",
            f"type=item_get key={uri_encoded(key)} status={status} clsid={slab_class} "
            f"cfd={observer.descriptor} size={size}",
        )

    def stored(
        store: Store, command: str, key: bytes, exptime: int, length: int, result: int, flags: bytes = b"0"
    ) -> int:
        size = ITEM_OVERHEAD + len(key) + length + 2 + (4 if flags != b"0" else 0)
        slab_class = store.classes.class_for(size) or store.classes.count
        ttl = max(0, exptime - store.now) if exptime else 0
        if result == StoreResult.STORED and (handle := store.index.find(key)):
            item = view(store, handle)
            slab_class, length = item.slab_class, item.value_length
            ttl = max(0, item.exptime - store.now) if item.exptime else 0
        fields = f"ttl={ttl} clsid={slab_class} cfd={observer.descriptor} size={length}"
        log_store(watchers, key, _STATUS[StoreResult(result)], command, fields)
        return result

    def deleted(key: bytes, item: ItemView) -> None:
        name = "md" if observer.verb == b"md" else "delete"
        watchers.log(
            b"deletions",
            f"type=deleted key={uri_encoded(key)} cmd={name} clsid={item.slab_class} size={item.value_length}",
        )

    class ObservedStore(Store):
        """See the module."""

        __slots__ = ()

        def get(self, key: bytes) -> bytes | LargeText | None:
            looked_up(self, key)
            text = super().get(key)
            prefixes.count_get(key, text is not None)
            return text

        def get_and_touch(self, key: bytes, exptime: int, with_cas: bool) -> bytes | LargeText | None:
            observer.looked_up = None  # each key of a line counts
            text = super().get_and_touch(key, exptime, with_cas)
            prefixes.count_get(key, text is not None)
            return text

        def find(self, key: bytes) -> int:
            find_logged(self, key)
            return super().find(key)

        def fetch(self, key: bytes) -> tuple[int, int, bytes] | None:
            return None  # `find` follows

        def set(self, key: bytes, flags: bytes, exptime: int, value: Value) -> int:
            find_logged(self, key)
            result = super().set(key, flags, exptime, value)
            return stored(self, "set", key, exptime, len(value) - 2, result, flags)

        def add(self, key: bytes, flags: bytes, exptime: int, value: Value) -> int:
            result = super().add(key, flags, exptime, value)
            return stored(self, "add", key, exptime, len(value) - 2, result, flags)

        def replace(self, key: bytes, flags: bytes, exptime: int, value: Value) -> int:
            result = super().replace(key, flags, exptime, value)
            return stored(self, "replace", key, exptime, len(value) - 2, result, flags)

        def vivify(self, key: bytes, value: bytes) -> int:
            handle = super().vivify(key, value)
            if observer.verb == b"ma":
                stored(self, "add", key, 0, len(value) - 2, StoreResult.STORED if handle else StoreResult.NO_MEMORY)
            return handle

        def discard(self, key: bytes) -> None:
            find_logged(self, key)
            super().discard(key)

        def append(self, key: bytes, value: Value, flags: bytes = b"0") -> int:
            return stored(self, "append", key, 0, len(value) - 2, super().append(key, value, flags))

        def prepend(self, key: bytes, value: Value, flags: bytes = b"0") -> int:
            return stored(self, "prepend", key, 0, len(value) - 2, super().prepend(key, value, flags))

        def compare_and_set(self, key: bytes, flags: bytes, exptime: int, value: Value, unique: int) -> int:
            result = super().compare_and_set(key, flags, exptime, value, unique)
            return stored(self, "cas", key, exptime, len(value) - 2, result, flags)

        def delete(self, key: bytes) -> bool:
            handle = self.index.find(key)
            item = view(self, handle) if handle else None
            gone = super().delete(key)
            if gone and item is not None:
                deleted(key, item)
            return gone

        def empty(self, handle: int, key: bytes, flags: bytes, exptime: int) -> int:
            deleted(key, view(self, handle))
            return super().empty(handle, key, flags, exptime)

        def _count_eviction(self, handle: int, meta: int) -> None:
            item = view(self, handle)
            ttl = max(0, item.exptime - self.now) if item.exptime else -1
            watchers.log(
                b"evictions",
                f"type=eviction key={uri_encoded(item.key)} fetch={'yes' if item.fetched else 'no'} ttl={ttl} "
                f"la={self.now - item.last_access} clsid={item.slab_class} size={item.value_length}",
            )
            super()._count_eviction(handle, meta)

    return ObservedStore
