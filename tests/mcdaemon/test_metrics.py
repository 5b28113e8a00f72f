from __future__ import annotations

import subprocess
import sys
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from mcdaemon.metrics import Histogram, MetricRow, Values, build_info, families, process_families, render

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
ROWS = (
    MetricRow("memcached_commands_total", "counter", "Commands.", ("command", "status")),
    MetricRow("mcrouter_command_count", "counter", "A counter whose name says nothing.", ("cmd",)),
    MetricRow("memcached_current_items", "gauge", "Items."),
    MetricRow("proxy_seconds", "histogram", "Latency.", ("pool",)),
    MetricRow("memcached_lru_crawler_sleep", "gauge", "Not always there."),
)
VALUES: Values = {
    "memcached_commands_total": {("get", "hit"): 7, ("get", "miss"): 2**63},
    "mcrouter_command_count": {("get",): 3},
    "memcached_current_items": 5,
    "proxy_seconds": {("A",): Histogram((0.001, 1), (2, 3, 1), 1.5)},
}


def text(accept: str = "") -> str:
    return render(lambda: families(ROWS, VALUES), accept)[0].decode()


def test_classic_text_is_exact() -> None:
    assert text() == (
        "# HELP memcached_commands_total Commands.\n"
        "# TYPE memcached_commands_total counter\n"
        'memcached_commands_total{command="get",status="hit"} 7.0\n'
        'memcached_commands_total{command="get",status="miss"} 9.223372036854776e+18\n'
        "# HELP mcrouter_command_count A counter whose name says nothing.\n"
        "# TYPE mcrouter_command_count untyped\n"
        'mcrouter_command_count{cmd="get"} 3.0\n'
        "# HELP memcached_current_items Items.\n"
        "# TYPE memcached_current_items gauge\n"
        "memcached_current_items 5.0\n"
        "# HELP proxy_seconds Latency.\n"
        "# TYPE proxy_seconds histogram\n"
        'proxy_seconds_bucket{le="0.001",pool="A"} 2.0\n'
        'proxy_seconds_bucket{le="1.0",pool="A"} 5.0\n'
        'proxy_seconds_bucket{le="+Inf",pool="A"} 6.0\n'
        'proxy_seconds_count{pool="A"} 6.0\n'
        'proxy_seconds_sum{pool="A"} 1.5\n'
    )


def test_both_formats_have_the_same_sample_names() -> None:
    classic = [sample for family in parse_classic(text()) for sample in family.samples]
    opened = [sample for family in parse_openmetrics(text(OPENMETRICS)) for sample in family.samples]
    assert {sample.name for sample in classic} == {sample.name for sample in opened}
    assert {(s.name, *s.labels.values()): s.value for s in classic} == {
        (s.name, *s.labels.values()): s.value for s in opened
    }


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ],
)
def test_content_type(accept: str, content_type: str) -> None:
    assert render(lambda: families(ROWS, VALUES), accept)[1].startswith(content_type)


def test_a_value_without_a_row_is_refused() -> None:
    with pytest.raises(KeyError, match="no_such"):
        list(families(ROWS, {"no_such": 1}))
    with pytest.raises(ValueError, match="argument"):
        list(families(ROWS, {"memcached_commands_total": {("get",): 1}}))


def samples_of(pids: tuple[int, ...] = (), prefix: str = "") -> dict[str, float]:
    return {sample.name: sample.value for family in process_families(pids, prefix) for sample in family.samples}


def test_process_metrics_of_this_process() -> None:
    deadline = time.process_time() + 0.03  # CPU time comes in ticks of 10 ms
    while time.process_time() < deadline:
        pass
    found = samples_of()
    assert 0 < found["process_cpu_seconds_total"] <= time.process_time() + 0.05
    assert 1 << 20 < found["process_resident_memory_bytes"] < found["process_virtual_memory_bytes"]
    assert found["process_open_fds"] <= found["process_max_fds"]
    assert abs(time.time() - found["process_start_time_seconds"]) < 3600
    assert set(samples_of(prefix="memcached_")) == {f"memcached_{name}" for name in found}


def test_process_metrics_sum_over_processes_and_skip_the_gone() -> None:
    command = [sys.executable, "-c", "print(flush=True); input()"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as first, subprocess.Popen(command, **pipes) as second:
        for child in (first, second):
            assert child.stdout is not None
            child.stdout.readline()  # it has opened all its files
        one, other, both = samples_of((first.pid,)), samples_of((second.pid,)), samples_of((first.pid, second.pid))
        assert both["process_open_fds"] == one["process_open_fds"] + other["process_open_fds"] > 0
        assert both["process_start_time_seconds"] == one["process_start_time_seconds"]
        assert both["process_max_fds"] == one["process_max_fds"]
        first.communicate(b"\n")
        assert samples_of((first.pid,)) == {}
        assert samples_of((first.pid, second.pid)).keys() == one.keys()
        second.communicate(b"\n")


def test_build_info() -> None:
    (sample,) = (sample for family in build_info("mcproxy", "1.2.3") for sample in family.samples)
    assert (sample.name, sample.value, sample.labels["version"]) == ("mcproxy_build_info", 1, "1.2.3")


def test_libraries_are_not_loaded_with_the_modules() -> None:
    script = (
        "import sys, mcdaemon.metrics, mcdaemon.admin_http, mcdaemon.lifecycle, mcdaemon.workers;"
        "sys.exit(' '.join({'aiohttp', 'prometheus_client'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
