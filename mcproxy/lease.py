"""mcrouter's leases, by the meta protocol of any memcached 1.6. Pure.

    lease-get k ──► mg k v f c N10
        VA 5 f1 c7 …         VALUE k 1 5          a hit
        VA 0 f0 c8 W         LVALUE k 9 0 0       a miss, and the client has the lease: its token is 9
        VA 0 f0 c8 Z         LVALUE k 1 0 0       a miss, and another client has it: a hot miss
        VA 5 f1 c9 W X …     LVALUE k 10 1 5      what was marked stale, and the client has the lease
    lease-set k TOKEN … ──► ms k … C<TOKEN - 1>
        HD                   STORED
        EX, NF               NOT_STORED           deleted or stored anew meanwhile, or the lease is over

What stands for a lease is an empty item under the key itself, so that whoever deletes or sets the key ends the lease;
it lives LEASE_S. Requests and replies go through the routes in the form that servers know; they become mcrouter's at
the client, see lease_commands.py.
"""

from __future__ import annotations

from typing import NamedTuple

from mcproto.encode import CRLF
from mcproxy.outcome import UNFIT, Result
from mcproxy.request_text import Hit, Update

LEASE_S = 10
"""Seconds for which a lease holds."""

NO_LEASE = 0
"""The token of a reply that gives nothing to set with; mcrouter's, as HOT_MISS is."""

HOT_MISS = 1
"""The token that says that somebody else has the lease. Those of leases are greater."""

_NEVER = 2**64 - 1  # a CAS unique that no item has: without a lease nothing is stored
_FOUND, _NOTFOUND = Result.FOUND.value, Result.NOTFOUND.value


class Lease(NamedTuple):
    """What a reply to a lease-get says. `token` is NO_LEASE of a hit; a miss may have a stale value."""

    token: int
    hit: Hit


_NOTHING = Lease(NO_LEASE, Hit(0, b""))


def lease_get_text(key: bytes) -> bytes:
    """Asks for the item, or for the lease."""
    return b"mg %b v f c N%d\r\n" % (key, LEASE_S)


def look_text(key: bytes) -> bytes:
    """Asks for the item alone, with the same replies."""
    return b"mg %b v f c\r\n" % key


def lease_set_text(key: bytes, token: int, update: Update) -> bytes:
    """Stores under the lease of that token; under none of NO_LEASE and HOT_MISS."""
    return _set_text(key, b"%d" % (token - 1 if token > HOT_MISS else _NEVER), update)


def with_update(text: bytes, key: bytes, update: Update) -> bytes:
    """A lease-set under the lease of that one's, of something else."""
    return _set_text(key, parse_lease_set(text).cas_unique, update)


def with_token(text: bytes, token: int) -> bytes:
    """The same lease-set under another lease."""
    return lease_set_text(text.split(b" ", 2)[1], token, parse_lease_set(text))


def _set_text(key: bytes, unique: bytes, update: Update) -> bytes:
    value = update.value
    line = b"ms %b %d C%b F%d T%d\r\n" % (key, len(value), unique, update.flags, update.exptime)
    return b"".join((line, value, CRLF))


def parse_lease_set(text: bytes) -> Update:
    """Of the text of a lease-set; its `cas_unique` is what the lease goes by."""
    end = text.find(CRLF)
    given = _flags(text[:end].split(b" ")[3:])
    return Update(int(given[b"F"]), int(given[b"T"]), text[end + 2 : -2], given[b"C"])


def token_of(text: bytes) -> int:
    """The token of a lease-set; NO_LEASE for any that is none."""
    unique = int(parse_lease_set(text).cas_unique)
    return NO_LEASE if unique == _NEVER else unique + 1


def lease_result(raw: bytes) -> int:
    """Whether a server's item is a hit: one that stands for a lease is a miss, and so is one to be made anew.

    UNFIT without the numbers that were asked for.
    """
    words = raw[: raw.find(CRLF)].split(b" ")
    if not all(any(word[:1] == flag and word[1:].isdigit() for word in words) for flag in (b"f", b"c")):
        return UNFIT
    return _NOTFOUND if b"W" in words or (b"Z" in words and words[1] == b"0") else _FOUND


def parse_lease(raw: bytes) -> Lease:
    """Of a reply to a lease-get, a server's or a route's."""
    if not raw.startswith(b"VA "):
        return _NOTHING
    end = raw.find(CRLF)
    _, length, *words = raw[:end].split(b" ")
    given = _flags(words)
    unique = given.get(b"c", b"")
    hit = Hit(int(given.get(b"f", b"0")), raw[end + 2 : end + 2 + int(length)], unique)
    if b"W" in given:
        return Lease(int(unique) + 1, hit)
    return Lease(HOT_MISS if b"Z" in given and not hit.value else NO_LEASE, hit)


def hit_raw(hit: Hit) -> bytes:
    """A reply to a lease-get, as a server says it."""
    unique = b" c" + hit.cas_unique if hit.cas_unique else b""
    return b"".join((b"VA %d f%d%b\r\n" % (len(hit.value), hit.flags, unique), hit.value, CRLF))


def miss_raw(token: int, hit: Hit = _NOTHING.hit) -> bytes:
    """The same of a miss, with a token of any kind."""
    if token == NO_LEASE:
        return b"EN\r\n"
    if token == HOT_MISS:
        return b"VA 0 f0 c0 Z\r\n\r\n"
    return b"".join((b"VA %d f%d c%d W\r\n" % (len(hit.value), hit.flags, token - 1), hit.value, CRLF))


def client_block(key: bytes, result: int, raw: bytes) -> bytes:
    """What a client reads of one key, without the END: mcrouter tells of every miss."""
    token, hit = parse_lease(raw)
    if result == _FOUND:
        line = b"VALUE %b %d %d\r\n" % (key, hit.flags, len(hit.value))
    else:
        line = b"LVALUE %b %d %d %d\r\n" % (key, token, hit.flags, len(hit.value))
    return b"".join((line, hit.value, CRLF))


def _flags(words: list[bytes]) -> dict[bytes, bytes]:
    return {word[:1]: word[1:] for word in words}
