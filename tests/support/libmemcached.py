"""libmemcached itself, by its C interface: which server does it place a key on?"""

import ctypes
from collections.abc import Mapping, Sequence
from enum import IntEnum

import pytest

Servers = Sequence[tuple[str, int, int]]  # host, port, weight


class Behavior(IntEnum):
    """memcached_behavior_t."""

    HASH = 2
    KETAMA = 3
    KETAMA_WEIGHTED = 16


HASHES = {  # memcached_hash_t
    "one_at_a_time": 0,
    "md5": 1,
    "crc32": 2,
    "fnv1_64": 3,
    "fnv1a_64": 4,
    "fnv1_32": 5,
    "fnv1a_32": 6,
    "murmur": 8,
    "jenkins": 9,
    "murmur3": 10,
}


class Library:
    """Debian's libmemcached11."""

    def __init__(self) -> None:
        """Raises OSError where it is not installed."""
        library = ctypes.CDLL("libmemcached.so.11")
        library.memcached_create.restype = ctypes.c_void_p
        library.memcached_create.argtypes = [ctypes.c_void_p]
        library.memcached_free.argtypes = [ctypes.c_void_p]
        library.memcached_behavior_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint64]
        library.memcached_server_add_with_weight.argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint16, ctypes.c_uint32,
        ]  # fmt: skip
        library.memcached_generate_hash.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
        library.memcached_generate_hash.restype = ctypes.c_uint32
        self._library = library

    def slots(self, servers: Servers, behaviors: Mapping[Behavior, int], keys: Sequence[bytes]) -> list[int]:
        """The number of each key's server, with the behaviors set in their order."""
        library = self._library
        client = library.memcached_create(None)
        try:
            for behavior, value in behaviors.items():
                assert library.memcached_behavior_set(client, behavior, value) == 0
            for host, port, weight in servers:
                library.memcached_server_add_with_weight(client, host.encode(), port, weight)
            return [library.memcached_generate_hash(client, key, len(key)) for key in keys]
        finally:
            library.memcached_free(client)


def library_or_skip() -> Library:
    """The library, or the test is skipped."""
    try:
        return Library()
    except OSError:
        pytest.skip("NOT COMPARED WITH LIBMEMCACHED: it is not installed (Debian package libmemcached11)")
