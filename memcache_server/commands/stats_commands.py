"""stats and its sub-commands (protocol.txt, "Statistics")."""

from collections.abc import Callable, Iterable

from mcproto.encode import BAD_LINE, END, ERROR, OK, RESET
from mcproto.grammar import maybe_unsigned
from mcproto.limits import U32
from memcache_server import reports
from memcache_server.session import Session, Shared
from memcache_server.store.chunk import NEXT
from memcache_server.store.item_view import view
from memcache_server.store.segmented_lru import COLD
from memcache_server.store.slab_classes import CLASSES_MAX

_CACHEDUMP_WORDS = 4
_CACHEDUMP_MAX = 2 << 20

Lines = Iterable[tuple[str, int | str]]


def stats(session: Session, tokens: list[bytes]) -> None:
    """stats [reset|detail|settings|cachedump|conns|items|slabs|sizes]; the word may be cut short, as in 1.6.42."""
    if len(tokens) == 1:
        session.out.append(_report(reports.general(session.server).items()))
        return
    for name, answer in SUB_COMMANDS.items():
        if name.startswith(tokens[1]):
            session.out.append(answer(session, tokens))
            return
    session.out.append(ERROR)


def _reset(session: Session, tokens: list[bytes]) -> bytes:
    session.stats.reset()
    session.store.stats.reset()
    session.server.prefixes.clear()
    return RESET


def _report(lines: Lines) -> bytes:
    return b"".join(b"STAT %b %b\r\n" % (name.encode(), str(value).encode()) for name, value in lines) + END


def _settings(shared: Shared) -> Lines:
    return reports.settings(shared).items()


def _items(shared: Shared) -> Lines:
    for slab_class, report in reports.items(shared).items():
        for name, value in report.items():
            yield f"items:{slab_class}:{name}", value


def _slabs(shared: Shared) -> Lines:
    classes, totals = reports.slabs(shared)
    for slab_class, report in classes.items():
        for name, value in report.items():
            yield f"{slab_class}:{name}", value
    yield from totals.items()


def _sizes(shared: Shared) -> Lines:
    return (("sizes_status", "disabled"),)


def _conns(shared: Shared) -> Lines:
    for descriptor, report in reports.connections(shared).items():
        for name, value in report.items():
            yield f"{descriptor}:{name}", value


def _detail(session: Session, tokens: list[bytes]) -> bytes:
    server, word = session.server, tokens[2] if len(tokens) > 2 else b""
    if not server.settings.dump_enabled:
        return b"CLIENT_ERROR stats detail not allowed\r\n"
    if word == b"dump":
        return server.prefixes.dump() + END
    if word not in (b"on", b"off"):
        return b"CLIENT_ERROR usage: stats detail on|off|dump\r\n"
    server.prefixes.enabled = word == b"on"
    server.observe()
    return OK


def _cachedump(session: Session, tokens: list[bytes]) -> bytes:
    if not session.server.settings.dump_enabled:
        return b"CLIENT_ERROR stats cachedump not allowed\r\n"
    if len(tokens) < _CACHEDUMP_WORDS:
        return b"CLIENT_ERROR bad command line\r\n"
    slab_class, limit = (maybe_unsigned(token, U32) for token in tokens[2:4])
    if slab_class is None or limit is None:
        return BAD_LINE
    if slab_class > CLASSES_MAX:
        return b"CLIENT_ERROR Illegal slab id\r\n"
    return _dump_list(session, slab_class | COLD, limit or U32) + END


def _dump_list(session: Session, number: int, limit: int) -> bytes:
    """`ITEM key [n b; time s]` lines of a list, head first, at most `limit` of them and 2 MB."""
    store, started = session.store, session.server.clock.started
    lines: list[bytes] = []
    size, handle = len(END) + 1, store.lru.head[number]
    while handle and len(lines) < limit:
        item = view(store, handle)
        expires = item.exptime + started if item.exptime else 0
        line = b"ITEM %b [%d b; %d s]\r\n" % (item.key, item.value_length, expires)
        size += len(line)
        if size > _CACHEDUMP_MAX:
            break
        if not item.binary:  # a line of text could not show it
            lines.append(line)
        handle = store.arena.words[(handle << 1) + NEXT]
    return b"".join(lines)


def _reported(lines: Callable[[Shared], Lines]) -> Callable[[Session, list[bytes]], bytes]:
    return lambda session, tokens: _report(lines(session.server))


# In the order in which a word cut short is matched.
SUB_COMMANDS: dict[bytes, Callable[[Session, list[bytes]], bytes]] = {
    b"reset": _reset,
    b"detail": _detail,
    b"settings": _reported(_settings),
    b"cachedump": _cachedump,
    b"conns": _reported(_conns),
    b"items": _reported(_items),
    b"slabs": _reported(_slabs),
    b"sizes": _reported(_sizes),
}
