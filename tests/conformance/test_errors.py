"""Every error text of the original, provoked by a script on ours and, where it says the same, on the original."""

from __future__ import annotations

import ast
import gzip
import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conformance.conftest import Start
from tests.conformance.golden import DATA
from tests.memcache_server.serving import Raw
from tests.support.processes import Address, Server
from tests.support.waiting import wait_until

NEWER = "1.6.18 does not have it"
PACKAGES = ("memcache_server", "mcproto")
ERROR_LINE = re.compile(r"(CLIENT_|SERVER_)?ERROR|Error |BUSY|BADCLASS|NOSPARE|SAME|NOTSTARTED|MEMLIMIT|WATCHER_TOO")


class Provoked(NamedTuple):
    """What makes a server say it: bytes on a connection of their own, or an act that returns what was said."""

    sent: bytes | Callable[[Address], bytes]
    flags: str = ""  # of both servers
    ours_alone: str = ""  # why the original is not asked
    tries: int = 1  # more where the original's threads may be quicker than the next request


def sets(prefix: bytes, count: int, size: int, exptime: int = 0) -> bytes:
    """Quiet sets of this many items, values of this size."""
    return b"".join(
        b"set %b%d 0 %d %d noreply\r\n%b\r\n" % (prefix, n, exptime, size, b"9" * size) for n in range(count)
    )


def one_connection_too_many(address: Address) -> bytes:
    """Connect until the server says no; the limit of both counts otherwise than by one, so by trying."""
    with ExitStack() as clients:
        for _ in range(60):
            said = clients.enter_context(Raw(address)).send(b"mn\r\n").read_until(b"\r\n")
            if said != b"MN\r\n":
                return said
    return b""


def one_watcher_too_many(address: Address) -> bytes:
    with ExitStack() as watchers:
        said = [clients.ask(b"watch\r\n") for clients in (watchers.enter_context(Raw(address)) for _ in range(21))]
    return b"".join(said)


LONG_KEY = b"k" * 251
FULL = "-M -m 2"
CLOSED = "-F -X -W"
LOGIN = "-Y USERS -u root"
CRAWL = b"lru_crawler crawl all\r\n"
# An item of 96 bytes, which one digit more moves into the next class; both classes are full.
GROWS = b"k" * 36
FULL_CLASSES = b"set %b 0 0 1\r\n9\r\n" % GROWS + sets(b"k", 25_000, 1) + sets(b"n", 25_000, 41)

