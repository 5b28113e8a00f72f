"""What is published when, and what a watcher does between lookups."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from discovery.endpoint import Change, Endpoint, EndpointSet
from discovery.refresh_policy import RefreshPolicy
from discovery.resolution import Failure, FailureKind, Resolution
from discovery.resolver import Resolver
from discovery.service_name import Target
from discovery.watcher import Watcher
from tests.discovery.test_endpoint import bare, pod, pods
from tests.support.fake_dns import FakeDns, Mode

SERVICE = "mycache-memcached.default.svc.cluster.local"
SRV = f"dnssrv+_memcache._tcp.{SERVICE}"
PODS = {0: "127.0.0.11", 1: "127.0.0.12", 2: "127.0.0.13"}
BRISK = RefreshPolicy(floor_s=0.05, cap_s=0.05, retry_s=0.02, spacing_s=0.01)
Outcome = Resolution | Failure | Exception


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class ScriptedResolver:
    """Answers with what was put in `outcome`; counts."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.lookups = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def resolve(self, target: Target) -> Resolution | Failure:
        self.lookups += 1
        await self.gate.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Seen:
    """Collects what was published; `until` waits for a set."""

    def __init__(self) -> None:
        self.calls: list[tuple[EndpointSet, Change]] = []
        self._called = asyncio.Event()

    def __call__(self, endpoints: EndpointSet, change: Change) -> None:
        self.calls.append((endpoints, change))
        self._called.set()

    async def until(self, condition: Callable[[EndpointSet], bool]) -> EndpointSet:
        async with asyncio.timeout(10):
            while not (self.calls and condition(self.calls[-1][0])):
                self._called.clear()
                await self._called.wait()
        return self.calls[-1][0]


def answer(*endpoints: Endpoint, ttl_s: float | None = 5.0) -> Resolution:
    return Resolution(EndpointSet.of(endpoints), ttl_s)


def addresses(endpoints: EndpointSet) -> list[str]:
    return [endpoint.address for endpoint in endpoints]


