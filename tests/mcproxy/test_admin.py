import pytest

from mcproxy.admin import GROUPS, Facts, View, stats_text
from mcproxy.exposition import METRICS, SERVER_METRICS, collect
from mcproxy.outcome import Result
from mcproxy.snapshot import ServerSnapshot
from mcproxy.stats import Stats, new_counters

NAME = "10.0.0.1:11211:ascii:plain:notcompressed-1000"


@pytest.fixture
def view():
    counters = new_counters(1)
    results = [0] * len(Result)
    results[Result.FOUND], results[Result.TIMEOUT] = 10, 3
    server = ServerSnapshot("10.0.0.1:11211", "soft", 3, 123.456, 0, 1, {"down": 1}, results)
    return View(
        Facts("mcrouter test", "mcproxy --listen 5000", 1000.0, "upstream a:1"),
        lambda: Stats.totals_of(counters),
        lambda: {NAME: server},
        list,
    )


def test_servers(view):
    assert stats_text(view, "servers") == (
        b"STAT %b avg_latency_us:123.456 pending_reqs:0 inflight_reqs:1 soft_tko; down:1; found:10 timeout:3\r\nEND\r\n"
        % NAME.encode()
    )


def test_suspects(view):
    assert stats_text(view, "suspect_servers") == b"STAT 10.0.0.1:11211 status:tko num_failures:3\r\nEND\r\n"


def test_basic_and_all(view):
    for group in ("", "all"):
        lines = stats_text(view, group).split(b"\r\n")
        assert b"STAT version mcrouter test" in lines
        assert b"STAT commandargs mcproxy --listen 5000" in lines
        assert b"STAT servers_from upstream a:1" in lines
        assert {b"STAT cmd_get_count 0", b"STAT cmd_get 0.0", b"STAT cmd_get_out_all 0.0"} <= set(lines)
        assert {b"STAT duration_get_us 0.0", b"STAT processing_time_us 0.0"} <= set(lines)
        assert b"_per_1000_s" not in b"".join(lines)
        assert lines[-2:] == [b"END", b""]
        names = [line.split()[1] for line in lines[:-2]]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("group", ["settings", "slabs", "items", "sizes", "conns"])
def test_what_memcacheds_exporters_ask_for_is_empty(view, group):
    assert stats_text(view, group) == b"END\r\n"


def test_groups_are_all_well_formed(view):
    for group in GROUPS:
        assert stats_text(view, group).endswith(b"END\r\n")


def test_what_the_small_groups_say(view):
    def names(group):
        return [line.split()[1] for line in stats_text(view, group).decode().splitlines()[:-1]]

    assert names("version") == ["mcrouter-version"]
    assert "cmd_get_count" in names("count")
    assert all(name.endswith("_count") for name in names("count"))
    assert "result_timeout_all_count" in names("cmd-error")
    assert all(name.startswith("result_") for name in names("cmd-error"))


@pytest.mark.parametrize("group", ["bogus", "servers x", "ALL"])
def test_bogus(view, group):
    assert stats_text(view, group) == b"CLIENT_ERROR bad stats command\r\n"


def test_metrics_have_the_exporters_names_and_values(view):
    samples = {}
    for family in collect(view):
        for sample in family.samples:
            samples[sample.name, tuple(sample.labels.values())] = sample.value
    assert samples["mcrouter_up", ()] == 1
    assert samples["mcrouter_version", ("mcrouter test",)] == 1
    assert samples["mcrouter_start_time_seconds", ()] == 1000.0
    assert samples["mcrouter_server_duration_us", (NAME,)] == 123.456
    assert samples["mcrouter_server_memcached_found_count", (NAME,)] == 10
    assert samples["mcrouter_server_memcached_soft_tko", (NAME,)] == 1
    assert samples["mcrouter_server_memcached_hard_tko", (NAME,)] == 0
    assert samples["mcrouter_command_out", ("get",)] == samples["mcrouter_duration_us", ()] == 0
    assert samples["mcproxy_clients_refused_total", ("binary",)] == 0
    assert samples["mcproxy_route_events_total", ("failover_all",)] == 0
    assert samples["mcproxy_process_resident_memory_bytes", ()] > 0
    names = {name for name, _ in samples}
    assert {row.name for row in (*METRICS, *SERVER_METRICS)} <= names


def test_metrics_without_servers(view):
    empty = View(view.facts, view.totals, dict, view.pids)
    assert not any(family.name.startswith("mcrouter_server_") for family in collect(empty))