ERRORS: dict[str, Provoked] = {
    "ERROR": Provoked(b"nonsense\r\n"),
    "CLIENT_ERROR bad command line format": Provoked(b"get %b\r\n" % LONG_KEY),
    "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]": Provoked(b"delete k 10\r\n"),
    "CLIENT_ERROR bad data chunk": Provoked(b"set k 0 0 1\r\nlonger than that\r\n"),
    "CLIENT_ERROR invalid exptime argument": Provoked(b"touch k soon\r\n"),
    "CLIENT_ERROR invalid numeric delta argument": Provoked(b"incr k -1\r\n"),
    "CLIENT_ERROR cannot increment or decrement non-numeric value": Provoked(b"set k 0 0 1\r\nx\r\nincr k 1\r\n"),
    "SERVER_ERROR object too large for cache": Provoked(b"set k 0 0 1048577\r\n" + b"x" * 1048577 + b"\r\n"),
    "SERVER_ERROR out of memory storing object": Provoked(
        sets(b"k", 20, 400_000) + b"set z 0 0 400000\r\n" + b"x" * 400_000 + b"\r\n", FULL
    ),
    "SERVER_ERROR out of memory": Provoked(FULL_CLASSES + b"incr %b 1\r\n" % GROWS, f"{FULL} -o no_hashexpand"),
    "SERVER_ERROR: shutdown not enabled": Provoked(b"shutdown\r\n", ours_alone="1.6.18 says ERROR: …"),
    "CLIENT_ERROR invalid shutdown mode": Provoked(b"shutdown slowly\r\n", "-A"),
    "CLIENT_ERROR flush_all not allowed": Provoked(b"flush_all\r\n", CLOSED),
    "CLIENT_ERROR watch commands not allowed": Provoked(b"watch\r\n", CLOSED),
    "CLIENT_ERROR stats detail not allowed": Provoked(b"stats detail on\r\n", CLOSED, "1.6.18 allows it"),
    "CLIENT_ERROR stats cachedump not allowed": Provoked(b"stats cachedump 1 1\r\n", CLOSED),
    "ERROR metadump not allowed": Provoked(b"lru_crawler metadump all\r\n", CLOSED),
    "ERROR key dump not allowed": Provoked(b"lru_crawler mgdump all\r\n", CLOSED, NEWER),
    "ERROR Too many open connections": Provoked(one_connection_too_many, "-c 40"),
    "CLIENT_ERROR invalid flag": Provoked(b"mg k z\r\n"),
    "CLIENT_ERROR duplicate flag": Provoked(b"mg k v v\r\n"),
    "CLIENT_ERROR bad token in command line format": Provoked(b"mg k Tsoon\r\n"),
    "CLIENT_ERROR error decoding key": Provoked(b"mg notbase64 b\r\n"),
    "CLIENT_ERROR options flags are too long": Provoked(b"mg k" + b" v" * 30 + b"\r\n"),
    "CLIENT_ERROR opaque token too long": Provoked(b"mg k O" + b"o" * 32 + b"\r\n"),
    "CLIENT_ERROR invalid mode for ms M token": Provoked(b"ms k 1 MX\r\n1\r\n"),
    "CLIENT_ERROR invalid mode for ma M token": Provoked(b"ma k MX\r\n"),
    "CLIENT_ERROR invalid numeric initial value": Provoked(b"mg k Jx\r\n"),
    "CLIENT_ERROR invalid numeric delta value": Provoked(b"mg k Dx\r\n"),
    "CLIENT_ERROR invalid or duplicate flag": Provoked(b"ma k v v\r\n"),
    "CLIENT_ERROR unauthenticated": Provoked(b"version\r\n", LOGIN),
    "CLIENT_ERROR authentication failure": Provoked(b"set k 0 0 3\r\na c\r\n", LOGIN),
    "CLIENT_ERROR bad authentication token format": Provoked(b"set k 0 0 2\r\nab\r\n", LOGIN),
    "CLIENT_ERROR bad command line termination": Provoked(b"set k 0 0 3\r\na bXX", LOGIN),
    "CLIENT_ERROR auth token too long": Provoked(
        b"set k 0 0 5000\r\n" + b"x" * 5000 + b"\r\n", LOGIN, "1.6.18 reads all of it as a token of a bad format"
    ),
    "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m": Provoked(b"cache_memlimit 7\r\n"),
    "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes": Provoked(b"cache_memlimit 1000000001\r\n"),
    "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust": Provoked(b"cache_memlimit 5000\r\n", "-L"),
    "BADCLASS invalid src or dst class id": Provoked(b"slabs reassign 1 99\r\n"),
    "NOSPARE source class has no spare pages": Provoked(b"slabs reassign 1 2\r\n"),
    "SAME src and dst class are identical": Provoked(b"slabs reassign 1 1\r\n"),
    "CLIENT_ERROR slab reassignment disabled": Provoked(b"slabs reassign 1 2\r\n", "-o no_slab_reassign"),
    "BUSY currently processing reassign request": Provoked(
        sets(b"k", 300, 9000) + b"slabs reassign 22 1\r\n" * 3, "-o no_lru_crawler", tries=30
    ),
    "ERROR hot and warm pcts must not exceed 80": Provoked(b"lru tune 50 40 0.2 2.0\r\n"),
    "ERROR hot/warm age factors must be greater than 0": Provoked(b"lru tune 20 40 0 2.0\r\n"),
    "ERROR failed to start lru crawler thread": Provoked(b"lru_crawler enable\r\n"),
    "CLIENT_ERROR sleep must be one second or less": Provoked(b"lru_crawler sleep 1000001\r\n"),
    "BUSY currently processing crawler request": Provoked(sets(b"k", 3000, 1) + CRAWL * 10, tries=30),
    "ERROR an unknown error happened": Provoked(b"lru_crawler crawl hash\r\n", "-o no_lru_maintainer"),
    "BADCLASS invalid class id": Provoked(b"lru_crawler crawl 0\r\n", "-o no_lru_maintainer"),
    "NOTSTARTED no items to crawl": Provoked(b"lru_crawler crawl ,\r\n", "-o no_lru_maintainer"),
    "CLIENT_ERROR lru crawler disabled": Provoked(b"lru_crawler crawl 1\r\n", "-o no_lru_crawler"),
    "ERROR cannot pipeline other commands before metadump": Provoked(
        b"get k\r\nlru_crawler metadump all\r\n", ours_alone=NEWER
    ),
    "ERROR cannot pipeline other commands before mgdump": Provoked(
        b"get k\r\nlru_crawler mgdump all\r\n", ours_alone=NEWER
    ),
    "ERROR cannot pipeline other commands before watch": Provoked(b"get k\r\nwatch\r\n", ours_alone=NEWER),
    "WATCHER_TOO_MANY log watcher limit reached": Provoked(one_watcher_too_many),
    "Error TLS not enabled": Provoked(b"refresh_certs\r\n"),
    "CLIENT_ERROR usage: stats detail on|off|dump": Provoked(b"stats detail maybe\r\n"),
    "CLIENT_ERROR bad command line": Provoked(b"stats cachedump 1\r\n"),
    "CLIENT_ERROR Illegal slab id": Provoked(b"stats cachedump 64 1\r\n"),
}

