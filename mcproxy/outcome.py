"""What a reply means: the result codes of mcrouter, and every judgement about them. Pure.

Routes never compare reply bytes: they see a `Result` and ask here. A result below FIRST_ERROR is an
ordinary outcome, from there on it is an error, so the common question is one comparison.
"""

from enum import IntEnum
from typing import NamedTuple

from mcproto.reply_parser import Kind


class Result(IntEnum):
    """Result codes; their names in messages are mcrouter's (`mc_res_timeout`)."""

    OK = 0
    STORED = 1
    EXISTS = 2
    DELETED = 3
    FOUND = 4
    TOUCHED = 5
    NOTFOUND = 6
    NOTSTORED = 7
    # errors
    TIMEOUT = 8
    CONNECT_TIMEOUT = 9
    CONNECT_ERROR = 10
    BUSY = 11
    TRY_AGAIN = 12
    SHUTDOWN = 13
    TKO = 14
    BAD_KEY = 15
    BAD_VALUE = 16
    ABORTED = 17
    DEADLINE_EXCEEDED = 18
    REMOTE_ERROR = 19
    LOCAL_ERROR = 20
    CLIENT_ERROR = 21
    BAD_COMMAND = 22
    OOO = 23
    UNKNOWN = 24
    BAD_FLAGS = 25
    BAD_EXPTIME = 26
    BAD_LEASE_ID = 27
    BAD_CAS_ID = 28


FIRST_ERROR = Result.TIMEOUT.value


class Outcome(NamedTuple):
    """A row of OUTCOMES: how bad, what an ASCII client reads, and whether failover helps by default."""

    severity: int
    line: bytes
    fails_over: bool = False


OUTCOMES: dict[Result, Outcome] = {
    Result.OK: Outcome(1, b"OK\r\n"),
    Result.STORED: Outcome(1, b"STORED\r\n"),
    Result.EXISTS: Outcome(1, b"EXISTS\r\n"),
    Result.DELETED: Outcome(1, b"DELETED\r\n"),
    Result.FOUND: Outcome(1, b"END\r\n"),
    Result.NOTFOUND: Outcome(4, b"NOT_FOUND\r\n"),
    Result.NOTSTORED: Outcome(4, b"NOT_STORED\r\n"),
    Result.OOO: Outcome(5, b"SERVER_ERROR out of order\r\n"),
    Result.TIMEOUT: Outcome(5, b"SERVER_ERROR timeout\r\n", True),
    Result.CONNECT_TIMEOUT: Outcome(5, b"SERVER_ERROR connection timeout\r\n", True),
    Result.CONNECT_ERROR: Outcome(5, b"SERVER_ERROR connection error\r\n", True),
    Result.BUSY: Outcome(5, b"SERVER_ERROR 307 busy\r\n", True),
    Result.TRY_AGAIN: Outcome(5, b"SERVER_ERROR 302 try again\r\n", True),
    Result.SHUTDOWN: Outcome(5, b"SERVER_ERROR 301 shutdown\r\n", True),
    Result.TKO: Outcome(5, b"SERVER_ERROR unavailable\r\n", True),
    Result.BAD_KEY: Outcome(6, b"CLIENT_ERROR bad key\r\n"),
    Result.BAD_VALUE: Outcome(6, b"SERVER_ERROR bad value\r\n"),
    Result.ABORTED: Outcome(6, b"SERVER_ERROR aborted\r\n"),
    Result.DEADLINE_EXCEEDED: Outcome(6, b"SERVER_ERROR request deadline exceeded\r\n", True),
    Result.REMOTE_ERROR: Outcome(7, b"SERVER_ERROR remote error\r\n", True),
    Result.UNKNOWN: Outcome(7, b"SERVER_ERROR remote error\r\n"),
    Result.LOCAL_ERROR: Outcome(8, b"SERVER_ERROR local error\r\n", True),
    Result.CLIENT_ERROR: Outcome(9, b"CLIENT_ERROR\r\n"),
    # a quirk of mcrouter's: among several replies a TOUCHED is worse than a NOT_FOUND
    Result.TOUCHED: Outcome(10, b"TOUCHED\r\n"),
    Result.BAD_COMMAND: Outcome(10, b"CLIENT_ERROR malformed request\r\n"),
    Result.BAD_FLAGS: Outcome(10, b"CLIENT_ERROR bad flags\r\n"),
    Result.BAD_EXPTIME: Outcome(10, b"CLIENT_ERROR bad exptime\r\n"),
    Result.BAD_LEASE_ID: Outcome(10, b"CLIENT_ERROR bad lease_id\r\n"),
    Result.BAD_CAS_ID: Outcome(10, b"CLIENT_ERROR bad cas_id\r\n"),
}

