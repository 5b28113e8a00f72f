"""From an exptime as sent to the second at which an item is gone (memcached.c realtime)."""

from mcproto.limits import RELATIVE_EXPTIME_MAX, U32

NEVER = 0
EXPIRED = 1
"""A second before any the clock shows: expired at once."""


def to_absolute(wire: int, now: int, started: int) -> int:
    """Seconds of the server's clock at which an item stored `now` expires; NEVER for 0.

    `wire` as `mcproto.grammar.maybe_exptime` gives it; `started` is the Unix time when the clock showed 0.
    Negative, or a Unix time not after the start: EXPIRED. Up to 30 days: from now. Else a Unix time.
    """
    if wire == 0:
        return NEVER
    if wire < 0:
        return EXPIRED
    if wire <= RELATIVE_EXPTIME_MAX:
        return min(now + wire, U32)
    return wire - started if wire > started else EXPIRED
