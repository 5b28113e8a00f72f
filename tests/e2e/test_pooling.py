"""Step 6: however many clients come, a server sees one connection of each proxy worker."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.e2e.local_cluster import LocalCluster, connections_to
from tests.support.text_client import STORED, TextClient, get_request, hit_reply, set_request
from tests.support.waiting import wait_until

CLIENTS = 500
TABLE_READINGS = 5


def seen_connections(cluster: LocalCluster, wanted: int) -> list[int]:
    """By pod, as the kernel sees them; looked at again when the table was not what is wanted of each."""
    for _ in range(TABLE_READINGS):
        counts = [connections_to(pod.server.address) for pod in cluster.pods.values()]
        if set(counts) == {wanted}:
            break
    return counts


@pytest.mark.parametrize("workers", [1, 2])
def test_many_clients_need_one_connection_a_server_and_worker(cluster: LocalCluster, workers: int) -> None:
    proxy = cluster.start_proxy(f"--num-proxies={workers}")
    pods = {ordinal: cluster.connect(ordinal) for ordinal in range(3)}
    assert seen_connections(cluster, 1) == [1, 1, 1]  # ours alone
    with ExitStack() as stack:
        clients = [stack.enter_context(TextClient(proxy.address)) for _ in range(CLIENTS)]
        for number, client in enumerate(clients):  # each client reaches each server, whichever worker it has
            keys = [b"client-%d-%d" % (number, key) for key in range(12)]
            assert set(client.ask_all(set_request(key, b"x") for key in keys)) == {STORED}
            assert client.ask_all(map(get_request, keys)) == [hit_reply(key, b"x") for key in keys]
        assert seen_connections(cluster, 1 + workers) == [1 + workers] * 3, proxy.log
        for pod in pods.values():
            assert int(pod.stats()["curr_connections"]) == 1 + workers
            assert int(pod.stats()["total_connections"]) <= 2 + workers  # the first was to see whether it is up
        # The workers tell each other once a second.
        wait_until(lambda: proxy.stat("num_client_connections") == CLIENTS + 1, 5, "all clients counted")
