"""exptime rules of protocol.txt and memcached.c realtime()."""

import pytest

from memcache_server.store.exptime import EXPIRED, NEVER, to_absolute

NOW, STARTED = 100, 1_800_000_000


@pytest.mark.parametrize(
    ("wire", "second"),
    [
        (0, NEVER),
        (-1, EXPIRED),
        (1, 101),
        (2_592_000, 2_592_100),
        (2_592_001, EXPIRED),
        (STARTED, EXPIRED),
        (STARTED + 500, 500),
    ],
)
def test_to_absolute(wire: int, second: int) -> None:
    assert to_absolute(wire, NOW, STARTED) == second
