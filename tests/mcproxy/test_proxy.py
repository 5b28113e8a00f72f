"""The whole proxy against scripted servers: order, late replies, cuts, stalls, and who pays for them."""

import asyncio

import pytest

from mcdaemon.errors import StartError
from tests.support.fake_dns import FakeDns
from tests.support.mock_upstream import CLOSE, SILENCE, MockUpstream, store_script
from tests.support.running_proxy import running_proxy, until


def always(answer):
    return lambda line, value: answer


def gated(gate, answer=b"STORED\r\n"):
    async def script(line, value):
        await gate.wait()
        return answer

    return script


def two_pools(first, second, options=""):
    """A config: keys under /a/a/ go to the first server, all others to the second."""
    return (
        f'{{"pools": {{"A": {{"servers": ["{first.address}"] {options}}},'
        f' "B": {{"servers": ["{second.address}"] {options}}}}},'
        ' "routes": {"/a/a/": "PoolRoute|A", "/././": "PoolRoute|B"}}'
    )


async def test_requests_go_upstream_in_full_form_and_replies_come_back_unchanged():
    async with MockUpstream(store_script()) as server, running_proxy("--upstream", server.address) as proxy:
        client = await proxy.connect()
        await client.ask(b"set k 5 0 3\r\nabc\r\n", b"STORED\r\n")
        await client.ask(b"set q 5 0 1 noreply\r\nx\r\ndelete q noreply\r\nget k\r\n", b"VALUE k 0 3\r\nabc\r\nEND\r\n")
        assert server.lines == [b"set k 5 0 3", b"set q 5 0 1", b"delete q", b"get k"]
        assert server.connections == 1


async def test_replies_of_servers_of_different_speed_come_in_the_order_of_the_requests():
    gate = asyncio.Event()
    async with (
        MockUpstream(gated(gate)) as slow,
        MockUpstream(store_script()) as fast,
        running_proxy("--config", two_pools(slow, fast)) as proxy,
    ):
        client = await proxy.connect()
        client.send(b"set /a/a/k 0 0 1\r\nx\r\nset k 0 0 1\r\ny\r\nget k\r\nversion\r\n")
        await fast.wait_for_lines(2)  # the fast server's requests did not wait
        await slow.wait_for_lines(1)
        gate.set()
        await client.expect(b"STORED\r\nSTORED\r\nVALUE k 0 1\r\ny\r\nEND\r\nVERSION mcrouter\r\n")
        assert slow.lines == [b"set k 0 0 1"]


async def test_a_late_reply_is_dropped_and_the_next_request_gets_its_own():
    gate = asyncio.Event()

    async def script(line, value):
        if line == b"get slow":
            await gate.wait()
            return b"VALUE slow 0 4\r\nlate\r\nEND\r\n"
        return b"VALUE k 0 2\r\nok\r\nEND\r\n"

    async with MockUpstream(script) as server, running_proxy("--upstream", server.address, "-t", "150") as proxy:
        client = await proxy.connect()
        await client.ask(b"get slow\r\n", b"SERVER_ERROR Reply timeout\r\n")
        client.send(b"get k\r\n")
        await until(lambda: proxy.proxy.service.routing.destinations[0].inflight_count == 2)
        gate.set()
        await client.expect(b"VALUE k 0 2\r\nok\r\nEND\r\n")
        assert server.connections == 1


async def test_timeouts_take_a_server_out_and_a_probe_brings_it_back(caplog):
    caplog.set_level("INFO", "mcproxy")
    silent = True

    def script(line, value):
        return SILENCE if silent else b"END\r\n"

    async with MockUpstream(script) as server:
        words = ("--upstream", server.address, "-t", "100", "--timeouts-until-tko", "2", "-r", "30")
        async with running_proxy(*words) as proxy:
            client = await proxy.connect()
            await client.ask(b"get a\r\nget b\r\n", b"SERVER_ERROR Reply timeout\r\n" * 2)
            await client.ask(b"get c\r\n", b"SERVER_ERROR Server unavailable. Reason: mc_res_timeout\r\n")
            assert "marked soft TKO. Total hard TKOs: 0; soft TKOs: 1." in caplog.text
            silent = False
            # the unanswered requests keep their slots, so the probe's reply is taken for the first of them;
            # the connection is then given up, and a probe on a new one succeeds
            await until(lambda: "unmarked TKO" in caplog.text)
            await client.ask(b"get d\r\n", b"END\r\n")
            assert server.lines == [b"get a", b"get b", b"get d"]


