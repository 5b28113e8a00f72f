"""stats cachedump and stats sizes: every item of a class, or of all, looked at in bounded turns."""

from collections import Counter
from functools import partial

from mcproto.encode import BAD_LINE, END
from mcproto.grammar import maybe_unsigned
from mcproto.limits import U32
from memcache_server.session import Session
from memcache_server.store import Store
from memcache_server.store.chunk import LINKED, LIST_MASK, LIST_SHIFT, META, NEXT, PREV
from memcache_server.store.crawler import ItemWalk
from memcache_server.store.item_view import view
from memcache_server.store.segmented_lru import COLD
from memcache_server.store.slab_classes import CLASSES_MAX

_CACHEDUMP_WORDS = 4
_CACHEDUMP_MAX = 2 << 20  # bytes of one answer
_DUMP_TURN = 100  # items formatted in one turn: under a millisecond
_WALK_TURN = 800  # chunks looked at in one turn: about as long
_SIZE_STEP = 32


# stats cachedump


def cachedump(session: Session, tokens: list[bytes]) -> bytes | None:
    """stats cachedump class limit: `ITEM key [n b; time s]` lines of the class's next to go, 2 MB at most."""
    if not session.server.settings.dump_enabled:
        return b"CLIENT_ERROR stats cachedump not allowed\r\n"
    if len(tokens) < _CACHEDUMP_WORDS:
        return b"CLIENT_ERROR bad command line\r\n"
    slab_class, limit = (maybe_unsigned(token, U32) for token in tokens[2:4])
    if slab_class is None or limit is None:
        return BAD_LINE
    if slab_class > CLASSES_MAX:
        return b"CLIENT_ERROR Illegal slab id\r\n"
    room = _CACHEDUMP_MAX - len(END) - 1
    session.pending = partial(_dump_turn, session, slab_class | COLD, [], limit or U32, room)
    return None


def _dump_turn(session: Session, number: int, last: list[int], limit: int, room: int) -> bool | None:
    """Of list `number`, up to `limit` more items in `room` bytes at most, behind `last`, those of the last turn."""
    store, started = session.store, session.server.clock.started
    wanted = min(limit, _DUMP_TURN)
    handles = _following(store, number, last, wanted)
    for handle in handles:
        item = view(store, handle)
        expires = item.exptime + started if item.exptime else 0
        line = b"ITEM %b [%d b; %d s]\r\n" % (item.key, item.value_length, expires)
        room -= len(line)
        if room < 0:
            break
        if not item.binary:  # a line of text could not show it
            session.out.append(line)
    limit -= len(handles)
    if len(handles) < wanted or not limit or room < 0:
        session.out.append(END)  # in one reply with the last lines: some clients read no further
        return None
    session.pending = partial(_dump_turn, session, number, handles, limit, room)
    return True


def _following(store: Store, number: int, last: list[int], count: int) -> list[int]:
    """The next items of a list, behind the hindmost of `last` that still has its place; of an empty `last`, the first.

    An item that was moved to the head meanwhile is behind none of `last` any more, nor is one in a chunk used anew.
    """
    words, handle = store.arena.words, 0
    for place in reversed(last[1:]):
        meta, before = words[(place << 1) + META], words[(place << 1) + PREV]
        if meta & LINKED and meta >> LIST_SHIFT & LIST_MASK == number and before in last:
            handle = words[(place << 1) + NEXT]
            break
    found: list[int] = []
    handle = handle if last else store.lru.head[number]
    while handle and len(found) < count:
        found.append(handle)
        handle = words[(handle << 1) + NEXT]
    return found


# stats sizes


def sizes(session: Session, tokens: list[bytes]) -> bytes | None:
    """stats sizes: how many items there are of each size, in steps of 32 bytes, while that is asked for.

    Counted when asked, so that nothing is paid for it before.
    """
    if not session.server.tunables.track_sizes:
        return b"STAT sizes_status disabled\r\n" + END
    walk = ItemWalk(session.store, range(1, CLASSES_MAX + 1))
    session.pending = partial(_sizes_turn, session, walk, Counter())
    return None


def _sizes_turn(session: Session, walk: ItemWalk, counted: Counter[int]) -> bool | None:
    store, first = session.store, session.server.tunables.sizes_since
    for handle in walk.step(_WALK_TURN):
        if store.cas_of(handle) > first:
            size = store.size_of(handle)
            counted[size + -size % _SIZE_STEP] += 1
    if not walk.done:
        session.pending = partial(_sizes_turn, session, walk, counted)
        return True
    session.out.extend(b"STAT %d %d\r\n" % line for line in sorted(counted.items()))
    session.out.append(END)
    return None


def sizes_enable(session: Session, tokens: list[bytes]) -> bytes:
    """stats sizes_enable: from now on, items stored later; they are told by their CAS ids. No END, as ever."""
    if not session.store.options.cas:
        return b"STAT sizes_status error\r\nSTAT sizes_error cas_support_disabled\r\n"
    tunables = session.server.tunables
    if not tunables.track_sizes:
        tunables.track_sizes, tunables.sizes_since = True, session.store.cas_counter
    return b"STAT sizes_status enabled\r\n"


def sizes_disable(session: Session, tokens: list[bytes]) -> bytes:
    """stats sizes_disable. No END either."""
    session.server.tunables.track_sizes = False
    return b"STAT sizes_status disabled\r\n"