# Texts that ours never says: why.
UNSAID = {
    "SERVER_ERROR Out of memory during read": "room is taken for the whole value: `out of memory storing object`",
    "SERVER_ERROR out of memory writing get response": "a failed malloc of the original's reply objects",
    "SERVER_ERROR out of memory writing stats": "a failed malloc of the original's buffer for stats",
    "SERVER_ERROR out of memory reading request": "a failed malloc of the original's read buffer",
    "SERVER_ERROR refcount overflow during fetch": "items have no reference counts here",
    "MISS": "debugitem, of debug builds only",
}

# Every text that the original's sources know (proto_text.c, proto_parser.c, memcached.c, slabs_mover.c, crawler.c,
# logger.c, authfile.c), beside OK and END: what the two tables together must have.
TEXTS = """
ERROR
CLIENT_ERROR bad command line format
CLIENT_ERROR bad data chunk
CLIENT_ERROR invalid exptime argument
CLIENT_ERROR invalid numeric delta argument
CLIENT_ERROR cannot increment or decrement non-numeric value
SERVER_ERROR object too large for cache
SERVER_ERROR out of memory storing object
SERVER_ERROR out of memory
SERVER_ERROR Out of memory during read
SERVER_ERROR out of memory writing get response
SERVER_ERROR out of memory writing stats
SERVER_ERROR out of memory reading request
SERVER_ERROR: shutdown not enabled
CLIENT_ERROR invalid shutdown mode
CLIENT_ERROR flush_all not allowed
CLIENT_ERROR watch commands not allowed
CLIENT_ERROR stats detail not allowed
CLIENT_ERROR stats cachedump not allowed
ERROR metadump not allowed
ERROR key dump not allowed
ERROR Too many open connections
CLIENT_ERROR invalid flag
CLIENT_ERROR duplicate flag
CLIENT_ERROR bad token in command line format
CLIENT_ERROR error decoding key
CLIENT_ERROR options flags are too long
CLIENT_ERROR opaque token too long
CLIENT_ERROR invalid mode for ms M token
CLIENT_ERROR invalid mode for ma M token
CLIENT_ERROR invalid numeric initial value
CLIENT_ERROR invalid numeric delta value
CLIENT_ERROR invalid or duplicate flag
SERVER_ERROR refcount overflow during fetch
CLIENT_ERROR unauthenticated
CLIENT_ERROR authentication failure
CLIENT_ERROR bad authentication token format
CLIENT_ERROR bad command line termination
CLIENT_ERROR auth token too long
MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m
MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes
MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust
BUSY currently processing reassign request
BADCLASS invalid src or dst class id
NOSPARE source class has no spare pages
SAME src and dst class are identical
CLIENT_ERROR slab reassignment disabled
ERROR hot and warm pcts must not exceed 80
ERROR hot/warm age factors must be greater than 0
ERROR failed to start lru crawler thread
CLIENT_ERROR sleep must be one second or less
BUSY currently processing crawler request
BADCLASS invalid class id
NOTSTARTED no items to crawl
CLIENT_ERROR lru crawler disabled
ERROR cannot pipeline other commands before metadump
ERROR cannot pipeline other commands before watch
WATCHER_TOO_MANY log watcher limit reached
CLIENT_ERROR usage: stats detail on|off|dump
CLIENT_ERROR bad command line
CLIENT_ERROR Illegal slab id
MISS
""".strip().split("\n")


