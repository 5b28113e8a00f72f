"""Every proxy places every key alike, whenever it was started and whatever it saw first."""

from __future__ import annotations

from tests.e2e.local_cluster import SERVICE, TTL_S, LocalCluster, Proxy, owners, pod_host
from tests.support.text_client import STORED, get_request, hit_reply, set_request

KEYS = [b"key:%d" % number for number in range(10_000)]
ABSENT = b"SERVER_ERROR Server unavailable. Reason: mc_res_connect_error\r\n"


def fill(proxy: Proxy, value: bytes) -> None:
    assert set(proxy.client.ask_all(set_request(key, value) for key in KEYS)) == {STORED}


def read(proxy: Proxy) -> list[bytes]:
    return proxy.client.ask_all(map(get_request, KEYS))


def hits(value: bytes) -> list[bytes]:
    return [hit_reply(key, value) for key in KEYS]


def by_pod(cluster: LocalCluster, value: bytes) -> list[int | None]:
    pods = {ordinal: cluster.connect(ordinal) for ordinal in cluster.pods}
    return owners(pods, [(get_request(key), hit_reply(key, value)) for key in KEYS])


def test_started_one_after_another_and_answered_in_any_order(cluster: LocalCluster) -> None:
    fill(cluster.start_proxy(), b"placed")
    cluster.dns.shuffle = True
    later = [cluster.start_proxy()]
    cluster.publish({2: pod_host(2), 0: pod_host(0), 1: pod_host(1)})
    later.append(cluster.start_proxy())
    for proxy in later:
        assert read(proxy) == hits(b"placed")


def test_started_in_the_absence_of_a_pod(cluster: LocalCluster) -> None:
    """The others' names tell which pod is missing; that the last one is, only --expect can."""
    fill(cluster.start_proxy(), b"placed")
    of_three = by_pod(cluster, b"placed")
    early = {}
    for absent in range(3):
        cluster.publish({ordinal: pod_host(ordinal) for ordinal in range(3) if ordinal != absent})
        early[absent] = cluster.start_proxy("--expect=3")
        wanted = [ABSENT if owner == absent else hit for owner, hit in zip(of_three, hits(b"placed"), strict=True)]
        assert read(early[absent]) == wanted
    cluster.publish()
    for proxy in early.values():
        proxy.reload()
    for proxy in early.values():
        proxy.wait_for_servers(3)
        assert read(proxy) == hits(b"placed")


def test_started_while_a_pod_is_dead_but_listed(cluster: LocalCluster) -> None:
    complete = cluster.start_proxy()
    fill(complete, b"placed")
    of_three = by_pod(cluster, b"placed")
    everybody = {ordinal: pod.host for ordinal, pod in cluster.pods.items()}
    cluster.kill_pod(1)
    cluster.publish(everybody)
    late = cluster.start_proxy()
    for owner, hit, reply in zip(of_three, hits(b"placed"), read(late), strict=True):
        assert reply == hit if owner != 1 else reply.startswith(b"SERVER_ERROR")


def test_addresses_move_but_keys_do_not(cluster: LocalCluster) -> None:
    """All three pods restart with each other's addresses: the worst that rescheduling can do."""
    proxy = cluster.start_proxy()
    fill(proxy, b"before")
    of_three = by_pod(cluster, b"before")
    moved = {ordinal: pod_host((ordinal + 1) % 3) for ordinal in range(3)}
    for ordinal in range(3):
        cluster.stop_pod(ordinal)
    cluster.publish(moved)
    for ordinal, host in moved.items():
        cluster.start_pod(ordinal, host)
    proxy.reload()
    for ordinal, host in moved.items():
        proxy.wait_for_log(f"mycache-memcached-{ordinal}: now at {host}")
    fill(proxy, b"after")
    assert by_pod(cluster, b"after") == of_three
    assert read(cluster.start_proxy()) == hits(b"after")


def test_plain_addresses_place_by_address(cluster: LocalCluster) -> None:
    """Without names the address is all there is; its place in the answer still does not matter."""
    upstream = f"dns+{SERVICE}:{cluster.port}"
    one = cluster.start_proxy(upstream=upstream)
    fill(one, b"placed")
    cluster.dns.set(SERVICE, "A", *(pod_host(ordinal) for ordinal in (2, 0, 1)), ttl_s=TTL_S)
    assert read(cluster.start_proxy(upstream=upstream)) == hits(b"placed")
