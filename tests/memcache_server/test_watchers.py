"""What watchers are told, line by line, beside the original."""

from __future__ import annotations

import re

import pytest

from tests.memcache_server.serving import Raw, serving, stats
from tests.support.processes import Address, memcached_command, running

pytestmark = pytest.mark.memcached

STAMP = re.compile(rb"ts=\d+\.\d{1,6} gid=\d+ ")
OWN = re.compile(rb"(cfd|rport)=-?\d+")  # the original's too_large lines have any number for cfd
FLAT = ["-o", "no_lru_maintainer,no_lru_crawler"]  # or the original's own lines come in between, and the dead go early
TOO_LARGE = b"1100000\r\n" + b"x" * 1_100_000 + b"\r\n"

COMMANDS = [
    b"set a:% 5 10 1\r\n1\r\n",
    b"get a:% no a:%\r\n",
    b"gets a:%\r\n",
    b"add a:% 0 0 1\r\n1\r\n",
    b"add b 9 0 100\r\n" + b"b" * 100 + b"\r\n",
    b"replace x 0 0 1\r\n1\r\n",
    b"replace a:% 3 0 2\r\n22\r\n",
    b"set n 0 0 1\r\n5\r\n",
    b"append n 0 0 1\r\n1\r\n",
    b"prepend n 0 0 1\r\n1\r\n",
    b"append q 0 0 1\r\n1\r\n",
    b"cas n 0 0 1 1\r\n1\r\n",
    b"cas q 0 0 200 7\r\n" + b"c" * 200 + b"\r\n",
    b"incr n 1\r\n",
    b"incr n 99999\r\n",
    b"decr n 1\r\n",
    b"incr q 1\r\n",
    b"touch n 100\r\n",
    b"touch q 100\r\n",
    b"gat 100 n q n\r\n",
    b"mg n v\r\n",
    b"mg q v\r\n",
    b"mg made N30 v\r\n",
    b"ms m 2 T30\r\nab\r\n",
    b"ms m 2 MA\r\nab\r\n",
    b"ms m 2 ME\r\nab\r\n",
    b"ms m 2 C1\r\nab\r\n",
    b"ma n\r\n",
    b"md m\r\n",
    b"md m\r\n",
    b"delete n\r\n",
    b"delete n\r\n",
    b"set large 0 0 " + TOO_LARGE,
    b"set fits 0 0 1\r\n1\r\n",
    b"set fits 0 60 " + TOO_LARGE,
    b"get fits\r\n",
    b"add large 0 0 " + TOO_LARGE,
    b"ms large " + TOO_LARGE,
    b"set dead 0 -1 1\r\n1\r\n",
    b"get dead\r\n",
]


def told(address: Address, kinds: bytes, requests: list[bytes]) -> list[bytes]:
    """The lines of a watcher while another client sends the requests one by one."""
    with Raw(address) as watcher, Raw(address) as client:
        assert watcher.ask(b"watch %b\r\n" % kinds).startswith(b"OK\r\n")
        for request in requests:
            client.ask(request + b"mn\r\n", b"MN\r\n")
        client.send(b"get the-last\r\n")
        text = b""
        while b"key=the-last" not in text:
            text += watcher.read_until(b"\n")
    lines = text.splitlines()
    assert all(STAMP.match(line) for line in lines)
    return [OWN.sub(rb"\1=N", STAMP.sub(b"", line)) for line in lines]


def test_look_ups_and_stores() -> None:
    with running(lambda port: memcached_command(port, *FLAT)) as theirs, serving("-m", "256", *FLAT) as ours:
        original = told(theirs.address, b"fetchers mutations", COMMANDS)
        mine = told(ours.address, b"fetchers mutations", COMMANDS)
    # the original prints its descriptor for the class of what is too large, and a negative TTL without a sign
    original = [re.sub(rb"(status=too_large .* clsid=)\d+", rb"\g<1>0", line) for line in original]
    original = [re.sub(rb"ttl=42949\d+", b"ttl=0", line) for line in original]
    assert mine == original
    assert len(mine) > 60


