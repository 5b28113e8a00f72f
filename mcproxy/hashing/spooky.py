"""SpookyHash V2, Hash32: mcrouter's choice wherever a fraction of the keys is meant (weights, shadowing,
migration).

Bob Jenkins' public-domain algorithm, in the form mcrouter calls: both 64-bit seeds equal, the low 32 bits
of the first result. Keys below 192 bytes take the short form, four words of state; longer ones the long
form, twelve words. All arithmetic is modulo 2^64.
"""

from struct import unpack_from

MASK = 0xFFFFFFFFFFFFFFFF
FILL = 0xDEADBEEFDEADBEEF
SHORT = 192

_MIX = (50, 52, 30, 41, 54, 48, 38, 37, 62, 34, 5, 36)
_END = (15, 52, 26, 51, 28, 9, 47, 54, 32, 25, 63)
_LONG_MIX = (11, 32, 43, 31, 17, 28, 39, 57, 55, 54, 22, 46)
_LONG_END = (44, 15, 34, 21, 38, 33, 10, 13, 38, 53, 42, 54)


def spooky_hash32(data: bytes, seed: int = 0) -> int:
    """An unsigned 32-bit hash; `seed` is an unsigned 32-bit number."""
    return (_short(data, seed) if len(data) < SHORT else _long(data, seed)) & 0xFFFFFFFF


def _short(data: bytes, seed: int) -> int:
    length = len(data)
    a = b = seed
    c = d = FILL
    start = 0
    while length - start >= 32:
        first, second, third, fourth = unpack_from("<4Q", data, start)
        a, b, c, d = _short_mix(a, b, c + first, d + second)
        a += third
        b += fourth
        start += 32
    if length - start >= 16:
        first, second = unpack_from("<2Q", data, start)
        a, b, c, d = _short_mix(a, b, c + first, d + second)
        start += 16
    d += length << 56
    if start == length:
        c += FILL
        d += FILL
    else:
        c += int.from_bytes(data[start : start + 8], "little")
        d += int.from_bytes(data[start + 8 :], "little")
    return _short_end(a & MASK, b & MASK, c & MASK, d & MASK)


def _short_mix(a: int, b: int, c: int, d: int) -> tuple[int, int, int, int]:
    a, b, c, d = a & MASK, b & MASK, c & MASK, d & MASK
    for turn in _MIX:  # the four words take turns, c first; twelve turns bring them back to their places
        c = ((c << turn | c >> 64 - turn) + d) & MASK
        a, b, c, d = b, c, d, a ^ c
    return a, b, c, d


def _short_end(a: int, b: int, c: int, d: int) -> int:
    for turn in _END:
        d ^= c
        c = (c << turn | c >> 64 - turn) & MASK
        a, b, c, d = b, c, (d + c) & MASK, a
    return b  # after eleven turns the word that began as `a` is here


def _long(data: bytes, seed: int) -> int:
    state = [seed, seed, FILL] * 4
    whole = len(data) // 96 * 96
    for start in range(0, whole, 96):
        for i, word in enumerate(unpack_from("<12Q", data, start)):
            left, right = (i + 11) % 12, (i + 1) % 12
            state[i] = (state[i] + word) & MASK
            state[(i + 2) % 12] ^= state[(i + 10) % 12]
            state[left] ^= state[i]
            state[i] = (state[i] << _LONG_MIX[i] | state[i] >> 64 - _LONG_MIX[i]) & MASK
            state[left] = (state[left] + state[right]) & MASK
    rest = data[whole:]
    last = unpack_from("<12Q", rest.ljust(95, b"\0") + bytes([len(rest)]))
    state = [(old + word) & MASK for old, word in zip(state, last, strict=True)]
    for _ in range(3):
        for i, turn in enumerate(_LONG_END):
            left, right = (i + 11) % 12, (i + 1) % 12
            state[left] = (state[left] + state[right]) & MASK
            state[(i + 2) % 12] ^= state[left]
            state[right] = (state[right] << turn | state[right] >> 64 - turn) & MASK
    return state[0]
