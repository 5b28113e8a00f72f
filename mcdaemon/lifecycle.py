"""The life of a daemon's process: start, signals, and stopping in four named steps.

    start ──► serving ──SIGTERM/SIGINT──► unready ► stop_accepting ► drain(deadline) ► close ──► exit status
                 │                                                     │
                 ├─ SIGHUP: reload                                      └─ a second signal, or the parent's
                 └─ SIGUSR1: graceful, else as SIGTERM                     end (lifeline.py): close at once

Everything waits on events; nothing polls. The handlers are our own from before `start`, because a process
with pid 1 (a container's first) has no default ones: there an unhandled SIGTERM is simply dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import warnings
from collections.abc import Awaitable, Callable
from typing import Protocol

import uvloop

from mcdaemon import lifeline
from mcdaemon.admin_http import AdminServer
from mcdaemon.errors import StartError

logger = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
HANDLED_SIGNALS = (*STOP_SIGNALS, signal.SIGHUP, signal.SIGUSR1)
_CRASH_EXIT = 1
_LAST_TASKS_S = 1.0  # for cancelled tasks to end; the process goes anyway


class Daemon(Protocol):
    """What `run` drives. A method `graceful(self) -> None`, if there is one, answers SIGUSR1."""

    async def start(self) -> None:
        """Open everything and begin to serve. Raises StartError with the line to show."""

    def unready(self) -> None:
        """Let /readyz say no, so that no new clients are sent here."""

    def stop_accepting(self) -> None:
        """Close the listening sockets; open connections go on."""

    async def drain(self) -> None:
        """Return when nothing is in flight. Cancelled at the deadline."""

    def close(self) -> None:
        """Drop what is still open: connections, timers, tasks. Also called when `start` did not finish."""

    def reload(self) -> None:
        """SIGHUP: read configuration again, in place."""


class Idle:
    """A daemon that does nothing: for a process that only answers on its admin port."""

    async def start(self) -> None:
        """Nothing to open."""

    def unready(self) -> None:
        """Nothing to say."""

    def stop_accepting(self) -> None:
        """Nothing to stop."""

    async def drain(self) -> None:
        """Nothing in flight."""

    def close(self) -> None:
        """Nothing to drop."""

    def reload(self) -> None:
        """Nothing to read."""


def run(
    daemon: Daemon,
    *,
    drain_s: float,
    admin: AdminServer | None = None,
    lifeline_fd: int | None = None,
    on_started: Callable[[], None] | None = None,
) -> int:
    """Run `daemon` on uvloop until it is told to stop; returns the exit status.

    0 after a stop, the StartError's status when the start fails (its line goes to stderr), 1 when a
    stopping step raised. `drain_s`: seconds that requests in flight may take after the first signal.
    `admin` is started after the daemon and answers until the end. `lifeline_fd`: see lifeline.py; default
    is the one in the environment. `on_started` is called when the daemon serves.
    """
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.set_exception_handler(_on_loop_exception)
        life = _Life(loop, daemon, drain_s, admin)
        life.watch_parent(lifeline.inherited(os.environ) if lifeline_fd is None else lifeline_fd)
        return loop.run_until_complete(life.live(on_started))
    except StartError as error:
        print(error.text, file=sys.stderr, flush=True)
        return error.exit_code
    finally:
        _end_tasks(loop)
        asyncio.set_event_loop(None)
        with warnings.catch_warnings():
            # A handle left open warns; raised as an error in uvloop's C callback, it would hang the close.
            warnings.simplefilter("always", ResourceWarning)
            loop.close()
        for number in STOP_SIGNALS:  # an impatient third one must not turn the exit into a traceback
            signal.signal(number, signal.SIG_IGN)


class _Life:
    """One run: which signals have come, and the steps they lead to."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, daemon: Daemon, drain_s: float, admin: AdminServer | None
    ) -> None:
        self._loop = loop
        self._daemon = daemon
        self._drain_s = drain_s
        self._admin = admin
        self._stop = asyncio.Event()  # the first signal
        self._at_once = asyncio.Event()  # the second, or nobody left to serve
        self._serving = False
        self._deferred: list[Callable[[], None]] = []  # signals that came while starting
        self._failed = False

    def handle_signals(self) -> None:
        """Replace every disposition we were started with, then let signals held back by a parent in."""
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        for number in STOP_SIGNALS:
            self._loop.add_signal_handler(number, self._on_stop_signal, number)
        self._loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        self._loop.add_signal_handler(signal.SIGUSR1, self._on_graceful)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED_SIGNALS)

    def watch_parent(self, descriptor: int | None) -> None:
        """End with the parent, if it gave us a lifeline."""
        if descriptor is not None:
            lifeline.watch(self._loop, descriptor, self._on_parent_gone)

    async def live(self, on_started: Callable[[], None] | None) -> int:
        """From the first signal handler to the exit status."""
        self.handle_signals()  # in the running loop: uvloop may overlook what comes before it runs
        if self._admin is not None:
            self._admin.bind()  # a port in use is known before anything else is begun
        try:
            if await self._until(self._daemon.start(), self._stop):
                self._serving = True
                if on_started is not None:
                    on_started()
                for action in self._deferred:
                    action()
                await self._until(self._settle(), self._stop)
                await self._stop.wait()
                await self._stop_in_steps()
        finally:
            self._step("close", self._daemon.close)
            if self._admin is not None:
                await self._admin.stop()
        return _CRASH_EXIT if self._failed else 0

    async def _settle(self) -> None:
        """What can wait until clients are served."""
        if self._admin is not None:
            await self._admin.start()
        gc.collect()  # what exists now stays: the collector need never walk it again
        gc.freeze()

    async def _stop_in_steps(self) -> None:
        self._step("unready", self._daemon.unready)
        self._step("stop_accepting", self._daemon.stop_accepting)
        if self._at_once.is_set():
            return
        try:
            async with asyncio.timeout(self._drain_s):
                await self._until(self._daemon.drain(), self._at_once)
        except TimeoutError:
            logger.warning("requests still in flight after %g s are dropped", self._drain_s)
        except Exception:
            logger.exception("drain failed")
            self._failed = True

    def _step(self, name: str, step: Callable[[], None]) -> None:
        """One step that raises must not keep the others from happening."""
        try:
            step()
        except Exception:
            logger.exception("%s failed", name)
            self._failed = True

    async def _until(self, work: Awaitable[None], event: asyncio.Event) -> bool:
        """Await `work`, but cancel it when `event` comes first; whether it finished. Raises as it does."""
        task = asyncio.ensure_future(work)
        waiter = self._loop.create_task(event.wait())
        try:
            await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()
            finished = task.done()
            if not finished:
                task.cancel()
                await asyncio.wait({task}, timeout=_LAST_TASKS_S)
        if finished:
            task.result()
        return finished

    def _on_stop_signal(self, number: signal.Signals) -> None:
        if self._stop.is_set():
            logger.warning("%s again: closing at once", number.name)
            self._at_once.set()
            return
        logger.info("%s: stopping, requests in flight have %g s", number.name, self._drain_s)
        self._stop.set()

    def _on_hangup(self) -> None:
        if not self._serving:
            self._deferred.append(self._on_hangup)
            return
        if self._stop.is_set():
            return
        logger.info("SIGHUP: reloading")
        try:
            self._daemon.reload()
        except Exception:
            logger.exception("reload failed, what was loaded stays")

    def _on_graceful(self) -> None:
        graceful = getattr(self._daemon, "graceful", None)
        if graceful is None:
            self._on_stop_signal(signal.SIGUSR1)
        elif not self._serving:
            self._deferred.append(self._on_graceful)
        else:
            self._step("graceful", graceful)

    def _on_parent_gone(self) -> None:
        logger.warning("the parent process is gone: closing")
        self._stop.set()
        self._at_once.set()


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what still runs. A thread stuck in the C library is not waited for: stopping must be prompt."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=_LAST_TASKS_S))
    with contextlib.suppress(RuntimeError):
        loop.run_until_complete(loop.shutdown_asyncgens())


def _on_loop_exception(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """An exception nobody awaited: one line, as every event."""
    error = context.get("exception")
    logger.error("%s", context.get("message"), exc_info=error if isinstance(error, BaseException) else None)