async def test_a_refused_connection_is_an_error_at_once_and_the_restarted_server_is_back_within_a_second(caplog):
    caplog.set_level("INFO", "mcproxy")
    server = MockUpstream(store_script())
    await server.start()
    await server.stop()
    async with running_proxy("--upstream", server.address) as proxy:
        client = await proxy.connect()
        client.send(b"get a\r\n")
        assert (await client.line()).startswith(b"SERVER_ERROR AsyncSocketException: connect failed")
        await client.ask(b"get a\r\n", b"SERVER_ERROR Server unavailable. Reason: mc_res_connect_error\r\n")
        assert "marked hard TKO" in caplog.text
        async with server:
            started = asyncio.get_running_loop().time()
            await until(lambda: "unmarked TKO" in caplog.text)
            assert asyncio.get_running_loop().time() - started < 1.0
            await client.ask(b"get a\r\n", b"END\r\n")


async def test_a_connection_cut_in_the_middle_fails_what_was_sent():
    async def script(line, value):
        return b"VALUE k 0 100\r\nhalf" + CLOSE if line == b"get k" else b"END\r\n"

    async with MockUpstream(script) as server, running_proxy("--upstream", server.address) as proxy:
        client = await proxy.connect()
        client.send(b"get k\r\nget l\r\nget m\r\n")
        await client.expect(b"SERVER_ERROR Connection closed by the server.\r\n" * 3)
        assert (await proxy.connect()) is not None


async def test_a_server_that_closes_an_idle_connection_is_simply_connected_again():
    async with MockUpstream(store_script()) as server, running_proxy("--upstream", server.address) as proxy:
        client = await proxy.connect()
        await client.ask(b"get a\r\n", b"END\r\n")
        server.cut()
        await until(lambda: proxy.proxy.service.routing.destinations[0].state == "closed")
        await client.ask(b"get a\r\n", b"END\r\n")
        assert server.connections == 2


@pytest.mark.parametrize(
    ("answer", "first"),
    [
        (b"ERROR\r\n", b"SERVER_ERROR ERROR reply received from server.\r\n"),
        (b"STORED\r\n", b"SERVER_ERROR Connection closed by the server.\r\n"),
        (b"rubbish\r\n", b"SERVER_ERROR Connection closed by the server.\r\n"),
        (b"VALUE k 0 x\r\n", b"SERVER_ERROR Connection closed by the server.\r\n"),
    ],
)
async def test_what_is_no_reply_ends_the_connection_and_takes_the_server_out(answer, first, caplog):
    async with (
        MockUpstream(always(answer)) as server,
        running_proxy("--upstream", server.address, "-r", "60000") as proxy,
    ):
        client = await proxy.connect()
        await client.ask(b"get k\r\n", first)
        await client.ask(b"get k\r\n", b"SERVER_ERROR Server unavailable. Reason: mc_res_connect_error\r\n")
        assert "marked hard TKO" in caplog.text


async def test_a_reply_that_nobody_asked_for_ends_the_connection():
    async with MockUpstream(always(b"END\r\nEND\r\n")) as server, running_proxy("--upstream", server.address) as proxy:
        client = await proxy.connect()
        await client.ask(b"get k\r\n", b"END\r\n")
        await until(lambda: proxy.proxy.service.routing.destinations[0].tracker.is_tko)


@pytest.mark.parametrize("line", [b"SERVER_ERROR out of memory \xff\r\n", b"CLIENT_ERROR whatever\r\n"])
async def test_a_servers_own_errors_are_passed_on_and_cost_nothing_else(line):
    async with MockUpstream(always(line)) as server, running_proxy("--upstream", server.address) as proxy:
        client = await proxy.connect()
        await client.ask(b"set k 0 0 1\r\nx\r\n", line)
        await client.ask(b"set k 0 0 1\r\nx\r\n", line)
        assert server.connections == 1


async def test_get_of_many_keys_is_split_and_joined():
    async with MockUpstream(store_script()) as a, MockUpstream(store_script()) as b, MockUpstream(store_script()) as c:
        words = [word for server in (a, b, c) for word in ("--upstream", server.address)]
        async with running_proxy(*words) as proxy:
            client = await proxy.connect()
            keys = [b"key%d" % n for n in range(60)]
            for key in keys[::2]:
                client.send(b"set %b 0 0 %d\r\n%b\r\n" % (key, len(key), key))
            await client.expect(b"STORED\r\n" * 30)
            values = b"".join(b"VALUE %b 0 %d\r\n%b\r\n" % (key, len(key), key) for key in keys[::2])
            await client.ask(b"get " + b" ".join(keys) + b"\r\n", values + b"END\r\n")
            assert all(server.lines for server in (a, b, c))
            b_down = b"SERVER_ERROR Connection closed by the server.\r\n"
            b.script = always(CLOSE)
            await client.ask(b"get " + b" ".join(keys) + b"\r\n", b_down)