SOFT_TKO_RESULTS = frozenset({Result.TIMEOUT})
HARD_TKO_RESULTS = frozenset({Result.CONNECT_ERROR, Result.CONNECT_TIMEOUT, Result.SHUTDOWN})

HITS = frozenset({Result.FOUND, Result.STORED, Result.DELETED, Result.TOUCHED})

FAILOVER_ERRORS = frozenset(result for result, outcome in OUTCOMES.items() if outcome.fails_over)
_SEVERITIES = tuple(OUTCOMES[result].severity for result in Result)
_APPLICATION_ERRORS = {
    b"301": Result.SHUTDOWN.value,
    b"302": Result.TRY_AGAIN.value,
    b"307": Result.BUSY.value,
}


def is_error(result: int) -> bool:
    """Neither a hit nor a miss."""
    return result >= FIRST_ERROR


def is_hit(result: int) -> bool:
    """Whether there was, or is now, what was asked for."""
    return result in HITS


def is_failover_error(result: int) -> bool:
    """Whether another child is asked, unless a route says which errors count."""
    return result in FAILOVER_ERRORS


def is_soft_tko(result: int) -> bool:
    """Counts toward taking a server out."""
    return result in SOFT_TKO_RESULTS


def is_hard_tko(result: int) -> bool:
    """Takes a server out at once."""
    return result in HARD_TKO_RESULTS


def is_unreachable(result: int) -> bool:
    """Whether the server was not even asked: it is out, or cannot be connected to."""
    return result == Result.TKO or result in HARD_TKO_RESULTS


def severity(result: int) -> int:
    """The greater, the worse; what fan-out routes compare."""
    return _SEVERITIES[result]


def result_name(result: int) -> str:
    """`mc_res_timeout`, as messages and logs name it."""
    return f"mc_res_{Result(result).name.lower()}"


def error_line(text: str, word: bytes = b"SERVER_ERROR") -> bytes:
    """`SERVER_ERROR text`, on one line whatever the text contains."""
    return b"%b %b\r\n" % (word, " ".join(text.split()).encode())


def server_error_result(raw: bytes) -> int:
    """The result behind a SERVER_ERROR line: an application's error number, else a remote error."""
    tokens = raw.split(b" ", 2)
    return _APPLICATION_ERRORS.get(tokens[1].rstrip(), _REMOTE_ERROR) if len(tokens) > 1 else _REMOTE_ERROR


_REMOTE_ERROR = Result.REMOTE_ERROR.value

UNFIT = 99
"""In an answer table: such a reply does not belong to the request, so the connection is out of step.

No Result; it sorts with the errors, so that an ordinary reply costs one comparison.
"""


SEVERAL = 98
"""In an answer table: VALUE blocks that the request needs one by one; no Result, and sorts as UNFIT does."""


LEASED = 97
"""In an answer table: a hit or a miss, as lease.py reads the reply; no Result, and sorts as UNFIT does."""


def answer_table(answers: dict[Kind, Result]) -> tuple[int, ...]:
    """Results by reply kind for one kind of request: `answers` are the ordinary ones, errors fit all."""
    errors = {Kind.CLIENT_ERROR: Result.CLIENT_ERROR, Kind.SERVER_ERROR: Result.REMOTE_ERROR}
    fitting = {**errors, **answers}
    return tuple(fitting[kind].value if kind in fitting else UNFIT for kind in Kind)
