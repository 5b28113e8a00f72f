"""`python -m benchmarks.stalls`: the longest single set while a store fills, and what its index takes meanwhile.

Processor time, not wall time: what another process does to us is no stall of ours.
"""

import argparse
import time
from pathlib import Path

from memcache_server.store import Store, StoreOptions
from memcache_server.store.index import Index


def main() -> None:
    """Fill, watch, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stalls", description=__doc__)
    parser.add_argument("--items", type=int, default=5_000_000)
    parser.add_argument("--key", type=int, default=30, help="bytes of a key")
    parser.add_argument("--value", type=int, default=10, help="bytes of a value")
    options = parser.parse_args()
    limit = options.items * (options.key + options.value + 100) * 5 // 4
    store = Store(StoreOptions(memory_limit=limit))
    value, clock = b"x" * options.value + b"\r\n", time.thread_time_ns
    longest: list[tuple[int, int]] = []
    over, peak, before = 0, 0, clock()
    for number in range(options.items):
        store.set(b"%0*d" % (options.key, number), b"0", 0, value)
        after = clock()
        if after - before > 200_000:
            over += after - before > 1_000_000
            longest.append((after - before, number))
        if not number % 50_000:
            peak = max(peak, resident(store.index))
            after = clock()
        before = after
    longest.sort(reverse=True)
    print(f"{options.items} items, index of 2^{store.index.power} slots, {store.index.count} entries")
    print("longest sets:", ", ".join(f"{took / 1e6:.2f} ms (item {at})" for took, at in longest[:5]) or "under 0.2 ms")
    print(f"sets over 1 ms: {over}")
    print(f"index resident at the end {resident(store.index) >> 20} MB, at most {peak >> 20} MB")


def resident(index: Index) -> int:
    """Bytes of the index's mappings that take memory, found among the process's mappings by their size."""
    sizes = {8 * (index.mask + 1) >> 10, 8 * index.growth[0] >> 10}
    total = size = 0
    for line in Path("/proc/self/smaps").read_text().splitlines():
        words = line.split()
        if words[0] == "Size:":
            size = int(words[1])
        elif words[0] == "Rss:" and size in sizes:
            total += int(words[1]) << 10
    return total


if __name__ == "__main__":
    main()
