"""Logging in by text (-Y): what a client may say before it has named a user and a password.

    set <any> <any> <any> <length>[ more]
    user password

Everything else is answered with `CLIENT_ERROR unauthenticated` (proto_text.c try_read_command_asciiauth).
"""

import hmac
from collections.abc import Callable
from pathlib import Path

from mcproto.encode import STORED
from mcproto.grammar import maybe_unsigned
from mcproto.limits import LINE_MAX
from memcache_server.session import Passwords, Session

UNAUTHENTICATED = b"CLIENT_ERROR unauthenticated\r\n"
FAILURE = b"CLIENT_ERROR authentication failure\r\n"
BAD_TOKEN = b"CLIENT_ERROR bad authentication token format\r\n"
BAD_TERMINATION = b"CLIENT_ERROR bad command line termination\r\n"
TOKEN_TOO_LONG = b"CLIENT_ERROR auth token too long\r\n"

_USERS_MAX = 8
_TURN_LINES = 256  # then others have their turn
_TOKEN_MAX = LINE_MAX


class PasswordFile:
    """The users of one file, at most eight; more lines are not looked at, as in the original."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._users = self._read()

    def reload(self) -> None:
        """Read the file again. Raises as `_read`, and then what was known stays."""
        self._users = self._read()

    def _read(self) -> list[tuple[bytes, bytes]]:
        """Raises OSError, and ValueError when a line is not `user:password`."""
        users = []
        for line in self._path.read_bytes().removesuffix(b"\n").split(b"\n")[:_USERS_MAX]:
            user, colon, password = line.removesuffix(b"\r").partition(b":")
            if colon:
                users.append((user, password))
            elif line or users:
                raise ValueError(f"Authfile [{self._path}] has a malformed entry. Should be 'user:password'")
        return users

    def match(self, user: bytes, password: bytes) -> bool:
        """Whether a line says so; takes as long for a wrong password as for a right one."""
        found = [
            hmac.compare_digest(user, known) & hmac.compare_digest(password, secret) for known, secret in self._users
        ]
        return any(found)


class Login:
    """Stands in the place of a connection's parser until the client has logged in.

    `proceed(rest)` takes over with what came behind the login; it returns as a parser's `feed`.
    """

    __slots__ = ("_at", "_data", "_expected", "_is_in", "_passwords", "_proceed", "_session")

    def __init__(self, passwords: Passwords, session: Session, proceed: Callable[[bytes], bool]) -> None:
        self._passwords = passwords
        self._session = session
        self._proceed = proceed
        self._data = b""
        self._at = 0  # how much of it is done
        self._is_in = False  # a token was right
        self._expected = -1  # bytes of the token to come with its line end, or none

    @property
    def mid_request(self) -> bool:
        """Whether a login has begun."""
        return bool(self._data) or self._expected >= 0

    @property
    def held(self) -> int:
        """Bytes kept, never more than a line or a token."""
        return len(self._data)

    def feed(self, data: bytes) -> bool:
        """As the parser's."""
        self._data += data
        return self.resume()

    def resume(self) -> bool:
        """Go on with what has come, a turn of lines at most. Returns as the parser's."""
        session = self._session
        for _ in range(_TURN_LINES):
            if session.closing or not self._step():
                self._data, self._at = self._data[self._at :], 0
                return session.closing
            if self._is_in:
                rest, self._data = self._data[self._at :], b""
                return self._proceed(rest)
        self._data, self._at = self._data[self._at :], 0
        return True

    def _step(self) -> bool:
        """Take a line, or the token behind it; False when not all of it has come."""
        if self._expected < 0:
            return self._take_line()
        if len(self._data) - self._at < self._expected:
            return False
        self._is_in = self._take_token()
        return True

    def forget(self) -> None:
        """The client has gone."""
        self._data = b""

    def _take_line(self) -> bool:
        """Whether there was a line."""
        session = self._session
        end = self._data.find(b"\n", self._at)
        if end < 0:
            session.closing = len(self._data) - self._at > LINE_MAX
            return False
        line, self._at = self._data[self._at : end], end + 1
        tokens = line.removesuffix(b"\r").split()
        length = maybe_unsigned(tokens[4]) if len(tokens) >= 5 and tokens[0] == b"set" else None
        if length is None:
            session.out.append(UNAUTHENTICATED)
        elif length > _TOKEN_MAX:
            session.out.append(TOKEN_TOO_LONG)
            session.closing = True
        else:
            self._expected = length + 2
        return True

    def _take_token(self) -> bool:
        """Whether it was right."""
        session = self._session
        end = self._at + self._expected
        block, self._at, self._expected = self._data[self._at : end], end, -1
        words = [word for word in block[:-2].split(b" ") if word]
        if not block.endswith(b"\r\n"):
            session.out.append(BAD_TERMINATION)
        elif len(words) < 2:
            session.out.append(BAD_TOKEN)
        else:
            session.stats.auth_cmds += 1
            if self._passwords.match(words[0], words[1]):
                session.out.append(STORED)
                return True
            session.stats.auth_errors += 1
            session.out.append(FAILURE)
        return False
