"""The short way for the requests that nearly all clients send: whole `get key`, and whole `set` of a small value.

They are read without a token list for each and without a handler's call. The first request that is anything else
(another command, several keys, unusual numbers, a value cut by TCP, a mistake) goes to the parser with all that
follows, so nothing is decided here that commands/ would decide otherwise.
"""

import re

from mcproto.encode import END
from mcproto.grammar import SMALL_NUMBERS
from mcproto.limits import KEY_MAX
from memcache_server.commands.retrieval import LARGE, get_texts
from memcache_server.commands.storage import STORE_REPLY, count_failure
from memcache_server.session import TURN_BYTES, Session
from memcache_server.store import LargeText, Store
from memcache_server.store.exptime import to_absolute

_KEY = rb"[^ \r\n]{1,250}+"  # KEY_MAX; possessive: what follows decides, and no shorter key is tried
_match_gets = re.compile(rb"(?:get %b\r\n){1,20}+" % _KEY).match
_match_set = re.compile(rb"set (%b) (0|[1-9]\d{0,8}+) (\d{1,9}+) (\d{1,4}+)( noreply)?\r\n" % _KEY).match
_GET_SIZE = len(b"get \r\n")
_LONE_GET_MAX = _GET_SIZE + KEY_MAX
_G, _S, _BLANK, _CR, _LF = b"gs \r\n"


def take_plain(session: Session, data: bytes, position: int, most: int) -> int:
    """Handle the plain requests that stand in `data` from `position`, `most` at most. Returns where they end, or, when
    the turn is over with them, the complement of that number.
    """
    store, size, first = session.store, len(data), data[position]
    if (first != _G and first != _S) or type(store) is not Store:
        return position  # another command, or a store that is observed: each command is told of
    if first == _G and size <= _LONE_GET_MAX and not position:
        # what comes most of all, alone in its read; to split it costs less than to match it
        words = data.split()
        if (
            len(words) == 2 and words[0] == b"get" and data[-1] == _LF and data[-2] == _CR
            and len(words[1]) == size - _GET_SIZE and data[3] == _BLANK  # so nothing else is no word
        ):  # fmt: skip
            text = store.get(words[1])
            if text is None:
                session.stats.get_misses += 1
                session.out.append(END)
            elif type(text) is bytes and len(text) <= LARGE:
                session.out.append(text + END)
            else:
                session.out += (text, END)
                return ~size if session.count_large(len(text)) else size
            return size
    return _take_run(session, data, position, most)


def _take_run(session: Session, data: bytes, position: int, most: int) -> int:
    """Several, or a set: as `take_plain`."""
    store, size = session.store, len(data)
    while position < size:
        if most <= 0:
            return ~position
        if data[position] == _G:
            start = position
            position, most = _take_gets(session, data, position, most)
            if most < 0:
                return ~position
            if position == start:
                break
            continue
        found = _match_set(data, position)
        if found is None:
            break
        key, flags, exptime, digits, noreply = found.groups()
        length = (SMALL_NUMBERS.get(digits) or int(digits)) + 2
        end = found.end() + length
        if end > size or data[end - 1] != _LF or data[end - 2] != _CR:
            break
        at = 0 if exptime == b"0" else to_absolute(int(exptime), store.now, session.server.clock.started)
        result = store.set(key, flags, at, data[end - length : end])
        if result:
            count_failure(session, result, key, flags, length)
        if noreply is None:
            session.out.append(STORE_REPLY[result])
        position, most = end, most - 1
    return position


def _take_gets(session: Session, data: bytes, position: int, most: int) -> tuple[int, int]:
    """Answer the gets of one key from `position`: where they end, and how many more requests the turn may take, or -1
    when their replies were enough for a turn.
    """
    while most and (found := _match_gets(data, position)) is not None:
        end = found.end()
        keys = data[position + 4 : end - 2].split(b"\r\nget ", most)
        del keys[most:]  # what the split has left of the run
        texts = get_texts(session, keys, LARGE)
        pieces: list[bytes | LargeText | None] = [END] * (2 * len(texts))
        pieces[::2] = texts
        session.out += filter(None, pieces) if None in texts else pieces  # type: ignore[arg-type]
        most -= len(texts)
        position += sum(map(len, keys[: len(texts)])) + len(texts) * _GET_SIZE
        if session.out_bytes >= TURN_BYTES:
            return position, -1
    return position, most
