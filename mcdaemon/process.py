"""What a daemon asks of its process: another user, the background, a file with its pid, locked memory."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import resource
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from mcdaemon.errors import StartError

NO_USER_EXIT = 67
_OS_EXIT = 71
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


def switch_user(name: str, owned: Iterable[str] = ()) -> None:
    """Become this user, with their groups, and give them the files `owned`. Raises StartError.

    Only root can and does. What a module loads late must be loaded before: it may not be readable any more.
    """
    if os.geteuid() != 0:
        return
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        raise StartError(f"can't find the user {name} to switch to", NO_USER_EXIT) from None
    if user.pw_uid == 0:
        return
    try:
        for path in owned:
            os.chown(path, user.pw_uid, user.pw_gid)
        os.initgroups(name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    except OSError as error:
        raise StartError(f"failed to assume identity of user {name}: {error.strerror}", _OS_EXIT) from error


def allow_core_files() -> None:
    """Let core files grow as large as the hard limit allows."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def lock_memory() -> str | None:
    """Keep what this process uses in memory, each page from its first use on; why not, if it cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT):
        return os.strerror(ctypes.get_errno())
    return None


def to_background(keep_output: bool) -> Callable[[], None]:
    """Go on as a daemon: a child with a session of its own, detached from the terminal.

    Returns what the child calls once it serves. The parent waits for that and exits with 0; if the child ends
    before, with the child's status. Relative paths keep their meaning: the working directory stays.
    """
    started, tell = os.pipe()
    child = os.fork()
    if child:
        os.close(tell)
        served = os.read(started, 1)
        os._exit(0 if served else os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
    os.close(started)
    os.setsid()

    def serving() -> None:
        with contextlib.suppress(OSError):  # nobody waits any more
            os.write(tell, b"1")
        os.close(tell)
        if not keep_output:
            sys.stderr.flush()
            _detach()

    return serving


def _detach() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    if nothing > 2:
        os.close(nothing)


class PidFile:
    """A file with our pid, there in one step and gone at the end."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._written = False

    def write(self) -> None:
        """Raises OSError."""
        partial = self._path.with_name(f"{self._path.name}.tmp")
        partial.write_text(f"{os.getpid()}\n")
        partial.replace(self._path)
        self._written = True

    def remove(self) -> None:
        """If it was written."""
        if self._written:
            with contextlib.suppress(OSError):
                self._path.unlink()
