"""Several worker processes under one supervisor: forked, restarted when they die, stopped together.

    supervisor (no event loop, all signals blocked, waits in sigtimedwait)
        ├── worker 0 ─ lifecycle.run(...)       each its own loop; same port by SO_REUSEPORT,
        ├── worker 1 ─ lifecycle.run(...)       counters in shared memory (shared_counters.py)
        └── admin    ─ lifecycle.run(...)       an ordinary worker with another job

The supervisor has no loop and no threads, so that forking is safe at any time. SIGTERM, SIGINT and SIGUSR1
go to all workers and begin the stop; SIGHUP goes to all. When the supervisor dies, even by kill -9, the
workers' lifeline ends and they close. Blocked signals wait in the kernel: none is lost, pid 1 or not.
"""

from __future__ import annotations

import gc
import logging
import mmap
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from mcdaemon.lifecycle import HANDLED_SIGNALS
from mcdaemon.lifeline import Lifeline

logger = logging.getLogger(__name__)

_STOPPING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
_WAITED = (*HANDLED_SIGNALS, signal.SIGCHLD)
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.1, 10.0
_STEADY_S = 30.0  # a worker that lived this long failed by chance, not by its configuration
_KILL_AFTER_S = 2.0  # beyond the drain's deadline
_CRASH_EXIT = 1


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What a worker hands to `lifecycle.run`: its number, its lifeline, and the call that says it serves."""

    number: int
    lifeline_fd: int
    on_started: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Worker:
    """A name for the log, and what the process does; `main` runs in the child and returns its exit status."""

    name: str
    main: Callable[[WorkerContext], int]


def restart_delay_s(failures: int, lived_s: float) -> float:
    """Seconds before the restart after `failures` short lives in a row: at once after a steady life."""
    if lived_s >= _STEADY_S or failures <= 0:
        return 0.0
    return min(_FIRST_DELAY_S * 2.0 ** (failures - 1), _LONGEST_DELAY_S)


def supervise(workers: Sequence[Worker], *, drain_s: float) -> int:
    """Run all workers until told to stop; returns the exit status.

    A worker that ends before it ever served (bad configuration, port in use) ends them all with its own
    status. One that dies later is restarted. Workers alive 2 s after `drain_s` are killed.
    Call it with no event loop and no threads running.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # inherited as ignored, it would never come
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED)
    try:
        return _Supervisor(workers, drain_s).run()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@dataclass(slots=True)
class _Slot:
    worker: Worker
    pid: int = 0
    started_at: float = 0.0
    restart_at: float | None = None
    failures: int = 0


class _Supervisor:
    def __init__(self, workers: Sequence[Worker], drain_s: float) -> None:
        self._slots = [_Slot(worker) for worker in workers]
        self._served = mmap.mmap(-1, len(workers))  # byte i: worker i has served; shared with the children
        self._lifeline = Lifeline()
        self._drain_s = drain_s
        self._kill_at: float | None = None  # set once stopping
        self._exit_code = 0

    def run(self) -> int:
        for number in range(len(self._slots)):
            self._fork(number)
        while any(slot.pid for slot in self._slots) or self._kill_at is None:
            event = signal.sigtimedwait(_WAITED, self._timeout_s())
            if event is not None:
                self._on_signal(signal.Signals(event.si_signo))
            self._on_time(time.monotonic())
        self._lifeline.close()
        return self._exit_code

    def _timeout_s(self) -> float:
        """Until the next thing due; the longest wait is only so long because sigtimedwait wants a number."""
        due = [slot.restart_at for slot in self._slots if slot.restart_at is not None]
        if self._kill_at is not None:
            due.append(self._kill_at)
        return max(0.0, min(due) - time.monotonic()) if due else 3600.0

    def _on_signal(self, number: signal.Signals) -> None:
        if number == signal.SIGCHLD:
            self._reap()
        elif number in _STOPPING_SIGNALS:
            self._stop(number)
        else:
            self._signal_all(number)

    def _on_time(self, now: float) -> None:
        if self._kill_at is not None:
            if now >= self._kill_at:
                self._signal_all(signal.SIGKILL)
                self._kill_at = now + _KILL_AFTER_S
            return
        for number, slot in enumerate(self._slots):
            if slot.restart_at is not None and now >= slot.restart_at:
                self._fork(number)

    def _stop(self, number: signal.Signals) -> None:
        """Also for the second signal: the workers count for themselves."""
        self._signal_all(number)
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._drain_s + _KILL_AFTER_S
            for slot in self._slots:
                slot.restart_at = None

    def _signal_all(self, number: signal.Signals) -> None:
        for slot in self._slots:
            if slot.pid:  # not yet reaped, so the pid is still ours
                os.kill(slot.pid, number)

    def _reap(self) -> None:
        """All that have ended; as pid 1 also orphans that are none of ours."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for number, slot in enumerate(self._slots):
                if slot.pid == pid:
                    self._on_worker_end(number, slot, os.waitstatus_to_exitcode(status))

    def _on_worker_end(self, number: int, slot: _Slot, code: int) -> None:
        slot.pid = 0
        if self._kill_at is not None:
            self._exit_code = self._exit_code or (_CRASH_EXIT if code < 0 else code)
            return
        if not self._served[number]:
            self._exit_code = code if code >= 0 else _CRASH_EXIT
            self._stop(signal.SIGTERM)
            return
        now = time.monotonic()
        lived_s = now - slot.started_at
        slot.failures = 1 if lived_s >= _STEADY_S else slot.failures + 1
        delay_s = restart_delay_s(slot.failures, lived_s)
        slot.restart_at = now + delay_s
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        logger.error("worker %s %s, restarting in %g s", slot.worker.name, how, delay_s)

    def _fork(self, number: int) -> None:
        slot = self._slots[number]
        slot.restart_at = None
        slot.started_at = time.monotonic()
        sys.stdout.flush()
        sys.stderr.flush()
        slot.pid = os.fork()
        if slot.pid == 0:
            self._be_worker(number)

    def _be_worker(self, number: int) -> NoReturn:
        """In the child. Signals stay blocked until its `lifecycle.run` has handlers for them."""
        code = _CRASH_EXIT
        try:
            os.setpgid(0, 0)  # a terminal's Ctrl-C comes from the supervisor, not twice
            gc.freeze()  # the parent's objects: walking them would only copy their pages
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGCHLD,))

            def on_started() -> None:
                self._served[number] = 1

            context = WorkerContext(number, self._lifeline.hold_as_child(), on_started)
            code = self._slots[number].worker.main(context)
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else _CRASH_EXIT
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # never back into the supervisor's frames
