import pytest

from mcproxy.request import Op
from mcproxy.request_text import (
    Hit,
    Update,
    cas_text,
    exptime_for_ttl,
    exptime_of,
    hit_flags,
    hit_reply,
    hit_with_key,
    parse_hit,
    parse_update,
    sooner_exptime,
    storage_text,
    value_length,
    with_exptime,
    with_key,
)

NOW = 1_700_000_000.5
DAY = 86_400

TEXTS = {
    Op.GET: b"get %b\r\n",
    Op.GETS: b"gets %b\r\n",
    Op.GAT: b"gat 60 %b\r\n",
    Op.GATS: b"gats 60 %b\r\n",
    Op.SET: b"set %b 5 60 4\r\n\r\nk \r\n",
    Op.ADD: b"add %b 5 60 4\r\n\r\nk \r\n",
    Op.REPLACE: b"replace %b 5 60 4\r\n\r\nk \r\n",
    Op.APPEND: b"append %b 5 60 4\r\n\r\nk \r\n",
    Op.PREPEND: b"prepend %b 5 60 4\r\n\r\nk \r\n",
    Op.CAS: b"cas %b 5 60 4 77\r\n\r\nk \r\n",
    Op.DELETE: b"delete %b\r\n",
    Op.INCR: b"incr %b 60\r\n",
    Op.DECR: b"decr %b 60\r\n",
    Op.TOUCH: b"touch %b 60\r\n",
}


@pytest.mark.parametrize("op", TEXTS)
@pytest.mark.parametrize("key", [b"k", b"set", b"60", b"e"])
def test_another_key_whatever_else_looks_like_the_key(op, key):
    text = TEXTS[op]
    assert with_key(op, text % key, b"other:key") == text % b"other:key"


@pytest.mark.parametrize("op", TEXTS)
def test_another_exptime_where_there_is_one(op):
    text = TEXTS[op] % b"60"
    if op in (Op.GET, Op.GETS, Op.DELETE, Op.INCR, Op.DECR):
        assert (exptime_of(op, text), with_exptime(op, text, 7)) == (None, text)
    else:
        changed = with_exptime(op, text, -7)
        assert (exptime_of(op, text), exptime_of(op, changed)) == (60, -7)
        assert with_exptime(op, changed, 60) == text


def test_parts_of_updates():
    assert parse_update(TEXTS[Op.SET] % b"k") == Update(5, 60, b"\r\nk ")
    assert parse_update(TEXTS[Op.CAS] % b"k") == Update(5, 60, b"\r\nk ", b"77")
    assert value_length(TEXTS[Op.CAS] % b"k") == 4
    assert storage_text(b"set", b"k", 5, 60, b"\r\nk ") == TEXTS[Op.SET] % b"k"
    assert storage_text(b"add", b"k", 0, 0, memoryview(b"abc")[1:]) == b"add k 0 0 2\r\nbc\r\n"
    assert cas_text(b"k", 5, 60, b"\r\nk ", b"77") == TEXTS[Op.CAS] % b"k"


@pytest.mark.parametrize(
    ("raw", "hit"),
    [
        (b"VALUE k 7 3\r\nabc\r\nEND\r\n", Hit(7, b"abc")),
        (b"VALUE k 0 0\r\n\r\nEND\r\n", Hit(0, b"")),
        (b"VALUE k 4294967295 5 12\r\nEND\r\n\r\nEND\r\n", Hit(4294967295, b"END\r\n", b"12")),
    ],
)
def test_parts_of_hits(raw, hit):
    assert parse_hit(raw) == hit
    assert hit_flags(raw) == hit.flags
    assert hit_reply(b"k", hit) == raw
    assert hit_with_key(raw, b"k", b"name") == hit_reply(b"name", hit)


@pytest.mark.parametrize(
    ("ttl", "exptime"),
    [(-1, 0), (0, None), (1, 1), (30 * DAY, 30 * DAY), (30 * DAY + 1, 1_700_000_000 + 30 * DAY + 1)],
)
def test_the_exptime_of_a_copy(ttl, exptime):
    assert exptime_for_ttl(ttl, NOW) == exptime


@pytest.mark.parametrize(
    ("exptime", "limit", "sooner"),
    [
        (0, 60, 60),
        (59, 60, 59),
        (61, 60, 60),
        (-1, 60, -1),
        (60, 0, 60),
        (0, 0, 0),
        (1_700_000_010, 60, 1_700_000_010),
        (1_700_000_100, 60, 60),
        (100, 1_700_000_010, 1_700_000_010),
    ],
)
def test_which_of_two_exptimes_is_over_first(exptime, limit, sooner):
    assert sooner_exptime(exptime, limit, NOW) == sooner
