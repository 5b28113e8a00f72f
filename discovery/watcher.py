"""Watches one target: resolve → merge → publish what really changed, until stopped."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from discovery.endpoint import Change, EndpointSet, diff
from discovery.refresh_policy import Membership, RefreshPolicy, merge
from discovery.resolution import Failure, FailureKind, Resolution
from discovery.service_name import Lookup, Target, parse_target

log = logging.getLogger("discovery")

LOG_EVERY_S = 60.0  # a failure of one kind is logged this often at most while it lasts

OnChange = Callable[[EndpointSet, Change], None]


class Resolves(Protocol):
    """What a watcher needs of a resolver."""

    async def resolve(self, target: Target) -> Resolution | Failure:
        """One bounded lookup."""
        ...


class Watcher:
    """Keeps `current` true to a target's endpoints; `on_change(endpoints, change)` is called on real changes.

    `target` may be text (ValueError when it is no upstream address). `clock` counts monotonic seconds, `rng`
    gives a float in [0, 1). Counters: `refreshes` (lookups done), `failures` by kind, `changes`.
    """

    def __init__(
        self,
        target: Target | str,
        resolver: Resolves,
        policy: RefreshPolicy | None = None,
        on_change: OnChange | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        rng: Callable[[], float] = random.random,
    ) -> None:
        self.target = parse_target(target) if isinstance(target, str) else target
        self.policy = policy or RefreshPolicy()
        self.refreshes = 0
        self.changes = 0
        self.failures: Counter[FailureKind] = Counter()
        self.last_failure: Failure | None = None
        self.ttl_s: float | None = None
        self._resolver = resolver
        self._on_change = on_change
        self._clock = clock
        self._rng = rng
        self._membership = Membership(EndpointSet((), self.policy.expect))
        self._failures_in_row = 0
        self._succeeded_at: float | None = None
        self._logged_at: dict[FailureKind, float] = {}
        self._asked = asyncio.Event()
        self._first_lookup_done = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def current(self) -> EndpointSet:
        """The set in force: the last good answer and what it holds on to; empty until the first one."""
        return self._membership.endpoints

    @property
    def held(self) -> frozenset[str]:
        """Names of `current` that the last answer lacked."""
        return frozenset(self._membership.absent_since)

    @property
    def last_success_age_s(self) -> float | None:
        """Seconds since the last answer; None before the first."""
        return None if self._succeeded_at is None else self._clock() - self._succeeded_at

    async def start(self, deadline_s: float = 5.0) -> EndpointSet:
        """Begins to watch; returns `current` after the first lookup or `deadline_s` seconds, maybe empty."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"discovery {self.target}")
        try:
            await asyncio.wait_for(self._first_lookup_done.wait(), deadline_s)
        except TimeoutError:
            log.warning("%s: no answer yet after %g s, going on", self.target, deadline_s)
        return self.current

    async def stop(self) -> None:
        """Ends watching; no callback runs afterwards. `current` stays as it was."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def refresh_now(self) -> None:
        """Asks for a lookup soon, say after a refused connection: many calls make one, `spacing_s` apart."""
        self._asked.set()

    async def refresh(self) -> float:
        """One lookup now, its result published; returns the seconds until the next one is due."""
        self._asked.clear()
        try:
            outcome = await self._resolver.resolve(self.target)
        except Exception as error:  # not expected, and no reason to stop watching
            log.exception("%s: the lookup broke", self.target)
            outcome = Failure(FailureKind.SERVFAIL, repr(error))
        self.refreshes += 1
        if isinstance(outcome, Failure):
            return self._on_failure(outcome)
        return self._on_answer(outcome)

    async def _run(self) -> None:
        while True:
            delay_s = await self.refresh()
            self._first_lookup_done.set()
            if self.target.lookup is Lookup.LITERAL:
                return
            await self._pause(delay_s)

    async def _pause(self, delay_s: float) -> None:
        """Until `delay_s` is over, or from `spacing_s` on until somebody asks."""
        spacing_s = min(self.policy.spacing_s, delay_s)
        await asyncio.sleep(spacing_s)
        try:
            await asyncio.wait_for(self._asked.wait(), delay_s - spacing_s)
        except TimeoutError:
            pass

    def _on_answer(self, resolution: Resolution) -> float:
        now = self._clock()
        if self._failures_in_row and self._succeeded_at is not None:
            log.info("%s: resolves again, failures before: %d", self.target, self._failures_in_row)
        self._failures_in_row = 0
        self._logged_at.clear()
        self._succeeded_at = now
        self.ttl_s = resolution.ttl_s
        policy = self.policy
        before = self._membership
        self._membership = merge(before, resolution.endpoints, now, policy.grace_s, policy.expect)
        self._report_absences(before, self._membership)
        self._publish(diff(before.endpoints, self._membership.endpoints))
        return policy.delay_after_success(resolution.ttl_s, self._rng())

    def _on_failure(self, failure: Failure) -> float:
        """Counts it and keeps the set. One line per kind, then one a minute while it lasts."""
        now = self._clock()
        self.failures[failure.kind] += 1
        self.last_failure = failure
        self._failures_in_row += 1
        logged_at = self._logged_at.get(failure.kind)
        if logged_at is None or now - logged_at >= LOG_EVERY_S:
            self._logged_at[failure.kind] = now
            kept = len(self.current)
            log.warning("%s: %s; keeping %d endpoint%s", self.target, failure, kept, "" if kept == 1 else "s")
        return self.policy.delay_after_failure(self._failures_in_row, self._rng())

    def _publish(self, change: Change) -> None:
        if not change:
            return
        self.changes += 1
        log.info("%s: %s", self.target, ", ".join(change.lines()))
        if self._on_change is None:
            return
        try:
            self._on_change(self.current, change)
        except Exception:  # whoever fails to use a change must not end the watching of the next
            log.exception("%s: could not apply the change", self.target)

    def _report_absences(self, before: Membership, after: Membership) -> None:
        for name in sorted(after.absent_since.keys() - before.absent_since.keys()):
            log.info("%s: %s left the answer and keeps its place for now", self.target, name)
        for endpoint in after.ignored:
            if endpoint not in before.ignored:
                log.warning(
                    "%s: %s ignored, %s endpoints expected", self.target, endpoint.name, self.policy.expect
                )
