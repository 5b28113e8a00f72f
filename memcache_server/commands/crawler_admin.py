"""lru_crawler: crawls that free the dead, and dumps of the keys (protocol.txt, "LRU_Crawler")."""

from base64 import b64encode
from collections.abc import Callable
from functools import partial

from mcproto import encode
from mcproto.grammar import maybe_unsigned
from mcproto.limits import U32
from memcache_server.session import Session
from memcache_server.store.crawler import ItemWalk
from memcache_server.store.item_view import ItemView, view
from memcache_server.store.slab_classes import CLASSES_MAX
from memcache_server.watchers import uri_encoded

_DISABLED = b"CLIENT_ERROR lru crawler disabled\r\n"
_BUSY = b"BUSY currently processing crawler request\r\n"
_BAD_CLASS = b"BADCLASS invalid class id\r\n"
_NO_CRAWL_OF_HASH = b"ERROR an unknown error happened\r\n"  # a walk for dumps only
_NOT_STARTED = b"NOTSTARTED no items to crawl\r\n"
_BAD_SLEEP = b"CLIENT_ERROR sleep must be one second or less\r\n"
_SLEEP_MAX = 1_000_000
_DUMP_TURN = 25_000  # of these costs, in one turn of a dump: under a millisecond
_DUMP_ITEM = 300  # an item, beside the length of its line
_DUMP_LOOK = 150  # a look at so many chunks:
_DUMP_RUN = 20
_EN = b"EN\r\n"

Formatter = Callable[[Session, ItemView], bytes]


def lru_crawler(session: Session, tokens: list[bytes]) -> bool | None:
    """lru_crawler enable|disable, or one of crawl, metadump, mgdump, tocrawl and sleep with one word.

    noreply is not known here.
    """
    reply: bytes | None = encode.ERROR
    if len(tokens) == 2:
        reply = _switch(session, tokens[1])
    elif len(tokens) == 3 and (subcommand := _SUB_COMMANDS.get(tokens[1])):
        reply = subcommand(session, tokens[2])
    if reply is None:
        return True
    session.out.append(reply)
    return None


def _switch(session: Session, word: bytes) -> bytes:
    tunables = session.server.tunables
    if word == b"enable":
        if tunables.lru_crawler:
            return b"ERROR failed to start lru crawler thread\r\n"
        tunables.lru_crawler = True
    elif word == b"disable":
        tunables.lru_crawler = False
        session.server.crawler.stop()
    else:
        return encode.ERROR
    return encode.OK


def _classes(word: bytes) -> set[int] | None:
    """The classes of `1,2,5`, all of them for `all` and `hash`; None when a number is none of a class."""
    if word in (b"all", b"hash"):
        return set(range(1, CLASSES_MAX + 1))
    numbers = [maybe_unsigned(part, U32) for part in word.split(b",") if part]
    found = {number for number in numbers if number is not None and 1 <= number <= CLASSES_MAX}
    return found if len(found) == len(set(numbers)) else None


def _crawl(session: Session, word: bytes) -> bytes:
    server = session.server
    classes = _classes(word)
    if not server.tunables.lru_crawler:
        return _DISABLED
    if server.crawler.running:
        return _BUSY
    if word == b"hash":
        return _NO_CRAWL_OF_HASH
    if classes is None:
        return _BAD_CLASS
    if not classes:
        return _NOT_STARTED
    session.stats.lru_crawler_starts += 1
    server.crawler.start(classes, server.tunables.lru_crawler_tocrawl)
    server.crawl()
    return encode.OK


def _tocrawl(session: Session, word: bytes) -> bytes:
    number = maybe_unsigned(word, U32)
    if number is None:
        return encode.BAD_LINE
    session.server.tunables.lru_crawler_tocrawl = number
    return encode.OK


def _sleep(session: Session, word: bytes) -> bytes:
    number = maybe_unsigned(word, U32)
    if number is None:
        return encode.BAD_LINE
    if number > _SLEEP_MAX:
        return _BAD_SLEEP
    session.server.tunables.lru_crawler_sleep = number
    return encode.OK


# dumps


def _metadump(session: Session, word: bytes) -> bytes | None:
    return _dump(session, word, _metadata_line, encode.END, b"metadump", b"ERROR metadump not allowed\r\n")


def _mgdump(session: Session, word: bytes) -> bytes | None:
    return _dump(session, word, _mg_line, _EN, b"mgdump", b"ERROR key dump not allowed\r\n")


def _dump(
    session: Session, word: bytes, formatter: Formatter, end: bytes, name: bytes, not_allowed: bytes
) -> bytes | None:
    """Begin a dump: what is wrong with it, or None after its first turn was left pending."""
    if not session.server.tunables.lru_crawler:
        return _DISABLED
    if not session.server.settings.dump_enabled:
        return not_allowed
    if session.out:
        return b"ERROR cannot pipeline other commands before %b\r\n" % name
    classes = _classes(word)
    if classes is None:
        return _BAD_CLASS
    session.stats.lru_crawler_starts += 1
    session.pending = partial(_dump_turn, session, ItemWalk(session.store, classes), formatter, end)
    return None


def _dump_turn(session: Session, walk: ItemWalk, formatter: Formatter, end: bytes) -> bool | None:
    left = _DUMP_TURN
    while left > 0 and not walk.done:
        left -= _DUMP_LOOK
        for handle in walk.step(_DUMP_RUN):
            item = view(session.store, handle)
            left -= _DUMP_ITEM
            if not item.expired and not item.flushed:
                line = formatter(session, item)
                left -= len(line)
                session.out.append(line)
    if walk.done:
        session.out.append(end)
        return None
    session.pending = partial(_dump_turn, session, walk, formatter, end)
    return True


def _metadata_line(session: Session, item: ItemView) -> bytes:
    started = session.server.clock.started
    exptime = item.exptime + started if item.exptime else -1
    text = (
        f"key={uri_encoded(item.key)} exp={exptime} la={item.last_access + started} cas={item.cas} "
        f"fetch={'yes' if item.fetched else 'no'} cls={item.slab_class} size={item.size} flags={item.client_flags} \n"
    )
    return text.encode()


def _mg_line(session: Session, item: ItemView) -> bytes:
    return b"mg %b b\r\n" % b64encode(item.key) if item.binary else b"mg %b\r\n" % item.key


_SUB_COMMANDS: dict[bytes, Callable[[Session, bytes], bytes | None]] = {
    b"crawl": _crawl,
    b"metadump": _metadump,
    b"mgdump": _mgdump,
    b"tocrawl": _tocrawl,
    b"sleep": _sleep,
}
