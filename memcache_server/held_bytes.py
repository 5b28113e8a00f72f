"""What clients make the server hold: replies they do not read, requests they do not finish.

Each client is bounded already (a turn's replies, a line's and a value's length); a thousand of them together
are not. Over the limit some are dropped, those first that have not moved since they were last looked at: the
process and its other clients matter more.
"""

from typing import Protocol


class Holder(Protocol):
    """A connection, as seen from here."""

    @property
    def held(self) -> int:
        """Bytes in memory for this client now."""

    def drop(self) -> None:
        """Give them up, and the client."""


class HeldBytes:
    """Sums what holders held when they were last noted: at most what they hold now, or a little more.

    Nobody needs to report that a reply was read after all. `limit` is in bytes.
    """

    __slots__ = ("_held", "_total", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held: dict[Holder, int] = {}  # longest not noted first
        self._total = 0

    def note(self, holder: Holder) -> None:
        """Take what `holder` holds into the sum; over the limit, drop others than this one."""
        self._total -= self._held.pop(holder, 0)
        self._held[holder] = held = holder.held
        self._total += held
        if self._total > self.limit:
            self._look_again()
            self._relieve(holder)

    def forget(self, holder: Holder) -> None:
        """The client has gone."""
        self._total -= self._held.pop(holder, 0)

    def _look_again(self) -> None:
        """Take the present numbers; who moved goes behind those who did not."""
        now = {holder: holder.held for holder in self._held}
        stalled = {holder: held for holder, held in now.items() if held and held == self._held[holder]}
        moved = {holder: held for holder, held in now.items() if held and holder not in stalled}
        self._held = stalled | moved
        self._total = sum(self._held.values())

    def _relieve(self, newest: Holder) -> None:
        for holder in list(self._held):
            if self._total <= self.limit:
                return
            if holder is not newest:
                self.forget(holder)
                holder.drop()