def test_a_number_begun_by_ma_is_a_store() -> None:
    with serving() as server:
        assert told(server.address, b"mutations fetchers", [b"ma made N0 J13\r\n"])[:2] == [
            b"type=item_get key=made status=not_found clsid=0 cfd=N size=0",
            b"type=item_store key=made status=stored cmd=add ttl=0 clsid=1 cfd=N size=2",
        ]


def test_evictions_have_the_same_fields() -> None:
    requests = [b"set k%d 0 0 400000 noreply\r\n%b\r\n" % (n, b"x" * 400_000) for n in range(60)]
    line = re.compile(rb"type=eviction key=k\d+ fetch=no ttl=-1 la=\d+ clsid=\d+ size=400000")
    with running(lambda port: memcached_command(port, "-m", "8")) as theirs, serving("-m", "8") as ours:
        for server in (theirs, ours):
            lines = told(server.address, b"evictions fetchers", requests)
            evictions = [text for text in lines if text.startswith(b"type=eviction")]
            assert len(evictions) > 10
            assert all(line.fullmatch(text) for text in evictions)


@pytest.mark.parametrize(("kilobytes", "lost"), [("1", True), ("1024", False)])
def test_what_may_wait_for_a_watcher(kilobytes: str, lost: bool) -> None:
    keys = b"get " + b" ".join(b"%0200d" % n for n in range(40)) + b"\r\n"
    words = ["-o", f"watcher_logbuf_size={kilobytes}"]
    with running(lambda port: memcached_command(port, *words)) as theirs, serving(*words) as server:
        with Raw(server.address) as watcher, Raw(server.address) as client:
            watcher.ask(b"watch fetchers\r\n")
            client.ask(keys, b"END\r\n")
            client.ask(b"mn\r\nget the-last\r\n", b"END\r\n")
            text = b""
            while b"key=the-last" not in text:
                text += watcher.read_until(b"\n")
            lines = text.count(b"type=item_get")
        assert (b"skipped=" in text) == lost
        assert (lines < 41) == lost
        shown = [stats(each.address, "settings")["watcher_logbuf_size"] for each in (theirs, server)]
        assert shown[1] == shown[0]


def closes(address: Address) -> list[bytes]:
    """The close events of clients that end in different ways."""
    lines = []
    with Raw(address) as watcher:
        watcher.ask(b"watch connevents\r\n")
        for request, after in [
            (b"quit\r\n", Raw.read_all),
            (b"version\r\n", Raw.close),
            (b"set k 0 0 10\r\nabc", Raw.close),
            (b"version\r\n", Raw.reset),
            (b"GET / HTTP/1.1\r\n\r\n", Raw.read_all),
            (b"x" * 5000, Raw.read_all),
            (b"version\r\n", Raw.read_all),  # idle
        ]:
            with Raw(address) as client:
                mark = b"rport=%d " % client.socket.getsockname()[1]
                client.send(request)
                if request == b"version\r\n":
                    client.read_until(b"\r\n")
                after(client)
            ends = [b""]
            while b"type=conn_close" not in ends[-1] or mark not in ends[-1]:
                ends += watcher.read_until(b"\n").splitlines()
            lines += [OWN.sub(rb"\1=N", STAMP.sub(b"", line.strip())) for line in ends if mark in line]
    return lines


def test_connections_and_why_they_end() -> None:
    options = ["-o", "idle_timeout=3"]
    with running(lambda port: memcached_command(port, *options)) as theirs, serving(*options) as ours:
        original, mine = closes(theirs.address), closes(ours.address)
    assert mine == original
    reasons = [line.split(b"reason=")[1].split()[0] for line in mine if b"reason=" in line]
    assert reasons == [b"normal", b"normal", b"normal", b"error", b"error", b"error", b"idle_timeout"]
