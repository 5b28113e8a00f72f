import json

import pytest

from mcproxy.outcome import Result
from mcproxy.pool_stats import enabled_pools, pool_stats
from mcproxy.snapshot import ServerSnapshot
from tests.support.mock_upstream import MockUpstream, store_script
from tests.support.running_proxy import running_proxy


def server(latency_us, states, **results):
    counts = [0] * len(Result)
    for name, count in results.items():
        counts[Result[name]] = count
    return ServerSnapshot("h:1", latency_us=latency_us, states=states, results=counts)


def test_a_pool_is_the_sum_of_its_servers():
    servers = {
        "a": server(100.0, {"up": 2}, FOUND=30),
        "b": server(500.0, {"up": 1, "down": 1}, STORED=6, TIMEOUT=4),
        "c": server(9.0, {"up": 2}, FOUND=1000),
    }
    assert dict(pool_stats({"east": ["a", "b", "gone"], "none": []}, servers)) == {
        "east.requests.sum": 40,
        "east.final_result_error.sum": 4,
        "east.connections": 3,
        "east.duration_us.avg": 200,
        "east.total_duration_us.avg": 200,
        "none.requests.sum": 0,
        "none.final_result_error.sum": 0,
        "none.connections": 0,
        "none.duration_us.avg": 0,
        "none.total_duration_us.avg": 0,
    }


def test_the_file(tmp_path):
    path = tmp_path / "pools.json"
    path.write_text('{"stats_enabled_pools": ["A", "B"]}')
    assert enabled_pools(str(path)) == {"A", "B"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"stats_enabled_pools": "A"}', '{"stats_enabled_pools": [1]}', None])
def test_a_file_that_cannot_be_used_is_told(tmp_path, caplog, text):
    path = tmp_path / "pools.json"
    if text is not None:
        path.write_text(text)
    assert enabled_pools(str(path)) == frozenset()
    assert f"--pool-stats-config-file {path}" in caplog.text


async def test_in_stats(tmp_path):
    path = tmp_path / "pools.json"
    path.write_text('{"stats_enabled_pools": ["B", "unknown"]}')
    async with MockUpstream(store_script()) as a, MockUpstream(store_script()) as b:
        pools = {"A": {"servers": [a.address]}, "B": {"servers": [b.address]}}
        config = json.dumps({"pools": pools, "route": "AllSyncRoute|Pool|B"})
        async with running_proxy("--config", config, "--pool-stats-config-file", str(path)) as proxy:
            client = await proxy.connect()
            await client.ask(b"set k 0 0 1\r\nx\r\n" * 5, b"STORED\r\n" * 5)
            client.send(b"stats\r\n")
            shown = {}
            while (line := (await client.line()).split())[0] == b"STAT":
                shown[line[1]] = line[2]
            assert (shown[b"B.requests.sum"], shown[b"B.connections"]) == (b"5", b"1")
            assert shown[b"B.final_result_error.sum"] == b"0"
            assert not any(name.startswith((b"A.", b"unknown.")) for name in shown)
