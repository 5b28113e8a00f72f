"""ms (protocol.txt, "Meta Set").

    ms key length flag... CRLF value CRLF  ->  HD | NS | EX | NF

The line is judged before the value, and the value's bytes are gone either way.

Most lines only store over whatever is there (`ms key 5 T30 F1`): these are answered from the plan of their flags.
"""

from collections.abc import Callable

from mcproto import encode
from mcproto.encode import CRLF
from mcproto.limits import KEY_MAX
from mcproto.meta_flags import LONG_OPAQUE, FlagPlan, MetaLine, parse_meta
from memcache_server.commands.meta_reply import BAD_SET_MODE, EX, HD, NF, NS, ReplyForm, expires_at, line_token
from memcache_server.commands.storage import (
    STORE_REPLY,
    count_failure,
    ends_line,
    has_room,
    is_too_large,
    refuse_for_memory,
    refuse_large,
)
from memcache_server.session import Session
from memcache_server.store import StoreResult, Value
from memcache_server.store.chunk import BINARY, ITEM_OVERHEAD, STALE, WON

_STORED, _NOT_STORED = StoreResult.STORED.value, StoreResult.NOT_STORED.value
_EXISTS, _NOT_FOUND = StoreResult.EXISTS.value, StoreResult.NOT_FOUND.value
_OUTCOME = {_STORED: HD, _NOT_STORED: NS, _EXISTS: EX, _NOT_FOUND: NF}


class _Item:
    """What is to be stored."""

    __slots__ = ("client_flags", "exptime", "line", "value")

    def __init__(self, session: Session, line: MetaLine, value: Value) -> None:
        self.line = line
        self.client_flags = b"%d" % line.flags.get(b"F", 0)
        self.exptime = expires_at(session, line.flags.get(b"T", 0))
        self.value = value


_STORING = {b"c", b"F", b"k", b"M", b"O", b"q", b"s", b"T"}
_ROOM = KEY_MAX + ITEM_OVERHEAD + 4  # what an item needs at most beside its value

# behind the line's own words: what is returned of an item
_LENGTH, _UNIQUE = range(-2, 0)


class _Storing:
    """What a line of flags that store over anything does, and is answered with."""

    __slots__ = ("client_flags", "exptime", "of_item", "quiet", "reply")

    def __init__(self, flags: dict[bytes, int], opaque_at: int) -> None:
        self.client_flags = b"%d" % flags.get(b"F", 0)
        self.exptime = flags.get(b"T", 0)
        self.quiet = b"q" in flags
        self.of_item = b"s" in flags or b"c" in flags
        parts = {b"k": (b" k%b", 1), b"O": (b" %b", opaque_at), b"s": (b" s%d", _LENGTH), b"c": (b" c%d", _UNIQUE)}
        self.reply = ReplyForm(HD, [parts[letter] for letter in flags if letter in parts])


def _maybe_storing(plan: FlagPlan[_Storing]) -> _Storing | None:
    """What `meta_set` does by itself; None if `_look_closer` is to act on the flags one by one."""
    flags = plan.flags
    if flags is None or not flags.keys() <= _STORING or (b"M" in flags and plan.mode != b"S"):
        return None
    return _Storing(flags, plan.opaque_at)


_PLANS = FlagPlan(3, _maybe_storing)


def meta_set(session: Session, tokens: list[bytes], value: Value | None) -> None:
    """Store in one of the modes."""
    plan = _PLANS
    for token in tokens[3:]:
        plan = plan[token]
    storing, store, key = plan.compiled, session.store, tokens[1]
    if (
        storing is None
        or not isinstance(value, bytes)
        or len(value) + _ROOM > store.options.item_size_max
        or value[-2:] != CRLF
        or len(key) > KEY_MAX
    ):
        _look_closer(session, tokens, value)
        return
    exptime = storing.exptime and expires_at(session, storing.exptime)
    result = store.set(key, storing.client_flags, exptime, value)
    if result:
        count_failure(session, result, key, storing.client_flags, len(value))
        session.out.append(STORE_REPLY[result])
    elif not storing.quiet:
        form = storing.reply
        if form.is_whole:
            session.out.append(form.text)
        elif storing.of_item:
            fields: list[object] = [*tokens, len(value) - 2, store.cas_counter]
            session.out.append(form.text % form.pick(fields))
        else:
            session.out.append(form.text % form.pick(tokens))


