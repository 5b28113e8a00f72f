"""Key hashes for `ketama`, `consistent` and `modula`: bytes -> unsigned 32-bit integer.

Twelve are twemproxy's, then comes libmemcached's murmur3. The twelve are twemproxy's down to its accidents: the 64-bit
FNVs are computed in 32 bits, crc16 is never cut to 16, crc32 keeps 15 bits, and the functions that read plain C chars
see bytes from 0x80 up as negative numbers. libmemcached agrees on those it has. For a 20-byte key crc32 and crc32a
cost 0.1 µs, md5 0.9, the others 2 to 4 µs and more for longer keys: see `cached`. The 64-bit FNVs hardly mix the last
bytes of a key: short keys that differ only there are far from evenly spread on a ring.
"""

from collections.abc import Callable, Iterable
from hashlib import md5
from struct import Struct
from zlib import crc32

from mmh3 import mmh3_32_uintdigest

KeyHash = Callable[[bytes], int]

MASK = 0xFFFFFFFF


def signed(key: bytes) -> Iterable[int]:
    """The bytes as C's signed chars."""
    return key if key.isascii() else memoryview(key).cast("b")


def one_at_a_time(key: bytes) -> int:
    """Bob Jenkins' one-at-a-time."""
    h = 0
    for char in signed(key):
        h = (h + char) * 1025 & MASK
        h ^= h >> 6
    h = h * 9 & MASK
    return (h ^ h >> 11) * 32769 & MASK


def md5_word(key: bytes) -> int:
    """The first little-endian word of the MD5 digest."""
    return int.from_bytes(md5(key, usedforsecurity=False).digest()[:4], "little")


def _crc16_row(byte: int) -> int:
    row = byte << 8
    for _ in range(8):
        row = (row << 1 ^ (0x1021 if row & 0x8000 else 0)) & 0xFFFF
    return row


_CRC16 = [_crc16_row(byte) for byte in range(256)]


def crc16(key: bytes) -> int:
    """CRC-16 (CCITT polynomial, initial value 0) in a register that keeps 32 bits."""
    crc = 0
    for byte in key:
        crc = (crc << 8 ^ _CRC16[crc >> 8 & 0xFF ^ byte]) & MASK
    return crc


def crc32_15(key: bytes) -> int:
    """The upper half of the usual CRC-32, without its sign."""
    return crc32(key) >> 16 & 0x7FFF


def crc32a(key: bytes) -> int:
    """The usual CRC-32, whole."""
    return crc32(key)


def fnv1_32(key: bytes) -> int:
    """FNV-1: multiply, then xor."""
    h = 0x811C9DC5
    for char in signed(key):
        h = h * 0x01000193 & MASK ^ char
    return h & MASK


def fnv1a_32(key: bytes) -> int:
    """FNV-1a: xor, then multiply."""
    h = 0x811C9DC5
    for char in signed(key):
        h = (h ^ char) * 0x01000193 & MASK
    return h


def fnv1_64(key: bytes) -> int:
    """FNV-1 with the low halves of the 64-bit basis and prime."""
    h = 0x84222325
    for char in signed(key):
        h = h * 0x1B3 & MASK ^ char
    return h & MASK


def fnv1a_64(key: bytes) -> int:
    """FNV-1a with the low halves of the 64-bit basis and prime; twemproxy's default."""
    h = 0x84222325
    for char in signed(key):
        h = (h ^ char) * 0x1B3 & MASK
    return h


