"""Counts by key prefix (`stats detail`): what stands before a key's first delimiter (stats_prefix.c)."""

_PREFIXES_MAX = 65536  # further prefixes are not counted: keys are the clients' to choose
_GET, _HIT, _SET, _DELETE = range(4)


class PrefixStats:
    """Counts while `enabled` (`stats detail on`). A key without the delimiter is not counted."""

    __slots__ = ("_counts", "_delimiter", "enabled")

    def __init__(self, delimiter: bytes) -> None:
        self._delimiter = delimiter
        self._counts: dict[bytes, list[int]] = {}
        self.enabled = False

    def _of(self, key: bytes) -> list[int]:
        prefix, delimiter, _ = key.partition(self._delimiter)
        if not delimiter or not self.enabled:
            return [0, 0, 0, 0]
        counts = self._counts.get(prefix)
        if counts is None:
            counts = [0, 0, 0, 0]
            if len(self._counts) < _PREFIXES_MAX:
                self._counts[prefix] = counts
        return counts

    def count_get(self, key: bytes, hit: bool) -> None:
        """A key asked for by get, gets, gat, gats or mg."""
        counts = self._of(key)
        counts[_GET] += 1
        counts[_HIT] += hit

    def count_set(self, key: bytes) -> None:
        """An attempt to store, of whatever kind and end."""
        self._of(key)[_SET] += 1

    def count_delete(self, key: bytes) -> None:
        """An attempt to delete."""
        self._of(key)[_DELETE] += 1

    def clear(self) -> None:
        """`stats reset`."""
        self._counts.clear()

    def dump(self) -> bytes:
        """`PREFIX p get N hit N set N del N` lines."""
        return b"".join(
            b"PREFIX %b get %d hit %d set %d del %d\r\n" % (prefix, get, hit, stored, deleted)
            for prefix, (get, hit, stored, deleted) in self._counts.items()
        )
