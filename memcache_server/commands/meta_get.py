"""mg and mn (protocol.txt, "Meta Get", "Meta No-Op").

    mg key flag...  ->  EN | HD flag... | VA size flag... CRLF value CRLF

Flags act and return in the request's order, so `t T30 t` shows the old TTL and the new one. Behind them come
Z (somebody has won already), X (stale), W (this client wins: it shall store the item anew).

Most lines only ask for an item's value and header (`mg key f v t`), and most items bear no mark: these are answered
from the plan of the line's flags and the item's own text. All else is looked at closer.
"""

from mcproto import encode
from mcproto.limits import KEY_MAX
from mcproto.meta_flags import LONG_OPAQUE, FlagPlan, MetaLine, parse_meta
from memcache_server.commands.meta_reply import EN, HD, RETURN_FLAGS, ReplyForm, expires_at, line_token, line_tokens
from memcache_server.session import TURN_BYTES, Session
from memcache_server.store.chunk import BINARY, GAP_MASK, GAP_SHIFT, HAS_FLAGS, HAS_TTL, WON

_LARGE = 4096  # a reply of more bytes counts towards the turn
_AROUND = len(b"VALUE   \r\n")  # what an item's gap has beside the client flags and the length


# behind the line's own words: what a line that only reads may want of an item
_LENGTH, _FLAGS, _TTL, _UNIQUE = range(-4, 0)
_OF_ITEM = {b"s": (b" s%b", _LENGTH), b"f": (b" f%b", _FLAGS), b"t": (b"%b", _TTL), b"c": (b"%b", _UNIQUE)}

_READING = {b"c", b"f", b"k", b"O", b"q", b"s", b"t", b"v"}


class _Reading:
    """What a line of flags that only read is answered with."""

    __slots__ = ("hit", "miss", "quiet", "ttl", "unique", "value")

    def __init__(self, flags: dict[bytes, int], opaque_at: int) -> None:
        self.value, self.quiet, self.ttl, self.unique = (letter in flags for letter in (b"v", b"q", b"t", b"c"))
        of_line = {b"k": (b" k%b", 1), b"O": (b" %b", opaque_at)}
        of_any = of_line | _OF_ITEM
        parts = [of_any[letter] for letter in flags if letter in of_any]
        self.hit = ReplyForm(b"VA ", [(b"%b", _LENGTH), *parts]) if self.value and parts else ReplyForm(HD, parts)
        self.miss = ReplyForm(EN, [of_line[letter] for letter in flags if letter in of_line])


def _maybe_reading(plan: FlagPlan[_Reading]) -> _Reading | None:
    """What `meta_get` does by itself; None if `_look_closer` is to act on the flags one by one."""
    flags = plan.flags
    return _Reading(flags, plan.opaque_at) if flags is not None and flags.keys() <= _READING else None


_PLANS = FlagPlan(2, _maybe_reading)


def meta_noop(session: Session, tokens: list[bytes]) -> None:
    """MN: behind a batch of quiet commands it shows that all are done."""
    session.out.append(b"MN\r\n")


def meta_get(session: Session, tokens: list[bytes]) -> bool | None:
    """Look an item up, return and change what the flags say."""
    plan = _PLANS
    for token in tokens[2:]:
        plan = plan[token]
    reading, store, out = plan.compiled, session.store, session.out
    if reading is None or len(tokens) < 2 or (found := store.fetch(tokens[1])) is None:
        return _look_closer(session, tokens)
    handle, meta, text = found
    if not handle:
        _miss(session, tokens, reading)
        return None
    form, flags = reading.hit, b"0"
    if meta & HAS_FLAGS:
        flags, _, text = text.partition(b" ")
    if form.is_whole:
        out += (b"VA ", text) if reading.value else (form.text,)
    else:
        length = text[: (meta >> GAP_SHIFT & GAP_MASK) - _AROUND - len(flags)]
        ttl = RETURN_FLAGS[b"t"](store, handle) if reading.ttl and meta & HAS_TTL else b" t-1"
        unique = RETURN_FLAGS[b"c"](store, handle) if reading.unique else b""
        out.append(form.text % form.pick([*tokens, length, flags, ttl, unique]))
        if reading.value:
            out.append(text[len(length) + 2 :])
    return reading.value and len(text) > _LARGE and session.count_large(len(text))


