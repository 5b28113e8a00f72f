"""Small helpers of these tests: nodes, selectors and counts."""

from collections.abc import Callable, Iterable, Sequence

from mcproxy.hashing import HASH_FUNCTIONS, HashOptions, Node, Selector

# mcrouter's two long test keys: all byte values, from the middle on, and the same backwards.
ALL_BYTES = bytes(range(0x80, 0x100)) + bytes(range(0x80))
ALL_BYTES_REVERSED = ALL_BYTES[::-1]


def pods(n: int) -> list[Node | None]:
    return [Node(f"mycache-memcached-{ordinal}", tag=f"xxx.{ordinal}.yy") for ordinal in range(n)]


def select_by(
    name: str,
    nodes: int | Sequence[Node | None],
    *,
    salt: str = "",
    weights: Sequence[float] = (),
    key_hash: str = "",
    hash_tag: str = "",
) -> Selector:
    options = HashOptions(salt=salt, weights=tuple(weights), key_hash=key_hash, hash_tag=hash_tag)
    return HASH_FUNCTIONS[name](pods(nodes) if isinstance(nodes, int) else nodes, options)


def counts(select: Selector, n: int, keys: Iterable[bytes]) -> list[int]:
    result = [0] * n
    for key in keys:
        result[select(key)] += 1
    return result


def numbered(template: bytes, count: int) -> list[bytes]:
    return [template % number for number in range(count)]


def checksum(choose: Callable[[bytes], int], count: int) -> int:
    """mcrouter's checksum over the keys k0, k1, ..."""
    total = 0
    for key in numbered(b"k%d", count):
        total = (total * 31 + choose(key)) & 0xFFFFFFFF
    return total
