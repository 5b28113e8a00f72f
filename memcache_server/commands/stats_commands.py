"""stats and its sub-commands (protocol.txt, "Statistics")."""

from collections.abc import Callable, Iterable

from mcproto.encode import END, ERROR, OK, RESET
from memcache_server import reports
from memcache_server.commands import item_reports
from memcache_server.session import Session, Shared

Lines = Iterable[tuple[str, int | str]]
Answer = Callable[[Session, list[bytes]], bytes | None]
"""What answers a group of stats: the reply, or None when it left it to the next turns."""


def stats(session: Session, tokens: list[bytes]) -> bool | None:
    """stats [group ...]; the words of GROUPS may be cut short, as in 1.6.42."""
    if len(tokens) == 1:
        session.out.append(_report(reports.general(session.server).items()))
        return None
    answer = _WHOLE_WORDS.get(tokens[1]) or _by_prefix(tokens[1])
    reply = ERROR if answer is None else answer(session, tokens)
    if reply is None:  # the rest comes in later turns
        return True
    session.out.append(reply)
    return None


def _by_prefix(word: bytes) -> Answer | None:
    return next((answer for name, answer in GROUPS.items() if name.startswith(word)), None)


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


def _conns(session: Session, tokens: list[bytes]) -> bytes:
    """Who asks matters: its command is being answered."""
    found = reports.connections(session.server, session.peer)
    return _report((f"{number}:{name}", value) for number, report in found.items() for name, value in report.items())


def _reported(lines: Callable[[Shared], Lines]) -> Answer:
    return lambda session, tokens: _report(lines(session.server))


# In the order in which a word cut short is matched.
GROUPS: dict[bytes, Answer] = {
    b"reset": _reset,
    b"detail": _detail,
    b"settings": _reported(_settings),
    b"cachedump": item_reports.cachedump,
    b"conns": _conns,
}
_WHOLE_WORDS: dict[bytes, Answer] = {
    b"items": _reported(_items),
    b"slabs": _reported(_slabs),
    b"sizes": item_reports.sizes,
    b"sizes_enable": item_reports.sizes_enable,
    b"sizes_disable": item_reports.sizes_disable,
}
