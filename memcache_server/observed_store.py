"""A Store that tells of look-ups, stores, deletions and evictions; takes the place of Store while somebody looks."""

from typing import Protocol

from memcache_server.prefix_stats import PrefixStats
from memcache_server.store import Store, StoreResult
from memcache_server.store.item_view import view
from memcache_server.watchers import Watchers, uri_encoded

_STATUS = {result: result.name.lower() for result in StoreResult}


class Observer(Protocol):
    """Where observations go."""

    prefixes: PrefixStats
    watchers: Watchers
    descriptor: int
    verb: bytes


def observed_store(observer: Observer) -> type[Store]:
    """A class with Store's layout, so that a store can change into it and back."""
    watchers, prefixes = observer.watchers, observer.prefixes

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

    def stored(store: Store, command: str, key: bytes, exptime: int, length: int, result: int) -> int:
        slab_class, ttl = 0, max(0, exptime - store.now) if exptime else 0
        if result == StoreResult.STORED and (handle := store.index.find(key)):
            item = view(store, handle)
            slab_class, length = item.slab_class, item.value_length
            ttl = max(0, item.exptime - store.now) if item.exptime else 0
        watchers.log(
            b"mutations",
            f"type=item_store key={uri_encoded(key)} status={_STATUS[StoreResult(result)]} cmd={command} ttl={ttl} "
            f"clsid={slab_class} cfd={observer.descriptor} size={length}",
        )
        return result

    class ObservedStore(Store):
        """See the module."""

        __slots__ = ()

        def get(self, key: bytes) -> bytes | None:
            looked_up(self, key)
            text = super().get(key)
            prefixes.count_get(key, text is not None)
            return text

        def get_and_touch(self, key: bytes, exptime: int, with_cas: bool) -> bytes | None:
            text = super().get_and_touch(key, exptime, with_cas)
            prefixes.count_get(key, text is not None)
            return text

        def find(self, key: bytes) -> int:
            looked_up(self, key)
            return super().find(key)

        def set(self, key: bytes, flags: bytes, exptime: int, value: bytes) -> int:
            looked_up(self, key)
            return stored(self, "set", key, exptime, len(value) - 2, super().set(key, flags, exptime, value))

        def add(self, key: bytes, flags: bytes, exptime: int, value: bytes) -> int:
            return stored(self, "add", key, exptime, len(value) - 2, super().add(key, flags, exptime, value))

        def replace(self, key: bytes, flags: bytes, exptime: int, value: bytes) -> int:
            return stored(self, "replace", key, exptime, len(value) - 2, super().replace(key, flags, exptime, value))

        def append(self, key: bytes, value: bytes) -> int:
            return stored(self, "append", key, 0, len(value) - 2, super().append(key, value))

        def prepend(self, key: bytes, value: bytes) -> int:
            return stored(self, "prepend", key, 0, len(value) - 2, super().prepend(key, value))

        def compare_and_set(self, key: bytes, flags: bytes, exptime: int, value: bytes, unique: int) -> int:
            result = super().compare_and_set(key, flags, exptime, value, unique)
            return stored(self, "cas", key, exptime, len(value) - 2, result)

        def delete(self, key: bytes) -> bool:
            handle = self.index.find(key)
            item = view(self, handle) if handle else None
            deleted = super().delete(key)
            if deleted and item is not None:
                name = "md" if observer.verb == b"md" else "delete"
                watchers.log(
                    b"deletions",
                    f"type=deleted key={uri_encoded(key)} cmd={name} clsid={item.slab_class} size={item.value_length}",
                )
            return deleted

        def _evict(self, handle: int, meta: int) -> None:
            item = view(self, handle)
            ttl = max(0, item.exptime - self.now) if item.exptime else -1
            watchers.log(
                b"evictions",
                f"type=eviction key={uri_encoded(item.key)} fetch={'yes' if item.fetched else 'no'} ttl={ttl} "
                f"la={self.now - item.last_access} clsid={item.slab_class} size={item.value_length}",
            )
            super()._evict(handle, meta)

    return ObservedStore