async def eventually(condition: Callable[[], bool]) -> None:
    """For counters that only time moves on; the deadline is far beyond what it takes."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


# Single lookups, with a clock of our own.


async def test_only_real_changes_are_published() -> None:
    seen, resolver = Seen(), ScriptedResolver(answer(pod(0), pod(1)))
    watcher = Watcher(SRV, resolver, on_change=seen)
    for _ in range(3):
        await watcher.refresh()
    assert seen.calls == [(pods(0, 1), Change(added=(pod(0), pod(1))))]
    resolver.outcome = answer(pod(1), pod(0, "10.7.7.7"), pod(2))
    await watcher.refresh()
    moved = Change(added=(pod(2),), moved=((pod(0), pod(0, "10.7.7.7")),))
    assert seen.calls[1:] == [(watcher.current, moved)]
    assert watcher.current.slots() == (pod(0, "10.7.7.7"), pod(1), pod(2))
    assert (watcher.refreshes, watcher.changes, watcher.ttl_s) == (4, 2, 5.0)


@pytest.mark.parametrize("kind", list(FailureKind))
async def test_every_failure_keeps_the_last_good_set(kind: FailureKind) -> None:
    seen, clock = Seen(), Clock()
    resolver = ScriptedResolver(answer(pod(0), pod(1)))
    watcher = Watcher(SRV, resolver, on_change=seen, clock=clock)
    assert watcher.last_success_age_s is None
    await watcher.refresh()
    resolver.outcome = Failure(kind, "as told")
    for _ in range(3):
        clock.now += 1000.0
        await watcher.refresh()
    assert watcher.current == pods(0, 1)
    assert len(seen.calls) == 1
    assert watcher.failures == {kind: 3}
    assert watcher.last_failure == resolver.outcome
    assert watcher.last_success_age_s == 3000.0


async def test_delays_follow_the_ttl_and_back_off() -> None:
    resolver = ScriptedResolver(answer(pod(0), ttl_s=12.0))
    watcher = Watcher(SRV, resolver, RefreshPolicy(jitter=0.5), rng=lambda: 0.5)
    assert await watcher.refresh() == 15.0
    resolver.outcome = Failure(FailureKind.TIMEOUT, "silence")
    assert [await watcher.refresh() for _ in range(3)] == [0.75, 1.5, 3.0]
    resolver.outcome = answer(pod(0), ttl_s=12.0)
    assert await watcher.refresh() == 15.0


async def test_three_four_three_with_grace() -> None:
    seen, clock = Seen(), Clock()
    resolver = ScriptedResolver(answer(*map(pod, range(3))))
    watcher = Watcher(SRV, resolver, RefreshPolicy(grace_s=60), seen, clock=clock)
    await watcher.refresh()
    resolver.outcome = answer(*map(pod, range(4)))
    await watcher.refresh()
    resolver.outcome = answer(*map(pod, range(3)))
    await watcher.refresh()
    clock.now += 59.0
    await watcher.refresh()
    assert watcher.current == pods(0, 1, 2, 3)
    assert watcher.held == {"mycache-memcached-3"}
    clock.now += 1.0
    await watcher.refresh()
    assert [change for _, change in seen.calls[1:]] == [Change(added=(pod(3),)), Change(removed=(pod(3),))]
    assert watcher.current == pods(0, 1, 2)
    assert not watcher.held


async def test_expect_fixes_the_size() -> None:
    resolver, clock = ScriptedResolver(answer(pod(0), pod(3))), Clock()
    watcher = Watcher(SRV, resolver, RefreshPolicy(expect=4), clock=clock)
    await watcher.refresh()
    assert watcher.current.slots() == (pod(0), None, None, pod(3))
    resolver.outcome = answer(*map(pod, range(6)))
    await watcher.refresh()
    resolver.outcome = answer(pod(0))
    for _ in range(2):
        clock.now += 1e6
        await watcher.refresh()
    assert watcher.current.slots() == (pod(0), pod(1), pod(2), pod(3))


async def test_a_broken_resolver_or_callback_does_not_end_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(endpoints: EndpointSet, change: Change) -> None:
        raise RuntimeError("no tree could be built")

    resolver = ScriptedResolver(answer(pod(0)))
    watcher = Watcher(SRV, resolver, on_change=refuse)
    await watcher.refresh()
    assert "could not apply the change" in caplog.text
    resolver.outcome = RuntimeError("a bug")
    await watcher.refresh()
    assert "the lookup broke" in caplog.text
    assert watcher.failures == {FailureKind.SERVFAIL: 1}
    assert watcher.current == pods(0)


async def test_log_has_one_line_a_change_and_few_of_each_failure(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "discovery")
    resolver, clock = ScriptedResolver(answer(pod(0), pod(1))), Clock()
    watcher = Watcher(SRV, resolver, clock=clock)

    async def messages(outcome: Outcome, times: int, step_s: float = 1.0) -> list[str]:
        caplog.clear()
        resolver.outcome = outcome
        for _ in range(times):
            clock.now += step_s
            await watcher.refresh()
        return [record.getMessage().removeprefix(f"{SRV}: ") for record in caplog.records]

    both = "+ mycache-memcached-0 10.0.0.0:11211, + mycache-memcached-1 10.0.0.1:11211"
    assert await messages(answer(pod(0), pod(1)), 3) == [both]
    timeout, refused = Failure(FailureKind.TIMEOUT, "silence"), Failure(FailureKind.REFUSED, "go away")
    assert await messages(timeout, 30) == ["TIMEOUT: silence; keeping 2 endpoints"]
    assert await messages(refused, 10) == ["REFUSED: go away; keeping 2 endpoints"]
    assert await messages(timeout, 60) == ["TIMEOUT: silence; keeping 2 endpoints"]
    assert await messages(answer(pod(0)), 2) == [
        "resolves again, failures before: 100",
        "mycache-memcached-1 left the answer and keeps its place for now",
    ]
    assert await messages(timeout, 1) == ["TIMEOUT: silence; keeping 2 endpoints"]
    assert await messages(answer(pod(0)), 1) == ["resolves again, failures before: 1"]
    assert await messages(answer(pod(0)), 1, 100.0) == ["- mycache-memcached-1 10.0.0.1:11211"]


async def test_an_endpoint_beyond_expect_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    watcher = Watcher(SRV, ScriptedResolver(answer(pod(0), pod(1))), RefreshPolicy(expect=1))
    await watcher.refresh()
    await watcher.refresh()
    assert [record.getMessage() for record in caplog.records] == [
        f"{SRV}: mycache-memcached-1 ignored, 1 endpoints expected"
    ]


# The task.


async def test_literals_are_looked_up_once() -> None:
    resolver = ScriptedResolver(answer(bare("10.0.0.1")))
    watcher = Watcher("10.0.0.1:11211", resolver, BRISK)
    assert await watcher.start() == EndpointSet.of([bare("10.0.0.1")])
    watcher.refresh_now()
    await asyncio.sleep(0.1)
    assert resolver.lookups == 1
    await watcher.stop()


async def test_start_waits_no_longer_than_told_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    seen, resolver = Seen(), ScriptedResolver(answer(pod(0)))
    resolver.gate.clear()
    watcher = Watcher(SRV, resolver, BRISK, seen)
    assert len(await watcher.start(deadline_s=0.05)) == 0
    assert "no answer yet" in caplog.text
    resolver.gate.set()
    assert await seen.until(lambda endpoints: len(endpoints) == 1) == pods(0)
    await watcher.stop()


async def test_start_returns_when_the_first_lookup_fails() -> None:
    watcher = Watcher(SRV, ScriptedResolver(Failure(FailureKind.NXDOMAIN, "none")), BRISK)
    assert len(await watcher.start(deadline_s=60)) == 0
    await eventually(lambda: watcher.failures[FailureKind.NXDOMAIN] > 2)
    await watcher.stop()


async def test_nothing_is_published_after_stop() -> None:
    seen, resolver = Seen(), ScriptedResolver(answer(pod(0)))
    watcher = Watcher(SRV, resolver, BRISK, seen)
    await watcher.start()
    resolver.outcome = answer(pod(0), pod(1))
    await watcher.stop()
    await watcher.stop()
    lookups = resolver.lookups
    await asyncio.sleep(0.2)
    assert resolver.lookups == lookups
    assert len(seen.calls) == 1
    assert watcher.current == pods(0)


async def test_refresh_now_is_prompt_and_many_calls_make_one_lookup() -> None:
    resolver = ScriptedResolver(answer(pod(0)))
    watcher = Watcher(SRV, resolver, RefreshPolicy(floor_s=60, cap_s=60, spacing_s=0.1))
    await watcher.start()
    started_at = asyncio.get_running_loop().time()
    for lookups in (2, 3):
        for _ in range(100):
            watcher.refresh_now()
        await eventually(lambda: watcher.refreshes == lookups)  # noqa: B023 (used at once)
    assert asyncio.get_running_loop().time() - started_at >= 0.19
    await asyncio.sleep(0.3)
    assert resolver.lookups == 3
    await watcher.stop()


async def test_a_request_during_a_lookup_asks_once_more() -> None:
    resolver = ScriptedResolver(answer(pod(0)))
    resolver.gate.clear()
    watcher = Watcher(SRV, resolver, RefreshPolicy(floor_s=60, cap_s=60, spacing_s=0.01))
    starting = asyncio.create_task(watcher.start())
    await eventually(lambda: resolver.lookups == 1)
    watcher.refresh_now()
    resolver.gate.set()
    await starting
    await eventually(lambda: watcher.refreshes == 2)
    await watcher.stop()


# Against a real DNS server.


async def watched(
    dns: FakeDns, check: Callable[[Watcher, Seen], Awaitable[None]], policy: RefreshPolicy = BRISK
) -> None:
    seen = Seen()
    watcher = Watcher(SRV, Resolver([dns.nameserver], lifetime_s=0.3), policy, seen)
    await watcher.start()
    try:
        await check(watcher, seen)
    finally:
        await watcher.stop()


async def test_a_pod_back_with_a_new_address_has_moved(dns: FakeDns) -> None:
    dns.set_service(SERVICE, PODS)

    async def check(watcher: Watcher, seen: Seen) -> None:
        names = watcher.current.slot_names()
        dns.set_service(SERVICE, {0: "127.0.0.11", 2: "127.0.0.13"})
        await eventually(lambda: watcher.held == {"mycache-memcached-1"})
        assert addresses(watcher.current) == list(PODS.values())
        dns.set_service(SERVICE, PODS | {1: "127.0.0.99"})
        await seen.until(lambda endpoints: "127.0.0.99" in addresses(endpoints))
        _, change = seen.calls[-1]
        assert (len(seen.calls), change.added, change.removed) == (2, (), ())
        assert [(before.address, after.address) for before, after in change.moved] == [("127.0.0.12", "127.0.0.99")]
        assert watcher.current.slot_names() == names

    await watched(dns, check)


@pytest.mark.parametrize("mode", ["nxdomain", "nodata", "servfail", "refused", "silent"])
async def test_no_trouble_of_dns_loses_an_endpoint(dns: FakeDns, mode: Mode) -> None:
    dns.set_service(SERVICE, PODS)

    async def check(watcher: Watcher, seen: Seen) -> None:
        dns.mode = mode
        await eventually(lambda: watcher.failures.total() >= 2)
        assert addresses(watcher.current) == list(PODS.values())
        dns.set_service(SERVICE, PODS | {3: "127.0.0.14"})
        dns.mode = "ok"
        assert len(await seen.until(lambda endpoints: len(endpoints) == 4)) == 4
        assert len(seen.calls) == 2

    await watched(dns, check)


async def test_a_dead_dns_server_loses_nothing(dns: FakeDns) -> None:
    other = FakeDns().start()
    other.set_service(SERVICE, PODS)

    async def check(watcher: Watcher, seen: Seen) -> None:
        other.stop()
        await eventually(lambda: watcher.failures.total() >= 1)
        assert addresses(watcher.current) == list(PODS.values())

    await watched(other, check)


async def test_a_change_is_seen_within_one_ttl(dns: FakeDns) -> None:
    dns.set_service(SERVICE, PODS, ttl_s=1)

    async def check(watcher: Watcher, seen: Seen) -> None:
        loop = asyncio.get_running_loop()
        before, changed_at = watcher.refreshes, loop.time()
        dns.set_service(SERVICE, PODS | {3: "127.0.0.14"}, ttl_s=1)
        await seen.until(lambda endpoints: len(endpoints) == 4)
        assert watcher.refreshes == before + 1
        assert loop.time() - changed_at < 5.0

    await watched(dns, check, RefreshPolicy(floor_s=0.1, cap_s=30))


async def test_observers_agree_however_answers_are_shuffled(dns: FakeDns) -> None:
    dns.set_service(SERVICE, {n: f"127.1.0.{n + 1}" for n in range(150)})
    dns.shuffle = True
    sets = []
    for _ in range(3):
        watcher = Watcher(SRV, Resolver([dns.nameserver]))
        sets.append(await watcher.start())
        await watcher.stop()
    assert sets[0] == sets[1] == sets[2]
    assert len(sets[0].slots()) == 150
