"""Pods die, come back elsewhere, join and leave while clients work through two proxies."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from tests.e2e.local_cluster import REFRESH_S, SLACK_S, LocalCluster, Proxy, owners
from tests.e2e.traffic import Event, Traffic
from tests.support.text_client import STORED, TextClient, get_request, hit_reply, set_request

KEYS = [b"key-%d" % number for number in range(400)]
MANY_KEYS = [b"user:%d:profile" % number for number in range(10_000)]

# What mcrouter says while a server is away.
AWAY = re.compile(
    rb"SERVER_ERROR ("
    rb"Connection closed by the server\.|"
    rb"AsyncSocketException: connect failed: .+|"
    rb"Server unavailable\. Reason: mc_res_connect_error"
    rb")\r\n"
)

BACK_S = 2.0
"""From when a server works again at its address to the probe that finds it."""

TIMEOUT_S = 1.0
"""A proxy's default for a reply; three in a row take a server out."""

GRACE_S = 3.0
"""How long a server that has left DNS keeps its place, in these tests."""

Placement = Mapping[bytes, int | None]


def placement(proxy: Proxy, pods: Mapping[int, TextClient], keys: Sequence[bytes], value: bytes) -> Placement:
    """key → the pod that holds it, after it was set through the proxy; None where the set failed."""
    replies = proxy.client.ask_all(set_request(key, value) for key in keys)
    assert all(reply == STORED or AWAY.fullmatch(reply) for reply in replies)
    found = owners(pods, [(get_request(key), hit_reply(key, value)) for key in keys])
    return dict(zip(keys, found, strict=True))


def look_now(proxies: Iterable[Proxy]) -> None:
    """What DNS says is seen at once; when it would be by itself is another test's."""
    for proxy in proxies:
        proxy.reload()


def total_connections(pods: Mapping[int, TextClient]) -> dict[int, int]:
    """How many each pod ever had: one that was dropped and made again shows."""
    return {ordinal: int(client.stats()["total_connections"]) for ordinal, client in pods.items()}


def assert_only_moved_to(joined: int, before: Placement, after: Placement) -> None:
    """The new pod took its even share, within a tenth, and no other key moved."""
    moved = {key for key, ordinal in after.items() if ordinal != before[key]}
    assert {after[key] for key in moved} == {joined}
    assert 0.9 / 4 <= len(moved) / len(after) <= 1.1 / 4


def unexplained(events: Iterable[Event]) -> list[Event]:
    """Wrong, and neither the server's absence nor the miss after a set that failed for it."""
    failed: set[bytes] = set()
    found = []
    for event in events:
        is_away = bool(AWAY.fullmatch(event.reply))
        if not event.is_right and not is_away and not (event.is_miss and event.key in failed):
            found.append(event)
        if event.verb == "set":
            (failed.add if is_away else failed.discard)(event.key)
    return found


def wrong(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if not event.is_right]


def test_a_pod_dies_and_comes_back_with_another_address(cluster: LocalCluster) -> None:
    proxies = [cluster.start_proxy(), cluster.start_proxy()]
    pods = {ordinal: cluster.connect(ordinal) for ordinal in range(3)}
    before = placement(proxies[0], pods, KEYS, b"before")
    dead_keys = {key for key in KEYS if before[key] == 1}
    with Traffic([proxy.address for proxy in proxies], KEYS) as traffic:
        traffic.lap()
        survivors = {ordinal: pods[ordinal] for ordinal in (0, 2)}
        connections = total_connections(survivors)

        killed_at = time.monotonic()
        cluster.kill_pod(1)
        cluster.publish()  # the pod's records go with it
        for proxy in proxies:
            proxy.wait_for_log("mycache-memcached-1 left the answer")
        gone_at = traffic.lap()

        back_at = time.monotonic()
        cluster.start_pod(1, host="127.0.0.22")
        cluster.publish()
        pods[1] = cluster.connect(1)
        published_at = time.monotonic()
        for proxy in proxies:
            proxy.wait_for_log("mycache-memcached-1 unmarked TKO")
        assert time.monotonic() - published_at < REFRESH_S + SLACK_S
        served_at = traffic.lap()
    of_the_dead = [event for event in traffic.events if event.key in dead_keys]
    assert wrong(event for event in traffic.events if event.key not in dead_keys) == []
    assert wrong(event for event in of_the_dead if not event.overlaps(killed_at, served_at)) == []
    assert unexplained(of_the_dead) == []
    in_absence = [event for event in of_the_dead if gone_at <= event.began and event.at < back_at]
    assert in_absence and all(AWAY.fullmatch(event.reply) for event in in_absence)  # nobody else takes its keys
    assert total_connections(survivors) == connections
    assert placement(proxies[1], pods, KEYS, b"after") == before


