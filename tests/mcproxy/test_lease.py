import pytest

from mcproxy.lease import (
    HOT_MISS,
    NO_LEASE,
    Lease,
    client_block,
    hit_raw,
    lease_get_text,
    lease_result,
    lease_set_text,
    look_text,
    miss_raw,
    parse_lease,
    parse_lease_set,
    token_of,
    with_token,
    with_update,
)
from mcproxy.outcome import UNFIT, Result
from mcproxy.request import Op
from mcproxy.request_text import Hit, Update, with_exptime, with_key

FOUND, NOTFOUND = Result.FOUND, Result.NOTFOUND
KEYED = [
    (b"VA 5 f1 c7\r\nvalue\r\n", FOUND, NO_LEASE, b"VALUE k 1 5\r\nvalue\r\n"),
    (b"VA 0 f0 c7\r\n\r\n", FOUND, NO_LEASE, b"VALUE k 0 0\r\n\r\n"),
    (b"VA 0 f0 c8 W\r\n\r\n", NOTFOUND, 9, b"LVALUE k 9 0 0\r\n\r\n"),
    (b"VA 0 f0 c1 W\r\n\r\n", NOTFOUND, 2, b"LVALUE k 2 0 0\r\n\r\n"),
    (b"VA 0 f0 c8 Z\r\n\r\n", NOTFOUND, HOT_MISS, b"LVALUE k 1 0 0\r\n\r\n"),
    (b"VA 5 f1 c9 W X\r\nstale\r\n", NOTFOUND, 10, b"LVALUE k 10 1 5\r\nstale\r\n"),
    (b"VA 5 f1 c9 X W\r\nstale\r\n", NOTFOUND, 10, b"LVALUE k 10 1 5\r\nstale\r\n"),
    (b"VA 5 f1 c9 Z X\r\nstale\r\n", FOUND, NO_LEASE, b"VALUE k 1 5\r\nstale\r\n"),
    (b"VA 5 f1 c9 Z\r\nfresh\r\n", FOUND, NO_LEASE, b"VALUE k 1 5\r\nfresh\r\n"),
    (b"VA 4 f1 c9\r\n W Z\r\n", FOUND, NO_LEASE, b"VALUE k 1 4\r\n W Z\r\n"),
]


@pytest.mark.parametrize(
    "raw", [b"VA 2 f1 c W\r\nab\r\n", b"VA 2 W\r\nab\r\n", b"VA 2 f cx\r\nab\r\n", b"VA 2\r\nab\r\n"]
)
def test_a_reply_without_its_numbers_is_none_to_a_lease_get(raw):
    assert lease_result(raw) == UNFIT


@pytest.mark.parametrize(("raw", "result", "token", "block"), KEYED)
def test_a_servers_reply_as_the_client_reads_it(raw, result, token, block):
    assert lease_result(raw) == result
    assert parse_lease(raw).token == token
    assert client_block(b"k", result, raw) == block


@pytest.mark.parametrize("raw", [b"EN\r\n", b"END\r\n", b"NOT_FOUND\r\n"])
def test_a_miss_that_gives_no_lease(raw):
    assert parse_lease(raw) == Lease(NO_LEASE, Hit(0, b""))
    assert client_block(b"k", NOTFOUND, raw) == b"LVALUE k 0 0 0\r\n\r\n"


def test_what_servers_are_asked():
    assert lease_get_text(b"k") == b"mg k v f c N10\r\n"
    assert look_text(b"k") == b"mg k v f c\r\n"
    assert lease_set_text(b"k", 9, Update(3, -1, b"abc")) == b"ms k 3 C8 F3 T-1\r\nabc\r\n"


@pytest.mark.parametrize("token", [NO_LEASE, HOT_MISS])
def test_without_a_lease_nothing_can_match(token):
    text = lease_set_text(b"k", token, Update(0, 0, b""))
    assert b" C%d " % (2**64 - 1) in text
    assert token_of(text) == NO_LEASE


def test_parts_of_a_lease_set():
    text = lease_set_text(b"k", 9, Update(3, 60, b"C1 F1 T1\r\n"))
    assert parse_lease_set(text) == Update(3, 60, b"C1 F1 T1\r\n", b"8")
    assert token_of(text) == 9
    assert with_token(text, 5) == lease_set_text(b"k", 5, Update(3, 60, b"C1 F1 T1\r\n"))
    assert with_update(text, b"j", Update(0, 0, b"x")) == lease_set_text(b"j", 9, Update(0, 0, b"x"))


def test_routes_change_keys_and_exptimes_as_of_other_meta_requests():
    text = lease_set_text(b"k", 9, Update(3, 60, b"x"))
    assert with_exptime(Op.LEASE_SET, text, 5) == lease_set_text(b"k", 9, Update(3, 5, b"x"))
    assert with_exptime(Op.LEASE_GET, lease_get_text(b"k"), 5) == lease_get_text(b"k")
    assert with_key(Op.LEASE_GET, lease_get_text(b"k"), b"p:k") == lease_get_text(b"p:k")


def test_replies_that_routes_make():
    assert parse_lease(hit_raw(Hit(3, b"v", b"7"))) == Lease(NO_LEASE, Hit(3, b"v", b"7"))
    assert parse_lease(hit_raw(Hit(3, b"v"))) == Lease(NO_LEASE, Hit(3, b"v"))
    for token in (NO_LEASE, HOT_MISS, 9):
        assert parse_lease(miss_raw(token)).token == token
    assert parse_lease(miss_raw(9, Hit(3, b"stale"))).hit[:2] == (3, b"stale")
