"""--stats-root: the three files, whole at every moment, one writer for all workers."""

import json
import sys
import threading

import pytest
from pymemcache.client.base import Client

from mcproxy import stats_files
from mcproxy.stats_files import StatsFiles, file_texts
from tests.support.mock_upstream import MockUpstream, store_script
from tests.support.processes import memcached_command, running
from tests.support.route_context import Clock
from tests.support.running_proxy import running_proxy, until
from tests.support.waiting import wait_until


def test_names_and_keys():
    texts = file_texts("libmcrouter.s.5000", [("uptime", 3), ("cmd_get", 0.5)], {"hash": "ring"}, {"m": "abc"})
    assert {name: json.loads(text) for name, text in texts.items()} == {
        "libmcrouter.s.5000.stats": {"libmcrouter.s.5000.uptime": 3, "libmcrouter.s.5000.cmd_get": 0.5},
        "libmcrouter.s.5000.startup_options": {"hash": "ring"},
        "libmcrouter.s.5000.config_sources_info": {"m": "abc"},
    }
    assert '  "libmcrouter.s.5000.uptime": 3' in texts["libmcrouter.s.5000.stats"].splitlines()


async def test_written_each_interval(tmp_path):
    clock, count = Clock(), 0

    def texts():
        nonlocal count
        count += 1
        return {"a": str(count)}

    files = StatsFiles(tmp_path / "new" / "dir", 10.0, texts, clock.call_later)
    written = tmp_path / "new" / "dir" / "a"
    await until(lambda: written.exists() and written.read_text() == "1")
    files._thread.join()
    clock.advance(10.0)
    await until(lambda: written.read_text() == "2")
    files._thread.join()
    files.stop()
    clock.advance(100.0)
    assert count == 2


def test_a_slow_disk_is_not_written_to_twice_at_once(tmp_path, monkeypatch):
    gate, clock, made = threading.Event(), Clock(), []
    monkeypatch.setattr(stats_files, "write_atomically", lambda path, text: gate.wait(10))
    files = StatsFiles(tmp_path, 10.0, lambda: made.append(1) or {"a": ""}, clock.call_later)
    clock.advance(25.0)
    assert len(made) == 1
    gate.set()
    files._thread.join()
    clock.advance(10.0)
    assert len(made) == 2
    files.stop()
    files._thread.join()


def test_what_cannot_be_written_is_told_once(tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("")
    clock = Clock()
    files = StatsFiles(blocked, 10.0, lambda: {"a": ""}, clock.call_later)
    for _ in range(3):
        files._thread.join()
        clock.advance(10.0)
    files._thread.join()
    files.stop()
    assert caplog.text.count("--stats-root") == 1


async def test_of_a_proxy(tmp_path):
    root, config = tmp_path / "stats", tmp_path / "mc.json"
    async with MockUpstream(store_script()) as server:
        config.write_text(json.dumps({"pools": {"A": {"servers": [server.address]}}, "route": "PoolRoute|A"}))
        options = ("-p", "5017", "--service-name", "shop", "--stats-root", str(root), "--stats-logging-interval", "20")
        async with running_proxy("-f", str(config), *options) as proxy:
            client = await proxy.connect()
            await client.ask(b"set k 0 0 1\r\nx\r\n", b"STORED\r\n")
            prefix = "libmcrouter.shop.5017"
            stats = root / f"{prefix}.stats"
            await until(lambda: stats.exists() and json.loads(stats.read_text())[f"{prefix}.cmd_set_count"] == 1)
            shown = json.loads(stats.read_text())
            assert shown[f"{prefix}.version"] == "mcrouter test"
            assert 0 < shown[f"{prefix}.cmd_set"] <= 1
            await until((root / f"{prefix}.config_sources_info").exists)
            options = json.loads((root / f"{prefix}.startup_options").read_text())
            assert (options["service_name"], options["stats_root"]) == ("shop", str(root))
            sources = json.loads((root / f"{prefix}.config_sources_info").read_text())
            client.send(b"get __mcrouter__.config_md5_digest\r\n")
            await client.line()
            assert sources == {"mcrouter_config": (await client.line()).decode().strip()}


@pytest.mark.parametrize("words", [(), ("--stats-root", "{}", "--stats-logging-interval", "0")])
async def test_not_without_a_directory_or_an_interval(tmp_path, words):
    async with running_proxy("--upstream", "127.0.0.1:1", *(word.format(tmp_path) for word in words)) as proxy:
        assert proxy.proxy._stats_files is None
    assert not list(tmp_path.iterdir())


def test_one_writer_for_all_workers_and_their_sums(tmp_path):
    options = ["--num-proxies", "2", "--stats-root", str(tmp_path), "--stats-logging-interval", "50"]
    with running(memcached_command) as cache:
        upstream = f"{cache.address[0]}:{cache.address[1]}"
        words = [sys.executable, "-m", "mcproxy", "--upstream", upstream, *options, "--listen"]
        with running(lambda port: [*words, f"127.0.0.1:{port}"]) as proxy:
            for number in range(20):
                client = Client(proxy.address)
                client.get(f"k{number}")
                client.close()
            prefix = f"libmcrouter.mcrouter.{proxy.address[1]}"
            stats = tmp_path / f"{prefix}.stats"
            wait_until(
                lambda: stats.exists() and json.loads(stats.read_text())[f"{prefix}.cmd_get_count"] == 20,
                10.0,
                "all gets are in the file",
            )
            assert json.loads(stats.read_text())[f"{prefix}.num_servers_up"] == 1
    files = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert files == {f"{prefix}.{kind}" for kind in ("stats", "startup_options", "config_sources_info")}
