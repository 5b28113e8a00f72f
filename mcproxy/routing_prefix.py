"""Keys as routes see them: `/region/cluster/key`, and the part that is hashed. Pure."""

HASH_STOP = b"|#|"
_SLASH = 0x2F


def split_prefix(key: bytes) -> tuple[bytes, bytes]:
    """(`/region/cluster/`, rest); (b"", key) when the key does not begin with two such parts."""
    if not key or key[0] != _SLASH:
        return b"", key
    second = key.find(b"/", 1)
    third = key.find(b"/", second + 1) if second > 0 else -1
    return (key[: third + 1], key[third + 1 :]) if third > 0 else (b"", key)


def hashed_part(key: bytes) -> bytes:
    """The key up to its hash stop: keys that share this part live on one server."""
    return key[: key.index(HASH_STOP)] if HASH_STOP in key else key
