"""When to ask again, and which vanished names keep their place. Pure: time and chance arrive as arguments.

answer ──merge──▶ members = answered + held
held: a name absent from the answer, until it is back or `grace_s` is over (a pod restarts in less),
and for good when its ordinal is below `expect`.
An empty answer or a failure changes nothing: a set never shrinks to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from discovery.endpoint import Endpoint, EndpointSet


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    """How a set follows its name; all durations in seconds.

    A success is repeated after its TTL, kept between `floor_s` and `cap_s` (`cap_s` is never exceeded, so it
    bounds how far apart two observers can see the same change). A failure is repeated after `retry_s`,
    doubled each time up to `cap_s`. `spacing_s` is the least time between lookups asked for out of turn.
    """

    floor_s: float = 5.0
    cap_s: float = 30.0
    jitter: float = 0.1
    retry_s: float = 1.0
    spacing_s: float = 1.0
    grace_s: float = 60.0
    expect: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.floor_s <= self.cap_s:
            raise ValueError("refresh floor must be above 0 and at most the cap")
        if not 0 <= self.jitter < 1:
            raise ValueError("jitter must be at least 0 and below 1")
        if self.retry_s <= 0 or self.spacing_s < 0 or self.grace_s < 0:
            raise ValueError("retry must be above 0, spacing and grace at least 0")
        if self.expect is not None and self.expect < 1:
            raise ValueError("the expected number of endpoints must be at least 1")

    def delay_after_success(self, ttl_s: float | None, chance: float) -> float:
        """Seconds to the next lookup; `chance` is uniform in [0, 1). An untold TTL counts as the cap.

        Jitter only adds: a cache asked before its record expires answers with the same record once more.
        """
        longest = max(self.floor_s, self.cap_s / (1 + self.jitter))
        base = longest if ttl_s is None else min(max(ttl_s, self.floor_s), longest)
        return min(self.cap_s, base * (1 + self.jitter * chance))

    def delay_after_failure(self, failures: int, chance: float) -> float:
        """Seconds to the next lookup after that many failures in a row (≥ 1)."""
        base = min(self.cap_s, self.retry_s * 2.0 ** min(failures - 1, 30))
        return base * (1 - self.jitter * chance)


@dataclass(frozen=True, slots=True)
class Membership:
    """The set that is in force, and since when (a monotonic clock's seconds) its held members are absent.

    `ignored` are endpoints of the last answer that `expect` leaves no place for.
    """

    endpoints: EndpointSet = field(default_factory=EndpointSet)
    absent_since: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    ignored: tuple[Endpoint, ...] = ()


def merge(
    last_good: Membership, answer: Iterable[Endpoint], now: float, grace_s: float, expect: int | None = None
) -> Membership:
    """The membership after `answer`; `last_good` itself when the answer is empty."""
    answer = tuple(answer)
    if not answer:
        return last_good
    members, ignored = _fit(answer, last_good.endpoints, expect)
    present = {endpoint.name for endpoint in members}
    absent_since = {
        endpoint.name: last_good.absent_since.get(endpoint.name, now)
        for endpoint in last_good.endpoints
        if endpoint.name not in present
    }
    vanished = [endpoint for endpoint in last_good.endpoints if endpoint.name in absent_since]
    overdue = {name for name, since in absent_since.items() if now - since >= grace_s}
    held = [
        endpoint
        for endpoint in vanished
        if endpoint.slot is not None and (endpoint.name not in overdue or endpoint.slot < (expect or 0))
    ]
    arrivals = sum(last_good.endpoints.maybe_endpoint(name) is None for name in present)
    held += _held_without_slot(vanished, absent_since, overdue, arrivals, (expect or 0) - len(members))
    return Membership(
        EndpointSet.of((*members, *held), expect),
        MappingProxyType({endpoint.name: absent_since[endpoint.name] for endpoint in held}),
        ignored,
    )


def _held_without_slot(
    vanished: list[Endpoint],
    absent_since: Mapping[str, float],
    overdue: set[str],
    arrivals: int,
    wanting: int,
) -> list[Endpoint]:
    """Which endpoints without an ordinal stay: an arrival takes the place of the longest absent one.

    Without names a restart looks like one leaving and another arriving, so holding the old beside the new
    would make the set larger than it ever is. `wanting` more than answered are kept beyond the grace time.
    """
    nameless = [endpoint for endpoint in vanished if endpoint.slot is None]
    longest_first = sorted(nameless, key=lambda endpoint: (absent_since[endpoint.name], endpoint.name))
    candidates = longest_first[arrivals:]
    surplus = len(candidates) - max(wanting, 0)
    return [e for rank, e in enumerate(candidates) if e.name not in overdue or rank >= surplus]


def _fit(
    answer: tuple[Endpoint, ...], known: EndpointSet, expect: int | None
) -> tuple[list[Endpoint], tuple[Endpoint, ...]]:
    """(members, ignored): `expect` leaves no place for ordinals from there on, nor for the newest others."""
    if expect is None:
        return list(answer), ()
    ordered = EndpointSet.of(answer).endpoints
    with_slot = [endpoint for endpoint in ordered if endpoint.slot is not None and endpoint.slot < expect]
    without = [endpoint for endpoint in ordered if endpoint.slot is None]
    without.sort(key=lambda endpoint: known.maybe_endpoint(endpoint.name) is None)  # stable: the known first
    members = with_slot + without[: expect - len(with_slot)]
    return members, tuple(endpoint for endpoint in ordered if endpoint not in members)