async def test_many_clients_share_one_connection_per_server():
    async with (
        MockUpstream(store_script()) as a,
        MockUpstream(store_script()) as b,
        running_proxy("--upstream", a.address, "--upstream", b.address) as proxy,
    ):
        clients = [await proxy.connect() for _ in range(200)]
        for number, client in enumerate(clients):
            client.send(b"set k%d 0 0 1\r\nx\r\nget k%d\r\n" % (number, number))
        for number, client in enumerate(clients):
            await client.expect(b"STORED\r\nVALUE k%d 0 1\r\nx\r\nEND\r\n" % number)
        assert (a.connections, b.connections) == (1, 1)


async def test_a_stalled_server_costs_no_other_server_anything():
    async with (
        MockUpstream(always(SILENCE)) as stalled,
        MockUpstream(store_script()) as well,
        running_proxy("--config", two_pools(stalled, well), "-t", "5000") as proxy,
    ):
        waiting, other = await proxy.connect(), await proxy.connect()
        waiting.send(b"get /a/a/k\r\n")
        await stalled.wait_for_lines(1)
        await other.ask(b"get k\r\n", b"END\r\n")


async def test_a_client_that_never_reads_is_not_read_from_and_others_are_served():
    value = b"x" * 100_000
    async with MockUpstream(always(b"VALUE k 0 100000\r\n%b\r\nEND\r\n" % value)) as server:
        words = ("--upstream", server.address, "--max-client-outstanding-reqs", "20", "-t", "20000")
        async with running_proxy(*words, "--client-timeout", "0") as proxy:
            greedy, other = await proxy.connect(), await proxy.connect()
            greedy.send(b"get k\r\n" * 1000)
            await until(lambda: any(c._is_blocked for c in proxy.proxy.service.connections))
            asked = len(server.lines)
            await other.ask(b"get k\r\n", b"VALUE k 0 100000\r\n%b\r\nEND\r\n" % value)
            assert len(server.lines) < 400
            assert len(server.lines) <= asked + 40
            for _ in range(1000):
                await greedy.expect(b"VALUE k 0 100000\r\n")
                await greedy.reader.readexactly(len(value) + 7)


async def test_outstanding_requests_are_bounded_and_all_are_answered():
    gate = asyncio.Event()
    async with MockUpstream(gated(gate, b"END\r\n")) as server:
        words = ("--upstream", server.address, "--max-client-outstanding-reqs", "10", "-t", "20000")
        async with running_proxy(*words) as proxy:
            client = await proxy.connect()
            client.send(b"get k\r\n" * 1000)
            await server.wait_for_lines(1)
            (connection,) = proxy.proxy.service.connections
            await until(lambda: connection.outstanding >= 10)
            assert connection.outstanding <= 20
            gate.set()
            await client.expect(b"END\r\n" * 1000)


async def test_large_values_under_way_are_bounded():
    gate = asyncio.Event()
    value = b"v" * 1_000_000
    async with MockUpstream(gated(gate)) as server, running_proxy("--upstream", server.address, "-t", "20000") as proxy:
        client = await proxy.connect()
        for _ in range(40):
            client.send(b"set k 0 0 1000000\r\n%b\r\n" % value)
        await server.wait_for_lines(1)
        (connection,) = proxy.proxy.service.connections
        await until(lambda: not connection._is_reading)
        assert connection.session.value_bytes < 12 << 20
        gate.set()
        await client.expect(b"STORED\r\n" * 40)


async def test_a_client_that_leaves_in_the_middle_of_a_value_leaves_nothing_behind():
    async with MockUpstream(store_script()) as server, running_proxy("--upstream", server.address) as proxy:
        client, other = await proxy.connect(), await proxy.connect()
        client.send(b"set k 0 0 1000000\r\nhalf")
        await other.ask(b"get k\r\n", b"END\r\n")
        client.close()
        await until(lambda: len(proxy.proxy.service.connections) == 1)
        await other.ask(b"get k\r\n", b"END\r\n")
        assert all(line.startswith(b"get") for line in server.lines)


