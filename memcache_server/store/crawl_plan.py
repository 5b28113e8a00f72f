"""When each class is crawled next, by what the last crawl found (items.c lru_maintainer_crawler_check). Pure.

At the start every class is due. Later a crawl should free over a hundredth of the class's items with a TTL: the
wait draws near, a minute at a time, to the minute when that many will have expired. It is an hour at most.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

MINUTE_S, HOUR_S = 60, 3600
_LEAST_WAIT_S = 5
_WORTH_IT = 100  # one of so many items with a TTL


@dataclass(slots=True)
class Findings:
    """What a crawl found in one class. `minutes`: items by the minutes they have left; others have over an hour."""

    seen: int = 0  # alive
    lasting: int = 0  # of these, without a TTL
    reclaimed: int = 0
    minutes: list[int] = field(default_factory=lambda: [0] * (HOUR_S // MINUTE_S))


class Verdict(NamedTuple):
    """What follows from findings: the number of items worth a crawl, how many will be there, seconds until it."""

    low_mark: int
    next_reclaims: int
    wait: int


def decide_wait(findings: Findings, wait: int) -> Verdict:
    """How long to wait, seconds, after having waited `wait` for these findings."""
    low_mark, expiring = (findings.seen - findings.lasting) // _WORTH_IT + 1, 0
    for minute, count in enumerate(findings.minutes):
        expiring += count
        if expiring > low_mark:
            wait += MINUTE_S if wait < minute * MINUTE_S else -min(wait, MINUTE_S)
            break
    if not expiring:
        wait += MINUTE_S
    return Verdict(low_mark, expiring, min(wait, HOUR_S))


class CrawlPlan:
    """Due times of the classes 1 to `classes`, in seconds of the server's clock."""

    __slots__ = ("_due_after", "_earliest", "_waits")

    def __init__(self, classes: int) -> None:
        self._waits = dict.fromkeys(range(1, classes + 1), 0)
        self._due_after = dict.fromkeys(self._waits, 0)
        self._earliest = 0

    def due(self, now: int) -> Sequence[int]:
        """The classes to be crawled now."""
        if now <= self._earliest:
            return ()
        return [slab_class for slab_class, after in self._due_after.items() if now > after]

    def settle(self, now: int, found: Iterable[tuple[int, Findings]]) -> list[Verdict]:
        """A crawl has ended: decide on each of its classes, in their order. `wait` is then the whole time until due."""
        verdicts = []
        for slab_class, findings in found:
            verdict = decide_wait(findings, self._waits[slab_class])
            self._waits[slab_class] = verdict.wait
            verdict = verdict._replace(wait=verdict.wait + _LEAST_WAIT_S)
            self._due_after[slab_class] = now + verdict.wait
            verdicts.append(verdict)
        self._earliest = min(self._due_after.values())
        return verdicts
