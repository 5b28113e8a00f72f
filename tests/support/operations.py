"""One operation of each group that routes tell apart, and what NullRoute says to it."""

from __future__ import annotations

from mcproxy.outcome import Result
from mcproxy.request import Op

GET, UPDATE, DELETE, ARITHMETIC, TOUCH = Op.GET, Op.SET, Op.DELETE, Op.INCR, Op.TOUCH
ONE_OF_EACH = (GET, UPDATE, DELETE, ARITHMETIC, TOUCH)

HITS = {
    GET: Result.FOUND,
    UPDATE: Result.STORED,
    DELETE: Result.DELETED,
    ARITHMETIC: Result.STORED,
    TOUCH: Result.TOUCHED,
}
MISSES = {
    GET: Result.NOTFOUND,
    UPDATE: Result.NOTSTORED,
    DELETE: Result.NOTFOUND,
    ARITHMETIC: Result.NOTFOUND,
    TOUCH: Result.NOTFOUND,
}
DEFAULT_REPLIES = {
    GET: (Result.NOTFOUND, b"END\r\n"),
    UPDATE: (Result.NOTSTORED, b"NOT_STORED\r\n"),
    DELETE: (Result.NOTFOUND, b"NOT_FOUND\r\n"),
    ARITHMETIC: (Result.NOTFOUND, b"NOT_FOUND\r\n"),
    TOUCH: (Result.NOTFOUND, b"NOT_FOUND\r\n"),
}