def test_a_crashed_server_that_restarts_in_place_is_found_by_a_probe(cluster: LocalCluster) -> None:
    proxies = [cluster.start_proxy(), cluster.start_proxy()]
    pods = {ordinal: cluster.connect(ordinal) for ordinal in range(3)}
    before = placement(proxies[0], pods, KEYS, b"before")
    with Traffic([proxy.address for proxy in proxies], KEYS) as traffic:
        traffic.lap()
        killed_at = time.monotonic()
        cluster.kill_pod(0)
        traffic.lap()
        cluster.start_pod(0)
        pods[0] = cluster.connect(0)
        for proxy in proxies:
            proxy.wait_for_log("mycache-memcached-0 unmarked TKO", BACK_S)
        served_at = traffic.lap()
    assert wrong(event for event in traffic.events if before[event.key] != 0) == []
    assert unexplained(event for event in traffic.events if before[event.key] == 0) == []
    assert wrong(event for event in traffic.events if not event.overlaps(killed_at, served_at)) == []
    assert placement(proxies[1], pods, KEYS, b"after") == before


def test_a_server_that_hangs_holds_up_only_its_own_keys(cluster: LocalCluster) -> None:
    proxy = cluster.start_proxy()
    pods = {ordinal: cluster.connect(ordinal) for ordinal in range(3)}
    before = placement(proxy, pods, KEYS, b"before")
    hanging = [key for key in KEYS if before[key] == 2]
    with Traffic([proxy.address], [key for key in KEYS if before[key] != 2]) as traffic:
        traffic.lap()
        os.kill(cluster.pods[2].server.pid, signal.SIGSTOP)
        replies = [proxy.client.ask(get_request(hanging[0])) for _ in range(5)]
        os.kill(cluster.pods[2].server.pid, signal.SIGCONT)
        proxy.wait_for_log("mycache-memcached-2 unmarked TKO", TIMEOUT_S + BACK_S)
        traffic.lap()
    unavailable = b"SERVER_ERROR Server unavailable. Reason: mc_res_timeout\r\n"
    assert replies == [b"SERVER_ERROR Reply timeout\r\n"] * 3 + [unavailable] * 2
    assert wrong(traffic.events) == []
    times = [event.at for event in traffic.events]
    assert max(later - earlier for earlier, later in pairwise(times)) < 0.8 * TIMEOUT_S
    assert proxy.client.ask(get_request(hanging[0])) == hit_reply(hanging[0], b"before")


def test_a_fourth_pod_joins_and_leaves(cluster: LocalCluster) -> None:
    grace = f"--discovery-grace={GRACE_S * 1000:.0f}"
    proxies = [cluster.start_proxy(grace), cluster.start_proxy(grace)]
    pods = {ordinal: cluster.connect(ordinal) for ordinal in range(3)}
    of_three = placement(proxies[0], pods, MANY_KEYS, b"three")
    assert None not in of_three.values()
    keys = MANY_KEYS[:400]
    with Traffic([proxy.address for proxy in proxies], keys) as traffic:
        traffic.lap()
        connections = total_connections(pods)

        cluster.start_pod(3)
        joined_at = time.monotonic()
        cluster.publish()
        look_now(proxies)
        for proxy in proxies:
            proxy.wait_for_servers(4)
        fourth = cluster.connect(3)
        all_saw_it_at = traffic.lap()
        of_four = placement(proxies[1], {**pods, 3: fourth}, MANY_KEYS[400:], b"four")
        left_at = time.monotonic()

        cluster.publish({ordinal: cluster.pods[ordinal].host for ordinal in range(3)})
        look_now(proxies)
        for proxy in proxies:
            proxy.wait_for_servers(3, 2 * (REFRESH_S + SLACK_S) + GRACE_S)
        cluster.stop_pod(3)
        all_saw_it_gone_at = traffic.lap()

    assert_only_moved_to(3, of_three, of_four)
    assert [event for event in traffic.events if event.is_error] == []
    # While one proxy knows of a change and the other does not, the keys that move are on two servers.
    agreeing = [
        event
        for event in traffic.events
        if not event.overlaps(joined_at, all_saw_it_at) and not event.overlaps(left_at, all_saw_it_gone_at)
    ]
    assert wrong(agreeing) == []
    moving = {event.key for event in wrong(traffic.events)}
    assert len(moving) <= 1.1 / 4 * len(keys)
    assert total_connections(pods) == connections
    assert placement(proxies[0], pods, MANY_KEYS, b"three again") == of_three
