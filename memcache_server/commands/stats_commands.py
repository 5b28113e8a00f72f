"""stats and its sub-commands (protocol.txt, "Statistics")."""

from collections.abc import Callable, Iterable

from mcproto.encode import END, ERROR, RESET
from memcache_server import reports
from memcache_server.session import Session, Shared

Lines = Iterable[tuple[str, int | str]]


def stats(session: Session, tokens: list[bytes]) -> None:
    """stats [settings|items|slabs|reset|sizes]; the word may be cut short, as in 1.6.42."""
    if len(tokens) == 1:
        session.out.append(_report(reports.general(session.server).items()))
        return
    for name, lines in SUB_COMMANDS.items():
        if name.startswith(tokens[1]):
            session.out.append(RESET if lines is None else _report(lines(session.server)))
            if lines is None:
                session.stats.reset()
                session.store.stats.reset()
            return
    session.out.append(ERROR)


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


# In the order in which a word cut short is matched; None resets.
SUB_COMMANDS: dict[bytes, Callable[[Shared], Lines] | None] = {
    b"reset": None,
    b"settings": _settings,
    b"items": _items,
    b"slabs": _slabs,
    b"sizes": _sizes,
}
