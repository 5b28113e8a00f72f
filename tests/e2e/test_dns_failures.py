"""DNS fails in every way while clients work: the last good set stays, and no connection is lost."""

from __future__ import annotations

from tests.e2e.local_cluster import LocalCluster, pod_host
from tests.e2e.traffic import Traffic
from tests.support.fake_dns import Mode
from tests.support.text_client import TextClient

KEYS = [b"key-%d" % number for number in range(60)]

# What the server does → what the log calls it.
FAILURES: dict[Mode, str] = {
    "servfail": "SERVFAIL",
    "nxdomain": "NXDOMAIN",
    "refused": "REFUSED",
    "nodata": "NODATA",
    "silent": "TIMEOUT",
}
LOOKUP_S = 10.0
"""A lookup that nobody answers, and what comes before it."""


def total_connections(pods: list[TextClient]) -> list[str]:
    return [pod.stats()["total_connections"] for pod in pods]


def test_traffic_goes_on_whatever_dns_says(cluster: LocalCluster) -> None:
    proxies = [cluster.start_proxy(), cluster.start_proxy()]
    pods = [cluster.connect(ordinal) for ordinal in range(3)]
    with Traffic([proxy.address for proxy in proxies], KEYS) as traffic:
        traffic.lap()
        connections = total_connections(pods)
        for mode, kind in FAILURES.items():
            cluster.dns.mode = mode
            for proxy in proxies:
                proxy.reload()
            for proxy in proxies:
                proxy.wait_for_log(f": {kind}: ", LOOKUP_S)
                assert proxy.stat("num_servers") == 3
            traffic.lap()
        assert [proxy.log.count("; keeping 3 endpoints") for proxy in proxies] == [len(FAILURES)] * 2
        cluster.dns.mode = "ok"
        for proxy in proxies:
            proxy.reload()
        for proxy in proxies:
            proxy.wait_for_log("resolves again", LOOKUP_S)
        traffic.lap()
    assert [event for event in traffic.events if not event.is_right] == []
    assert total_connections(pods) == connections


def test_a_proxy_that_finds_no_dns_starts_and_serves_once_it_does(cluster: LocalCluster) -> None:
    cluster.dns.mode = "servfail"
    proxy = cluster.start_proxy()
    assert proxy.stat("num_servers") == 0
    assert proxy.client.ask(b"get key\r\n").startswith(b"SERVER_ERROR ")
    cluster.dns.mode = "ok"
    proxy.wait_for_servers(3)
    assert proxy.client.ask(b"set key 0 0 1\r\nx\r\n") == b"STORED\r\n"


def test_an_emptied_service_empties_no_pool(cluster: LocalCluster) -> None:
    proxy = cluster.start_proxy()
    assert proxy.client.ask(b"set key 0 0 1\r\nx\r\n") == b"STORED\r\n"
    cluster.dns.clear()
    proxy.reload()
    proxy.wait_for_log(": NXDOMAIN: ", LOOKUP_S)
    assert proxy.client.ask(b"get key\r\n") == b"VALUE key 0 1\r\nx\r\nEND\r\n"
    cluster.publish({0: pod_host(0), 1: pod_host(1), 2: pod_host(2)})
    proxy.reload()
    proxy.wait_for_log("resolves again", LOOKUP_S)
    assert proxy.client.ask(b"get key\r\n") == b"VALUE key 0 1\r\nx\r\nEND\r\n"
