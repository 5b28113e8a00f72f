"""Texts of items, whole, whether they would be sent in windows or not."""

from __future__ import annotations

from memcache_server.store import LargeText, Store


def whole(text: bytes | LargeText | None) -> bytes | None:
    return text.read() if isinstance(text, LargeText) else text


def get(store: Store, key: bytes) -> bytes | None:
    return whole(store.get(key))
