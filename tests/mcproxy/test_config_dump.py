"""--config-dump-root: good configurations are kept, and a start with a bad one goes on with the last of them."""

import json
import os
import time
from pathlib import Path

import pytest

from mcdaemon.errors import StartError
from mcproxy.config_dump import ConfigDump
from mcproxy.config_error import ConfigError
from tests.support.mock_upstream import MockUpstream, store_script
from tests.support.route_context import Clock
from tests.support.running_proxy import running_proxy, until

QUICK = ("--file-observer-poll-period-ms", "5", "--reconfiguration-delay-ms", "20")
DAY_S = 86_400
CONFIG = Path("/etc/mcrouter/a b.json")


@pytest.fixture
def clock():
    return Clock(time.time())


@pytest.fixture
def dump(tmp_path, clock):
    return ConfigDump(tmp_path / "mcrouter" / "5000", 3600, lambda: clock.now, clock.call_later)


def copy_of(dump, path=CONFIG):
    return dump._file(path)


def test_the_name_of_a_copy(tmp_path, dump):
    dump.keep({CONFIG: "{}"})
    assert copy_of(dump) == tmp_path / "mcrouter" / "5000" / "file-%2Fetc%2Fmcrouter%2Fa%20b.json"
    assert copy_of(dump).read_text() == "{}"
    assert dump.read(CONFIG) == "{}"


def test_the_name_of_a_copy_of_a_file_whose_name_is_no_utf8(dump):
    path = Path(os.fsdecode(b"/etc/\xff.json"))
    dump.keep({path: "{}"})
    assert copy_of(dump, path).name == "file-%2Fetc%2F%FF.json"
    assert dump.read(path) == "{}"


def test_a_young_one_is_used_and_an_old_one_is_not(dump, clock):
    dump.keep({CONFIG: "{}"})
    for age_s in (3599, 3601):
        os.utime(copy_of(dump), (clock.now - age_s, clock.now - age_s))
        if age_s < 3600:
            assert dump.read(CONFIG) == "{}"
    with pytest.raises(ConfigError, match="is 3601 seconds old"):
        dump.read(CONFIG)
    with pytest.raises(ConfigError, match="No such file"):
        dump.read(Path("/other"))


def test_what_stays_in_force_stays_young(dump, clock):
    dump.keep({CONFIG: "{}"})
    clock.advance(DAY_S)
    assert dump.read(CONFIG) == "{}"
    dump.let_age()
    clock.advance(DAY_S)
    with pytest.raises(ConfigError, match="seconds old"):
        dump.read(CONFIG)
    assert not clock.timers


def test_only_one_worker_writes(tmp_path, clock):
    dump = ConfigDump(tmp_path, 3600, lambda: clock.now, clock.call_later, is_writer=False)
    dump.keep({CONFIG: "{}"})
    assert not list(tmp_path.iterdir())
    assert not clock.timers


def test_where_nothing_can_be_written_the_proxy_goes_on(tmp_path, clock, caplog):
    (tmp_path / "file").write_text("")
    dump = ConfigDump(tmp_path / "file" / "x", 3600, lambda: clock.now, clock.call_later)
    dump.keep({CONFIG: "{}"})
    assert "the configuration is not kept" in caplog.text
    assert not clock.timers


def test_copies_that_somebody_removes(dump, clock, caplog):
    dump.keep({CONFIG: "{}"})
    copy_of(dump).unlink()
    clock.advance(DAY_S)
    assert caplog.text.count("the configuration is not kept") == 1


# in a proxy


@pytest.fixture
async def server():
    async with MockUpstream(store_script()) as server:
        yield server


@pytest.fixture
def files(tmp_path, server):
    """A configuration of two files, and the words to start with it."""
    main, pools = tmp_path / "mc.json", tmp_path / "pools.json"
    pools.write_text(json.dumps({"A": {"servers": [server.address]}}))
    main.write_text('{"pools": "@import(pools.json)", "route": "PoolRoute|A"}')
    return main, pools, ("-f", str(main), *QUICK, "--config-dump-root", str(tmp_path / "dump"))


async def stat(client, name):
    client.send(b"stats\r\n")
    value = None
    while (words := (await client.line()).split())[0] == b"STAT":
        value = words[2] if words[1] == name else value
    return int(value)


@pytest.mark.parametrize("how", ["bad", "absent", "bad import", "not UTF-8"])
async def test_a_start_with_a_bad_configuration(files, server, caplog, how):
    main, pools, words = files
    good = main.read_text()
    async with running_proxy(*words) as proxy:
        client = await proxy.connect()
        assert await stat(client, b"configs_from_disk") == 0
    if how == "absent":
        main.unlink()
    else:
        (pools if how == "bad import" else main).write_bytes(b"\xff\xfe" if how == "not UTF-8" else b'{"pools": ')
    async with running_proxy(*words) as proxy:
        client = await proxy.connect()
        await client.ask(b"set k 0 0 1\r\nx\r\n", b"STORED\r\n")
        assert await stat(client, b"configs_from_disk") == 1
        assert await stat(client, b"config_failures") == 1
        assert "Can not read config" in caplog.text
        assert "started with the last good configuration" in caplog.text
        pools.write_text(json.dumps({"A": {"servers": [server.address]}, "B": {"servers": []}}))
        main.write_text(good + " ")
        await until(lambda: proxy.proxy._stats.configs_from_disk == 0)
        await client.ask(b"get k\r\n", b"VALUE k 0 1\r\nx\r\nEND\r\n")
        assert await stat(client, b"configs_from_disk") == 0


async def test_at_run_time_it_is_never_used(files, tmp_path):
    main, _, words = files
    async with running_proxy(*words) as proxy:
        copies = {path: path.read_text() for path in tmp_path.glob("dump/mcrouter/*/*")}
        assert len(copies) == 2
        main.write_text("{")
        await until(lambda: proxy.proxy._stats.config_failures == 1)
        assert proxy.proxy._stats.configs_from_disk == 0
        assert {path: path.read_text() for path in tmp_path.glob("dump/mcrouter/*/*")} == copies


async def test_a_reload_is_kept_too(files, tmp_path):
    main, _, words = files
    async with running_proxy(*words) as proxy:
        main.write_text(main.read_text() + "// new")
        await until(lambda: any("// new" in path.read_text() for path in tmp_path.glob("dump/mcrouter/*/*")))
        assert proxy.proxy._stats.config_failures == 0


@pytest.mark.parametrize("options", [(), ("--max-dumped-config-age", "0"), ("--max-dumped-config-age", "5")])
async def test_without_the_option_or_with_an_old_copy_a_bad_one_ends_the_start(files, tmp_path, caplog, options):
    main, _, words = files
    async with running_proxy(*words):
        pass
    for path in tmp_path.glob("dump/mcrouter/*/*"):
        os.utime(path, (0, 0))
    main.write_text("{")
    with pytest.raises(StartError, match="Can not read config"):
        async with running_proxy(*(words if options else words[:-2]), *options):
            pass
    assert ("seconds old" in caplog.text) == (options[1:] == ("5",))