def said(server: Server, provoked: Provoked) -> list[str]:
    """The lines that the script brings back."""
    if callable(provoked.sent):
        answer = provoked.sent(server.address)
    else:
        with Raw(server.address) as client:
            answer = client.send(provoked.sent).end().read_all()
    return answer.decode("latin-1").split("\r\n")


@pytest.mark.parametrize("text", ERRORS)
def test_provoked_on_ours(text: str, start: Start) -> None:
    provoked = ERRORS[text]
    assert text in said(start(True, provoked.flags), provoked)


@pytest.mark.memcached
@pytest.mark.parametrize("text", [text for text, provoked in ERRORS.items() if not provoked.ours_alone])
def test_provoked_on_the_original(text: str, start: Start) -> None:
    provoked = ERRORS[text]
    server = start(False, provoked.flags)
    assert any(text in said(server, provoked) for _ in range(provoked.tries))


@pytest.mark.memcached
def test_no_room_for_the_rest_of_a_large_value(start: Start) -> None:
    """The original finds out while it reads, ours before: another text, the value swallowed by both."""
    large = b"set z 0 0 900000\r\n" + b"x" * 900_000 + b"\r\nmn\r\n"
    script = Provoked(sets(b"k", 20, 400_000) + large, f"{FULL} -o hashpower=17")
    ours, theirs = (said(start(which, script.flags), script) for which in (True, False))
    assert ours == ["SERVER_ERROR out of memory storing object", "MN", ""]
    assert theirs == ["SERVER_ERROR Out of memory during read", "MN", ""]


def test_the_tables_are_complete() -> None:
    assert set(TEXTS) <= ERRORS.keys() | UNSAID.keys()
    assert not ERRORS.keys() & UNSAID.keys()
    assert len(TEXTS) == len(set(TEXTS))


def test_whatever_our_sources_can_say_is_provoked() -> None:
    """Each literal of an error line, a placeholder standing for any word."""
    unprovoked = set()
    for path in (path for package in PACKAGES for path in Path(package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, bytes) and node.value.endswith(b"\r\n"):
                text = node.value.decode("latin-1").removesuffix("\r\n")
                pattern = re.escape(text).replace("%b", r"\w+")
                if ERROR_LINE.match(text) and not any(re.fullmatch(pattern, known) for known in ERRORS):
                    unprovoked.add(text)
    assert unprovoked <= UNSAID.keys()


def test_whatever_the_original_was_recorded_to_say_is_provoked() -> None:
    with gzip.open(DATA, "rt", encoding="ascii") as lines:
        replies = [step["reply"] for case in map(json.loads, lines) for step in case.get("steps", ())]
    recorded = {line for reply in replies for line in reply.split("\r\n") if re.match("(CLIENT_|SERVER_)?ERROR", line)}
    assert recorded - ERRORS.keys() - {"ERROR10"} == set()  # that is a value


def test_a_text_is_not_said_where_it_should_not_be(start: Start) -> None:
    """The scripts prove something only if a server does not answer them so anyway."""
    server = start(True, "")
    for text, provoked in ERRORS.items():
        if provoked.flags and isinstance(provoked.sent, bytes) and len(provoked.sent) < 100 and provoked.flags != "-A":
            wait_until(lambda: running_crawls(server) == 0, 10, "no crawl runs")
            assert (text in said(server, provoked)) == (text in TOLD_WITHOUT_FLAGS), text


TOLD_WITHOUT_FLAGS = frozenset((
    "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust",  # -L is for the original
    "ERROR an unknown error happened",
    "BADCLASS invalid class id",  # no_lru_maintainer: its own crawls would make it BUSY
    "NOTSTARTED no items to crawl",
))  # fmt: skip


def running_crawls(server: Server) -> int:
    with Raw(server.address) as client:
        return client.ask(b"stats\r\n", b"END\r\n").count(b"STAT lru_crawler_running 1")