def _look_closer(session: Session, tokens: list[bytes], value: Value | None) -> None:
    """The same for any flags and values."""
    line = parse_meta(tokens, first_flag=3)
    if isinstance(line, bytes):
        session.out.append(line)
        return
    mode = line.mode if b"M" in line.flags else b"S"
    if mode not in _MODES:
        session.out.append(BAD_SET_MODE)
    elif line.opaque_too_long:
        session.out.append(LONG_OPAQUE)
    elif is_too_large(session, line.key, b"%d" % line.flags.get(b"F", 0), int(tokens[2]) + 2):
        session.out.append(refuse_large(session, b"set", line.key))
    elif value is None or not has_room(value):
        session.out.append(refuse_for_memory(session, b"set", line.key))
    elif not ends_line(value):
        session.store.count_refused(line.key, b"%d" % line.flags.get(b"F", 0), len(value))
        session.out.append(encode.BAD_DATA)
    else:
        item = _Item(session, line, value)
        _answer(session, item, _MODES[mode](session, item))


def _answer(session: Session, item: _Item, result: int) -> None:
    store, flags, handle = session.store, item.line.flags, 0
    if result == _STORED:
        handle = store.index.find(item.line.key)
        if item.line.binary:
            store.mark(handle, BINARY)
        if b"E" in flags:
            store.set_cas(handle, flags[b"E"])
    else:
        count_failure(session, result, item.line.key, item.client_flags, len(item.value))
    if result not in _OUTCOME:
        session.out.append(STORE_REPLY[result])
    elif result != _STORED or b"q" not in flags:
        session.out.append(b"%b%b\r\n" % (_OUTCOME[result], _returned(session, item, handle)))


def _returned(session: Session, item: _Item, handle: int) -> bytes:
    """What the flags return; of an item that was not stored CAS unique 0 and the size that was sent."""
    store, returned = session.store, b""
    for letter in item.line.flags:
        if letter == b"c":
            returned += b" c%d" % (store.cas_of(handle) if handle else 0)
        elif letter == b"s":
            returned += b" s%d" % (store.value_length(handle) if handle else len(item.value) - 2)
        else:
            returned += line_token(item.line, letter)
    return returned


# modes


def _set(session: Session, item: _Item) -> int:
    if b"C" in item.line.flags:
        return _compare_and_set(session, item)
    return session.store.set(item.line.key, item.client_flags, item.exptime, item.value)


def _add(session: Session, item: _Item) -> int:
    return session.store.add(item.line.key, item.client_flags, item.exptime, item.value)


def _replace(session: Session, item: _Item) -> int:
    if b"C" in item.line.flags:
        return _compare_and_set(session, item)
    return session.store.replace(item.line.key, item.client_flags, item.exptime, item.value)


def _compare_and_set(session: Session, item: _Item) -> int:
    """Store over the item with the CAS unique given; with I over a newer one too, but then it stays stale."""
    store, key, unique = session.store, item.line.key, item.line.flags[b"C"]
    handle = store.find(key)
    if handle and b"I" in item.line.flags and 0 < unique < store.cas_of(handle):
        store.count_cas_hit(handle)
        marks = STALE | (WON if store.is_won(handle) else 0)
        result = store.replace(key, item.client_flags, store.exptime_of(handle), item.value)
        if result == _STORED:
            store.mark(store.index.find(key), marks)
        return result
    result = store.compare_and_set(key, item.client_flags, item.exptime, item.value, unique)
    if result == _NOT_FOUND:
        session.stats.cas_misses += 1
    return result


def _append(session: Session, item: _Item) -> int:
    return _extend(session, item, session.store.append)


def _prepend(session: Session, item: _Item) -> int:
    return _extend(session, item, session.store.prepend)


def _extend(session: Session, item: _Item, extend: Callable[[bytes, Value, bytes], int]) -> int:
    """Append or prepend; N stores what is missing, C compares unless it is 0."""
    store, key, flags = session.store, item.line.key, item.line.flags
    handle = store.find(key)
    if not handle and b"N" in flags:
        return store.add(key, item.client_flags, expires_at(session, flags[b"N"]), item.value)
    if handle and flags.get(b"C", 0) and store.cas_of(handle) != flags[b"C"]:
        return _EXISTS
    return extend(key, item.value, item.client_flags)


_MODES: dict[bytes, Callable[[Session, _Item], int]] = {
    b"S": _set,
    b"E": _add,
    b"A": _append,
    b"P": _prepend,
    b"R": _replace,
}
