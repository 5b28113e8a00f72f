"""Chunk sizes and the class of an item: pure arithmetic, equal to the original's (slabs.c slabs_init)."""

from bisect import bisect_left

PAGE_SIZE = 1 << 20
CLASSES_MAX = 63
_ALIGN = 8
_ITEM_HEADER = 48


def chunk_sizes(
    factor: float = 1.25, minimum: int = 48, chunk_max: int = PAGE_SIZE // 2, given: tuple[int, ...] = ()
) -> tuple[int, ...]:
    """Chunk sizes in bytes, smallest first, the last one `chunk_max`; class n has `chunk_sizes()[n - 1]`.

    `factor` is -f, `minimum` -n, `chunk_max` slab_chunk_max in bytes. `given` (slab_sizes, ascending) takes the
    place of what factor and minimum give.
    """
    if given:
        return (*(size for size in (size + -size % _ALIGN for size in given) if size < chunk_max), chunk_max)
    sizes: list[int] = []
    size = _ITEM_HEADER + minimum
    while len(sizes) < CLASSES_MAX - 1 and size < chunk_max / factor:
        size += -size % _ALIGN
        sizes.append(size)
        size = int(size * factor)
    return (*sizes, chunk_max)


class SlabClasses:
    """The classes of one store. Class numbers start at 1; 0 stands for none."""

    __slots__ = ("chunks_per_page", "count", "sizes")

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes
        self.count = len(sizes)
        self.chunks_per_page = tuple(PAGE_SIZE // size for size in sizes)

    def class_for(self, size: int) -> int:
        """The class of an item of `size` bytes (the original's item size), or 0 when it needs a chain."""
        index = bisect_left(self.sizes, size)
        return index + 1 if index < self.count else 0
