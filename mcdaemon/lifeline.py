"""A process that ends with its parent, however the parent ends: a pipe whose write end only the parent holds.

The kernel closes the write end when the parent dies, also by kill -9; the child's event loop sees the end of
file at once. No signal can be missed and no pid can be mistaken for another. It serves forked workers and
daemons started as subprocesses alike:

    lifeline = Lifeline()                                   # parent
    Popen([...], pass_fds=lifeline.pass_fds, env={**os.environ, **lifeline.environment}, process_group=0)
    lifeline.close()                                        # or dies: the children end
    watch(loop, inherited(os.environ), on_gone)             # child; lifecycle.run does it by itself
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Mapping

VARIABLE = "MCDAEMON_LIFELINE_FD"


class Lifeline:
    """The parent's side. Keep the object as long as the children are to live."""

    def __init__(self) -> None:
        self.read_fd, self._write_fd = os.pipe()

    @property
    def pass_fds(self) -> tuple[int, ...]:
        """For subprocess.Popen."""
        return (self.read_fd,)

    @property
    def environment(self) -> dict[str, str]:
        """What tells the child which descriptor it is."""
        return {VARIABLE: str(self.read_fd)}

    def hold_as_child(self) -> int:
        """In a forked child, first of all: give up the write end. Returns the descriptor to watch."""
        os.close(self._write_fd)
        self._write_fd = -1
        return self.read_fd

    def close(self) -> None:
        """Let go: the children end."""
        for descriptor in (self.read_fd, self._write_fd):
            if descriptor >= 0:
                os.close(descriptor)
        self.read_fd = self._write_fd = -1


def inherited(environ: Mapping[str, str]) -> int | None:
    """The descriptor a parent passed on, if one did; None if the variable came down without its pipe."""
    text = environ.get(VARIABLE, "")
    if not text.isdecimal():
        return None
    try:
        is_pipe = stat.S_ISFIFO(os.fstat(int(text)).st_mode)
    except OSError:
        return None
    return int(text) if is_pipe else None


def watch(loop: asyncio.AbstractEventLoop, descriptor: int, on_gone: Callable[[], None]) -> None:
    """Call `on_gone` once, when the other end is closed."""
    os.set_blocking(descriptor, False)

    def readable() -> None:
        try:
            if os.read(descriptor, 512):
                return
        except BlockingIOError:
            return
        loop.remove_reader(descriptor)
        on_gone()

    loop.add_reader(descriptor, readable)
