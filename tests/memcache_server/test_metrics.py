"""The admin port of a real process: names, values equal to `stats`, readiness."""

from __future__ import annotations

import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.memcache_server.serving import MEMCACHE_SERVER, USER, Raw, serving, stats
from tests.support.processes import LOOPBACK, Server, free_port
from tests.support.waiting import wait_until

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]

# memcached_exporter's names for what exists in a server without maintainer, crawler and extstore.
EXPECTED = (
    "memcached_up", "memcached_uptime_seconds", "memcached_time_seconds", "memcached_version",
    "memcached_process_user_cpu_seconds_total", "memcached_process_system_cpu_seconds_total",
    "memcached_read_bytes_total", "memcached_written_bytes_total", "memcached_current_connections",
    "memcached_max_connections", "memcached_connections_total", "memcached_connections_rejected_total",
    "memcached_connections_yielded_total", "memcached_connections_listener_disabled_total",
    "memcached_current_bytes", "memcached_limit_bytes", "memcached_commands_total", "memcached_current_items",
    "memcached_items_total", "memcached_items_evicted_total", "memcached_items_reclaimed_total",
    "memcached_item_too_large_total", "memcached_item_no_memory_total", "memcached_malloced_bytes",
    "memcached_accepting_connections", "memcached_slab_current_items", "memcached_slab_items_age_seconds",
    "memcached_slab_items_evicted_total", "memcached_slab_items_evicted_nonzero_total",
    "memcached_slab_items_evicted_time_seconds", "memcached_slab_items_evicted_unfetched_total",
    "memcached_slab_items_expired_unfetched_total", "memcached_slab_items_outofmemory_total",
    "memcached_slab_items_reclaimed_total", "memcached_slab_chunk_size_bytes", "memcached_slab_chunks_per_page",
    "memcached_slab_current_pages", "memcached_slab_current_chunks", "memcached_slab_chunks_used",
    "memcached_slab_chunks_free", "memcached_slab_chunks_free_end", "memcached_slab_mem_requested_bytes",
    "memcached_slab_commands_total", "process_resident_memory_bytes", "process_open_fds",
    "memcached_process_resident_memory_bytes",
)  # fmt: skip


def http(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def scrape(port: int) -> Samples:
    status, text = http(port, "/metrics")
    assert status == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture(scope="module")
def admin() -> Iterator[tuple[Server, int]]:
    port = free_port()
    with serving("--admin", f"{LOOPBACK}:{port}") as server:
        with Raw(server.address) as client:
            client.ask(b"set k 0 0 3\r\nabc\r\nset n 0 0 1\r\n1\r\nset k 0 0 2\r\nab\r\n")
            client.ask(b"get k nothing k\r\n", b"END\r\n")
            client.ask(b"incr n 1\r\ndecr n 1\r\nincr x 1\r\ntouch k 0\r\ntouch x 0\r\ncas k 0 0 1 1\r\nx\r\n")
            client.ask(b"set big 0 0 2000000\r\n" + b"x" * 2_000_000 + b"\r\n")
            client.ask(b"delete x\r\ndelete n\r\nflush_all 1000\r\n")
            client.ask(b"version\r\n")
        with Raw(server.address) as client:
            client.send(b"\x80").read_all()
        wait_until(lambda: http(port, "/readyz")[0] == 200, 10, "the admin port answers")
        yield server, port


def test_every_name_is_there(admin: tuple[Server, int]) -> None:
    names = {name for name, _ in scrape(admin[1])}
    assert set(EXPECTED) <= names
    assert {name for name in names if not name.endswith("_total")} >= {"memcached_up"}


def test_values_are_those_of_stats(admin: tuple[Server, int]) -> None:
    server, port = admin
    seen, samples = stats(server.address), scrape(port)
    general = {
        "memcached_current_items": "curr_items", "memcached_items_total": "total_items",
        "memcached_current_bytes": "bytes", "memcached_limit_bytes": "limit_maxbytes",
        "memcached_item_too_large_total": "store_too_large", "memcached_max_connections": "max_connections",
        "memcached_connections_rejected_total": "rejected_connections",
    }  # fmt: skip
    assert {name: samples[name, ()] for name in general} == {name: float(seen[of]) for name, of in general.items()}
    assert samples["memcached_version", (("version", "1.6.42"),)] == 1
    assert samples["memcached_foreign_protocols_total", ()] == 1
    assert samples["memcached_commands_total", (("command", "get"), ("status", "hit"))] == 2
    for command in ("get", "delete", "incr", "decr", "cas", "touch"):
        for status in ("hit", "miss"):
            name = f"{command}_{'hits' if status == 'hit' else 'misses'}"
            assert samples["memcached_commands_total", (("command", command), ("status", status))] == float(seen[name])
    assert samples["memcached_commands_total", (("command", "cas"), ("status", "badval"))] == 1
    assert samples["memcached_commands_total", (("command", "flush"), ("status", "hit"))] == 1
    slabs, items = stats(server.address, "slabs"), stats(server.address, "items")
    assert samples["memcached_malloced_bytes", ()] == float(slabs["total_malloced"])
    assert samples["memcached_slab_current_items", (("slab", "1"),)] == float(items["items:1:number"])
    assert samples["memcached_slab_chunks_used", (("slab", "1"),)] == float(slabs["1:used_chunks"])
    labels = (("command", "get"), ("slab", "1"), ("status", "hit"))
    assert samples["memcached_slab_commands_total", labels] == float(slabs["1:get_hits"])


def test_other_paths(admin: tuple[Server, int]) -> None:
    assert http(admin[1], "/healthz") == (200, "ok\n")
    assert http(admin[1], "/readyz") == (200, "ready\n")
    assert http(admin[1], "/")[0] == 404


def test_not_ready_while_draining() -> None:
    port, admin = free_port(), free_port()
    words = ["-l", LOOPBACK, "-p", str(port), "--admin", f"{LOOPBACK}:{admin}", "--drain", "60"]
    process = subprocess.Popen([*MEMCACHE_SERVER, *USER, *words], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: http(admin, "/readyz")[0] == 200, 15, "it is ready")
        with Raw((LOOPBACK, port)) as client:
            client.send(b"set k 0 0 10\r\n12345")
            stats((LOOPBACK, port))
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: http(admin, "/readyz") == (503, "not ready\n"), 5, "it is not ready any more")
            assert http(admin, "/healthz")[0] == 200
            assert client.send(b"67890\r\n").read_all() == b"STORED\r\n"
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


def test_an_admin_port_in_use(admin: tuple[Server, int]) -> None:
    words = [*MEMCACHE_SERVER, *USER, "-p", "0", "--admin", f"{LOOPBACK}:{admin[1]}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (71, f"cannot listen on 127.0.0.1:{admin[1]}: Address already in use\n")