def _miss(session: Session, tokens: list[bytes], reading: _Reading) -> None:
    form = reading.miss
    if len(tokens[1]) > KEY_MAX:
        session.out.append(encode.BAD_LINE)
        return
    session.stats.get_misses += 1
    if not reading.quiet:
        session.out.append(form.text if form.is_whole else form.text % form.pick(tokens))


def _look_closer(session: Session, tokens: list[bytes]) -> bool | None:
    """The same for any flags and items."""
    line = parse_meta(tokens) if len(tokens) > 1 else encode.BAD_LINE
    if isinstance(line, bytes):
        session.out.append(line)
        return None
    handle = session.store.find(line.key)
    if line.opaque_too_long:
        _refuse_opaque(session, line, handle)
        return None
    created = not handle and b"N" in line.flags
    if created:
        handle = _vivify(session, line)
    if handle:
        return _hit(session, line, handle, created)
    if created:
        session.out.append(encode.OUT_OF_MEMORY)
        return None
    session.stats.get_misses += 1
    if b"q" not in line.flags:
        session.out.append(b"%b%b\r\n" % (EN, line_tokens(line)))
    return None


def _refuse_opaque(session: Session, line: MetaLine, handle: int) -> None:
    """The error, after the look-up has had its effect."""
    if not handle:
        session.stats.get_misses += 1
    elif b"u" not in line.flags:
        session.store.use(handle)
    session.out.append(LONG_OPAQUE)


def _vivify(session: Session, line: MetaLine) -> int:
    """An empty item for a key that has none."""
    store = session.store
    handle = store.vivify(line.key, encode.CRLF)
    if handle and line.binary:
        store.mark(handle, BINARY)
    if handle and b"E" in line.flags:
        store.set_cas(handle, line.flags[b"E"])
    return handle


def _hit(session: Session, line: MetaLine, handle: int, created: bool) -> bool | None:
    store, flags = session.store, line.flags
    wanted = b"v" in flags and (b"C" not in flags or store.cas_of(handle) != flags[b"C"])
    returned, wins = _follow_flags(session, line, handle, created)
    has_won, stale = store.is_won(handle), store.is_stale(handle)
    wins = wins or (stale and not has_won)
    returned += (b" Z" if has_won else b"") + (b" X" if stale else b"") + (b" W" if wins else b"")
    if wins:
        store.mark(handle, WON)
    value = store.value(handle) if wanted else b""
    store.count_fetch(handle, touched=b"T" in flags, used=b"u" not in flags)
    if wanted:
        head = b"VA %d%b\r\n" % (len(value) - 2, returned)
        if not isinstance(value, bytes):
            session.out += (head, value)
            return session.count_large(TURN_BYTES)  # it ends the turn, however long the value itself is
        session.out.append(head + value)
        return len(value) > _LARGE and session.count_large(len(value))
    session.out.append(b"HD%b\r\n" % returned)
    return None


def _follow_flags(session: Session, line: MetaLine, handle: int, created: bool) -> tuple[bytes, bool]:
    """Act on each flag in turn: what they return, and whether this client wins by N or R."""
    store, returned, wins = session.store, b"", created
    for letter, number in line.flags.items():
        if letter in RETURN_FLAGS:
            returned += RETURN_FLAGS[letter](store, handle)
        elif letter == b"T" or (letter == b"N" and created):
            store.set_exptime(handle, expires_at(session, number))
        elif letter == b"R" and not created and not store.is_won(handle):
            wins = 0 != store.exptime_of(handle) < expires_at(session, number)
        else:
            returned += line_token(line, letter)
    return returned, wins