def hsieh(key: bytes) -> int:
    """Paul Hsieh's SuperFastHash, starting from 0."""
    whole = len(key) & ~3
    h = 0
    for start in range(0, whole, 4):
        h += key[start] | key[start + 1] << 8
        h = (h << 16 ^ (key[start + 2] | key[start + 3] << 8) << 11 ^ h) & MASK
        h = (h + (h >> 11)) & MASK
    tail = key[whole:]
    if len(tail) == 3:
        h = (h + (tail[0] | tail[1] << 8)) & MASK
        last = tail[2] - 256 if tail[2] & 0x80 else tail[2]
        h = (h ^ h << 16 ^ last << 18) & MASK
        h += h >> 11
    elif len(tail) == 2:
        h = (h + (tail[0] | tail[1] << 8)) & MASK
        h = (h ^ h << 11) & MASK
        h += h >> 17
    elif tail:
        h = (h + tail[0]) & MASK
        h = (h ^ h << 10) & MASK
        h += h >> 1
    h = (h ^ h << 3) & MASK
    h = (h + (h >> 5)) & MASK
    h = (h ^ h << 4) & MASK
    h = (h + (h >> 17)) & MASK
    h = (h ^ h << 25) & MASK
    return (h + (h >> 6)) & MASK


def murmur(key: bytes) -> int:
    """MurmurHash2, 32 bits, seeded by the length of the key."""
    m, length = 0x5BD1E995, len(key)
    whole = length & ~3
    h = 0xDEADBEEF * length & MASK ^ length
    for start in range(0, whole, 4):
        word = int.from_bytes(key[start : start + 4], "little") * m & MASK
        h = h * m & MASK ^ (word ^ word >> 24) * m & MASK
    if whole < length:
        h = (h ^ int.from_bytes(key[whole:], "little")) * m & MASK
    h = (h ^ h >> 13) * m & MASK
    return h ^ h >> 15


_THREE_WORDS = Struct("<3I").unpack


def jenkins(key: bytes) -> int:
    """Bob Jenkins' lookup3 (hashlittle), initial value 13. The last 1 to 12 bytes go to the final mix."""
    a: int
    b: int
    c: int
    a = b = c = 0xDEADBEEF + len(key) + 13 & MASK
    if not key:
        return c
    last = (len(key) - 1) // 12 * 12
    for start in range(0, last, 12):
        first, second, third = _THREE_WORDS(key[start : start + 12])
        a, b, c = a + first, b + second, (c + third) & MASK
        for turn in (4, 6, 8, 16, 19, 4):  # the three words take turns, six make two rounds
            a = a - c & MASK ^ (c << turn & MASK | c >> 32 - turn)
            a, b, c = b & MASK, (c + b) & MASK, a
    first, second, third = _THREE_WORDS(key[last:].ljust(12, b"\0"))
    a, b, c = (a + first) & MASK, (b + second) & MASK, (c + third) & MASK
    for turn in (14, 11, 25, 16, 4, 14, 24):
        c = (c ^ b) - (b << turn | b >> 32 - turn) & MASK
        a, b, c = b, c, a
    return b


def murmur3(key: bytes) -> int:
    """MurmurHash3, 32 bits, seeded by the length of the key."""
    return mmh3_32_uintdigest(key, 0xDEADBEEF * len(key) & MASK)




KEY_HASHES: dict[str, KeyHash] = {
    "one_at_a_time": one_at_a_time,
    "md5": md5_word,
    "crc16": crc16,
    "crc32": crc32_15,
    "crc32a": crc32a,
    "fnv1_64": fnv1_64,
    "fnv1a_64": fnv1a_64,
    "fnv1_32": fnv1_32,
    "fnv1a_32": fnv1a_32,
    "hsieh": hsieh,
    "murmur": murmur,
    "jenkins": jenkins,
    "murmur3": murmur3,
}

DEFAULT_KEY_HASH = "fnv1a_64"


def key_hash_named(name: str) -> KeyHash:
    """The key hash of that name, twemproxy's default for an empty one. ValueError for an unknown name."""
    key_hash = KEY_HASHES.get(name or DEFAULT_KEY_HASH)
    if key_hash is None:
        raise ValueError(f"unknown key hash {name!r}; known are {', '.join(sorted(KEY_HASHES))}")
    return key_hash
