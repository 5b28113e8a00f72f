"""The index goes on growing when nothing is stored: two tables are slower to look into than one."""

from __future__ import annotations

from tests.memcache_server.serving import PATIENCE_S, Raw, serving, stats
from tests.support.waiting import wait_until

FIRST_LIMIT = (1 << 16) * 7 // 10


def test_growth_ends_without_insertions() -> None:
    with serving("-m", "64") as server, Raw(server.address) as client:
        for number in range(FIRST_LIMIT + 10):
            client.send(b"set k%d 0 0 1 noreply\r\nx\r\n" % number)
        client.ask(b"version\r\n")
        assert stats(server.address)["hash_power_level"] == "17"

        def ended() -> bool:
            return stats(server.address)["hash_is_expanding"] == "0"

        wait_until(ended, PATIENCE_S, "growth ends")
        for number in range(0, FIRST_LIMIT + 10, 997):
            assert client.ask(b"get k%d\r\n" % number, b"END\r\n").startswith(b"VALUE")