async def test_a_client_that_leaves_before_its_reply_costs_the_next_one_nothing():
    gate = asyncio.Event()

    async def script(line, value):
        await gate.wait()
        return b"VALUE %b 0 1\r\n%b\r\nEND\r\n" % (line[4:], line[4:])

    async with MockUpstream(script) as server, running_proxy("--upstream", server.address) as proxy:
        gone, stays = await proxy.connect(), await proxy.connect()
        gone.send(b"get a\r\nget b\r\n")
        await server.wait_for_lines(1)
        stays.send(b"get c\r\n")
        gone.close()
        await until(lambda: any(c._peer_ended for c in proxy.proxy.service.connections))
        gate.set()
        await stays.expect(b"VALUE c 0 1\r\nc\r\nEND\r\n")


async def test_a_client_that_has_sent_its_last_still_gets_every_reply():
    gate = asyncio.Event()
    async with MockUpstream(gated(gate, b"END\r\n")) as server, running_proxy("--upstream", server.address) as proxy:
        client = await proxy.connect()
        client.send(b"get k\r\n" * 600)
        client.writer.write_eof()
        await server.wait_for_lines(1)
        gate.set()
        await client.expect(b"END\r\n" * 600)
        await client.expect_end()


async def test_drain_answers_what_was_asked_then_closes():
    gate = asyncio.Event()
    async with MockUpstream(gated(gate, b"END\r\n")) as server, running_proxy("--upstream", server.address) as proxy:
        busy, idle = await proxy.connect(), await proxy.connect()
        busy.send(b"get k\r\n")
        await server.wait_for_lines(1)
        await until(lambda: len(proxy.proxy.service.connections) == 2)
        proxy.proxy.unready()
        assert proxy.proxy.ready() == (False, "stopping")
        proxy.proxy.stop_accepting()
        drained = asyncio.create_task(proxy.proxy.drain())
        await idle.expect_end()
        assert not drained.done()
        gate.set()
        await busy.expect(b"END\r\n")
        await busy.expect_end()
        await asyncio.wait_for(drained, 5)


async def test_flush_all_is_refused_unless_enabled():
    async with MockUpstream(always(b"OK\r\n")) as a, MockUpstream(always(b"OK\r\n")) as b:
        servers = ("--upstream", a.address, "--upstream", b.address)
        async with running_proxy(*servers) as proxy:
            await (await proxy.connect()).ask(b"flush_all\r\n", b"SERVER_ERROR Command disabled\r\n")
        assert not a.lines
        async with running_proxy(*servers, "--enable-flush-cmd") as proxy:
            client = await proxy.connect()
            await client.ask(b"flush_all 10\r\nflush_all noreply\r\nversion\r\n", b"OK\r\nVERSION mcrouter\r\n")
            assert a.lines == b.lines == [b"flush_all 10", b"flush_all"]


async def test_a_reload_keeps_connections_and_a_bad_one_keeps_the_tree(tmp_path, caplog):
    async with MockUpstream(store_script()) as a, MockUpstream(store_script()) as b:
        path = tmp_path / "config.json"
        path.write_text(two_pools(a, b))
        async with running_proxy("-f", str(path)) as proxy:
            client = await proxy.connect()
            await client.ask(b"set k 0 0 1\r\nx\r\n", b"STORED\r\n")
            path.write_text('{"pools": {}, "route": "NoSuchRoute"}')
            proxy.proxy.reload()
            assert "Unknown RouteHandle: NoSuchRoute line: 1" in caplog.text
            await client.ask(b"get k\r\n", b"VALUE k 0 1\r\nx\r\nEND\r\n")
            path.write_text(two_pools(b, a))
            proxy.proxy.reload()
            await client.ask(b"get k\r\nget /a/a/k\r\n", b"END\r\nVALUE /a/a/k 0 1\r\nx\r\nEND\r\n")
            assert (a.connections, b.connections) == (1, 1)


async def test_a_bad_config_ends_the_start():
    with pytest.raises(StartError) as caught:
        async with running_proxy("--config", '{"route": "PoolRoute|A"}'):
            pass
    assert caught.value.exit_code == 3
    assert "line: 1" in caught.value.text


async def test_nothing_found_yet_is_an_error_to_clients_not_to_the_start():
    with FakeDns() as dns:  # which knows no name
        async with running_proxy("--upstream", "dns+nowhere.invalid:11211", "--nameserver", dns.nameserver) as proxy:
            assert proxy.proxy.ready()[0] is False
            client = await proxy.connect()
            await client.ask(b"get k\r\n", b"SERVER_ERROR HashRoute with empty children, name: upstream\r\n")
