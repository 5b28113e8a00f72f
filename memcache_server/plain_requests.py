"""The short way for the requests that nearly all clients send: whole `get key`, and `set key 0 0 bytes` with its value.

What a read begins with of these is matched by one pattern, a run of gets at once. The first request that is
anything else (another command, flags, an exptime, noreply, a value cut by TCP, a mistake) goes to the parser with all
that follows, so nothing is decided here that commands/ would decide otherwise. Instructions in Python saved by it:
27 % of a pipelined get, 11 % of a pipelined set, 14 % of a lone get.
"""

import re

from mcproto.encode import CRLF, END
from mcproto.limits import KEY_MAX
from memcache_server.commands.retrieval import LARGE
from memcache_server.commands.storage import STORE_REPLY, count_failure
from memcache_server.session import TURN_BYTES, Session
from memcache_server.store import Store

_KEY = rb"[^ \r\n]{1,250}+"  # KEY_MAX; possessive: what follows decides, and no shorter key is tried
_match = re.compile(rb"(?:get %b\r\n){1,20}+|set (%b) 0 0 (\d{1,5})\r\n" % (_KEY, _KEY)).match
_GET_SIZE = len(b"get \r\n")
_LONE_GET_MAX = _GET_SIZE + KEY_MAX
_G, _BLANK = b"g "


def take_plain(session: Session, data: bytes, position: int, most: int) -> int:
    """Handle the plain requests that stand in `data` from `position`, `most` at most. Returns where they end, or, when
    the turn is over with them, the complement of that number.
    """
    store, append, size = session.store, session.out.append, len(data)
    if type(store) is not Store:
        return position  # observed: each command is told of
    if size <= _LONE_GET_MAX and data[0] == _G:
        # what comes most of all, alone in its read; to split it costs less than to match it
        words = data.split()
        if (
            len(words) == 2 and words[0] == b"get" and data[-2:] == CRLF
            and len(words[1]) == size - _GET_SIZE and data[3] == _BLANK  # so nothing else is no word
        ):  # fmt: skip
            text = store.get(words[1])
            if text is None:
                session.stats.get_misses += 1
                append(END)
                return size
            append(text)
            append(END)
            return ~size if len(text) > LARGE and session.count_large(len(text)) else size
    while position < size:
        if most <= 0:
            return ~position
        found = _match(data, position)
        if found is None:
            break
        end = found.end()
        if found.lastindex is None:
            keys = data[position + 4 : end - 2].split(b"\r\nget ", most)
            del keys[most:]  # what the split has left of the run
            handled = _get(session, keys)
            most -= handled
            position += sum(map(len, keys[:handled])) + handled * _GET_SIZE
            if session.out_bytes >= TURN_BYTES:
                return ~position
            continue
        key, length = found[1], int(found[2]) + 2
        end += length
        if end > size or data[end - 1] != 10 or data[end - 2] != 13:
            break
        result = store.set(key, b"0", 0, data[end - length : end])
        if result:
            count_failure(session, result, key, b"0", length)
        append(STORE_REPLY[result])
        position, most = end, most - 1
    return position


def _get(session: Session, keys: list[bytes]) -> int:
    """Answer each key by itself. How many there were, or were answered when the turn's replies were enough."""
    get, append, misses, handled = session.store.get, session.out.append, 0, 0
    for key in keys:
        handled += 1
        text = get(key)
        if text is None:
            misses += 1
        else:
            append(text)
            if len(text) > LARGE and session.count_large(len(text)):
                append(END)
                break
        append(END)
    session.stats.get_misses += misses
    return handled
