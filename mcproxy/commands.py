"""PROXY_COMMANDS: what each command of a client does.

Every number of a line is checked before it is sent on: a line that a server refuses while its value still
comes would put the connection, which all clients share, out of step. Upstream goes the full form, never
`noreply`; the reply is dropped here instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from mcproto.encode import CRLF, END, OK
from mcproto.grammar import maybe_exptime, maybe_unsigned
from mcproto.limits import KEY_MAX
from mcproto.request_parser import Command, ValueBlock
from mcproxy.admin_router import ADMIN_PREFIX, AdminRouter, admin_block
from mcproxy.gather import Gather
from mcproxy.lease_commands import lease_get, lease_set, metaget
from mcproxy.long_get import PIECE_KEYS, LongGet, pieces_of_line, pieces_of_list
from mcproxy.meta_commands import meta_arithmetic, meta_debug, meta_delete, meta_get, meta_noop, meta_set
from mcproxy.multiget import FEW_KEYS, MultiGet, Router
from mcproxy.outcome import Result, error_line
from mcproxy.request import Op, Request, Waiter
from mcproxy.session import LARGE_VALUE, NUL, ClientSession

_AFTER_UNDERSCORE = b"`"

DISABLED = error_line("Command disabled")

Handler = Callable[[ClientSession, list[bytes]], bool | None]
StorageHandler = Callable[[ClientSession, list[bytes], ValueBlock], bool | None]

_GET = Op.GET.value


def get(session: ClientSession, tokens: list[bytes]) -> bool:
    """`get key*`. One key alone is the commonest request of all: it takes the shortest way."""
    if len(tokens) != 2:
        return _get_many(session, _GET, b"get ", tokens[1:])
    key = tokens[1]
    if len(key) > KEY_MAX or NUL in key or _AFTER_UNDERSCORE > key >= b"_":  # quicker than to look at a byte
        if key.startswith(ADMIN_PREFIX):
            return _answer_admin(session, key)
        if len(key) > KEY_MAX or NUL in key:
            return session.bad_key()
    request = Request(_GET, key, b"get %b\r\n" % key, session)
    session.places.append(request)
    service = session.service
    service.commands[_GET] += 1
    service.routing.route(request)
    return False


def _answer_admin(session: ClientSession, key: bytes) -> bool:
    """`get __mcrouter__.version`, ...: see admin_keys.py."""
    value = session.service.admin_value(key[len(ADMIN_PREFIX) :])
    session.say(admin_block(value, key) + END)
    return False


def gets(session: ClientSession, tokens: list[bytes]) -> bool:
    """`gets key*`."""
    return _get_many(session, Op.GETS, b"gets ", tokens[1:])


def gat(session: ClientSession, tokens: list[bytes]) -> bool:
    """`gat exptime key*`."""
    return _get_and_touch(session, Op.GAT, tokens)


def gats(session: ClientSession, tokens: list[bytes]) -> bool:
    """`gats exptime key*`."""
    return _get_and_touch(session, Op.GATS, tokens)


def _get_and_touch(session: ClientSession, op: Op, tokens: list[bytes]) -> bool:
    if len(tokens) < 3 or maybe_exptime(tokens[1]) is None:
        return session.malformed()
    return _get_many(session, op, b"%b %b " % (tokens[0], tokens[1]), tokens[2:])


def _get_many(session: ClientSession, op: int, start: bytes, keys: list[bytes]) -> bool:
    if not keys:
        return session.malformed()
    if max(map(len, keys)) > KEY_MAX or NUL in b"".join(keys):
        return session.bad_key()
    if len(keys) > 2 * PIECE_KEYS:
        return _get_long(session, op, start, pieces_of_list(keys))
    service = session.service
    service.commands[op] += len(keys)
    if len(keys) == 1:
        request = Request(op, keys[0], b"%b%b\r\n" % (start, keys[0]), session)
        session.places.append(request)
        service.routing.route(request)
        return False
    together = MultiGet(op, start, keys, session)
    session.places.append(together)
    if not session.is_watched:
        service.held.watch(session)
    if len(keys) < FEW_KEYS and ADMIN_PREFIX in b" ".join(keys):
        together.send(AdminRouter(service.routing, service.admin_value))
    else:
        together.send(service.routing)
    return False


def _get_long(session: ClientSession, op: int, start: bytes, pieces: Iterator[list[bytes]]) -> bool:
    """A get of so many keys that others must have their turn meanwhile."""
    service, places = session.service, session.places

    def begin(keys: list[bytes], above: Waiter) -> tuple[MultiGet, Router]:
        service.commands[op] += len(keys)
        return MultiGet(op, start, keys, above), service.routing

    first = next(pieces, None)
    if first is None:
        return session.malformed()
    together = LongGet(chain([first], pieces), begin, session, service.loop.call_soon, lambda: bool(places))
    places.append(together)
    if not session.is_watched:
        service.held.watch(session)
    together.go_on()
    return False


def get_long(session: ClientSession, line: bytes) -> bool:
    """`get key*`, of up to eight megabytes."""
    return _get_line(session, _GET, b"get ", line)


def gets_long(session: ClientSession, line: bytes) -> bool:
    """`gets key*`, the same."""
    return _get_line(session, Op.GETS, b"gets ", line)


def _get_line(session: ClientSession, op: int, start: bytes, line: bytes) -> bool:
    if NUL in line:
        return session.bad_key()
    return _get_long(session, op, start, pieces_of_line(line, len(start) - 1))


def _update(op: Op, word_count: int) -> StorageHandler:
    """A storage command whose full line has `word_count` words, flags and exptime third and fourth."""
    code = op.value

    def handler(session: ClientSession, tokens: list[bytes], value: ValueBlock) -> bool:
        quiet = len(tokens) > word_count and tokens[-1] == b"noreply"
        if quiet:
            tokens.pop()
        if value is None:
            return session.too_large(quiet)
        if len(tokens) != word_count or value[-2:] != CRLF:
            return session.malformed()
        flags, exptime = tokens[2], tokens[3]
        # plain short digits need no closer look
        is_plain = flags.isdigit() and exptime.isdigit() and len(flags) < 10 and len(exptime) < 10
        if (word_count == 6 or not is_plain) and not _has_numbers(tokens):
            return session.malformed()
        key = tokens[1]
        if len(key) > KEY_MAX or NUL in key:
            return session.bad_key(quiet)
        waiter = session.waiter(len(value), quiet) if quiet or len(value) >= LARGE_VALUE else session
        request = Request(code, key, b"".join((b" ".join(tokens), CRLF, value)), waiter)
        session.places.append(request)
        service = session.service
        service.commands[code] += 1
        service.routing.route(request)
        return False

    return handler


def _has_numbers(tokens: list[bytes]) -> bool:
    """Whether flags, exptime and, of a cas, the CAS unique are numbers."""
    if maybe_unsigned(tokens[2]) is None or maybe_exptime(tokens[3]) is None:
        return False
    return len(tokens) < 6 or maybe_unsigned(tokens[5]) is not None


def _on_key(op: Op, number: Callable[[bytes], int | None]) -> Handler:
    """A command of a key and one number: incr, decr, touch."""

    def handler(session: ClientSession, tokens: list[bytes]) -> bool:
        quiet = len(tokens) > 3 and tokens[-1] == b"noreply"
        if quiet:
            tokens.pop()
        if len(tokens) != 3 or number(tokens[2]) is None:
            return session.malformed()
        return _send(session, op, tokens, quiet)

    return handler


def delete(session: ClientSession, tokens: list[bytes]) -> bool:
    """`delete key [exptime] [noreply]`; the exptime 0 that old clients send is left out upstream."""
    quiet = len(tokens) > 2 and tokens[-1] == b"noreply"
    if quiet:
        tokens.pop()
    if len(tokens) == 3:
        exptime = maybe_exptime(tokens[2])
        if exptime is None:
            return session.malformed()
        if exptime == 0:
            tokens.pop()
    elif len(tokens) != 2:
        return session.malformed()
    return _send(session, Op.DELETE, tokens, quiet)


def _send(session: ClientSession, op: Op, tokens: list[bytes], quiet: bool) -> bool:
    key = tokens[1]
    if len(key) > KEY_MAX or NUL in key:
        return session.bad_key(quiet)
    request = Request(op, key, b"%b\r\n" % b" ".join(tokens), session.waiter(0, quiet))
    session.places.append(request)
    session.service.commands[op] += 1
    session.service.routing.route(request)
    return False


def flush_all(session: ClientSession, tokens: list[bytes]) -> bool:
    """`flush_all [delay] [noreply]` to every server; the worst reply counts."""
    quiet = tokens[-1] == b"noreply"
    if quiet:
        tokens.pop()
    if len(tokens) > 2 or (len(tokens) == 2 and maybe_exptime(tokens[1]) is None):
        return session.malformed()
    service = session.service
    service.commands[Op.FLUSH_ALL] += 1
    destinations = service.routing.destinations
    if not service.flush_enabled or not destinations:
        line = DISABLED if not service.flush_enabled else OK
        if not quiet:
            session.say(line)
        return False
    gather = Gather(len(destinations), session.waiter(0, quiet))
    session.places.append(gather)
    text = b"%b\r\n" % b" ".join(tokens)
    for destination in destinations:
        destination.send(Request(Op.FLUSH_ALL, b"", text, gather))
    return False


def version(session: ClientSession, tokens: list[bytes]) -> None:
    """`version`, answered here."""
    session.service.commands[Op.VERSION] += 1
    session.say(session.service.version_line)


def verbosity(session: ClientSession, tokens: list[bytes]) -> bool:
    """`verbosity N`: taken and ignored."""
    if len(tokens) < 2:
        return session.malformed()
    if tokens[-1] != b"noreply":
        session.say(OK)
    return False


def stats(session: ClientSession, tokens: list[bytes]) -> None:
    """`stats [group]`: of the proxy, see admin.py."""
    session.say(session.service.stats_text(b" ".join(tokens[1:]).decode("ascii", "replace")))


def shutdown(session: ClientSession, tokens: list[bytes]) -> None:
    """A client cannot stop the proxy that others share."""
    session.say_error(Result.LOCAL_ERROR, DISABLED)


def quit_(session: ClientSession, tokens: list[bytes]) -> bool:
    """`quit`: what was asked before is still answered."""
    return session.end()


PROXY_COMMANDS: dict[bytes, Command] = {
    b"get": Command(get, long_handler=get_long),
    b"set": Command(_update(Op.SET, 5), value_token=4),
    b"gets": Command(gets, long_handler=gets_long),
    b"delete": Command(delete),
    b"incr": Command(_on_key(Op.INCR, maybe_unsigned)),
    b"decr": Command(_on_key(Op.DECR, maybe_unsigned)),
    b"add": Command(_update(Op.ADD, 5), value_token=4),
    b"replace": Command(_update(Op.REPLACE, 5), value_token=4),
    b"append": Command(_update(Op.APPEND, 5), value_token=4),
    b"prepend": Command(_update(Op.PREPEND, 5), value_token=4),
    b"cas": Command(_update(Op.CAS, 6), value_token=4),
    b"touch": Command(_on_key(Op.TOUCH, maybe_exptime)),
    b"gat": Command(gat),
    b"gats": Command(gats),
    b"lease-get": Command(lease_get),
    b"lease-set": Command(lease_set, value_token=5),
    b"metaget": Command(metaget),
    b"mg": Command(meta_get),
    b"ms": Command(meta_set, value_token=2),
    b"md": Command(meta_delete),
    b"ma": Command(meta_arithmetic),
    b"me": Command(meta_debug),
    b"mn": Command(meta_noop),
    b"flush_all": Command(flush_all),
    b"version": Command(version),
    b"verbosity": Command(verbosity),
    b"stats": Command(stats),
    b"shutdown": Command(shutdown),
    b"quit": Command(quit_),
}
