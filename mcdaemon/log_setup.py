"""Logging to stderr, one line an event, as text or as JSON; and lines that must not flood.

2026-01-02T03:04:05.678Z info mcproxy.upstream: 10.0.0.7:11211 is back
{"time": "2026-01-02T03:04:05.678Z", "level": "info", "logger": "mcproxy.upstream", "message": "..."}
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Callable
from typing import TextIO

# What clients send may be logged: control characters must neither start a new line nor drive a terminal.
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160))}
_ESCAPES.update({ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"})


def setup(log_format: str = "text", level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Make the root logger write to `stream` (default stderr), and to nothing else."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_JsonFormatter() if log_format == "json" else _TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        parts = [record.getMessage()]
        if record.exc_info and record.exc_info[1] is not None:
            parts.append(_one_line(record.exc_info[1]))
        text = ": ".join(parts).translate(_ESCAPES)
        return f"{_timestamp(record)} {record.levelname.lower()} {record.name}: {text}"


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event = {
            "time": _timestamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            event["error"] = _one_line(record.exc_info[1])
            event["traceback"] = "".join(traceback.format_exception(record.exc_info[1]))
        return json.dumps(event, ensure_ascii=True)


def _timestamp(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


def _one_line(error: BaseException) -> str:
    """ValueError: text [inner at file.py:12 < outer at file.py:3]."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{f.name} at {f.filename.rpartition('/')[2]}:{f.lineno}" for f in reversed(frames))
    return f"{type(error).__name__}: {error} [{where}]"


class RateLimited:
    """At most `limit` lines of a kind in each interval; then one line with the number left out.

    `clock` returns seconds and never goes back. The summary comes with the kind's next line after its
    interval, or from `flush`, for the owner's timer and its end.
    """

    def __init__(
        self, logger: logging.Logger, clock: Callable[[], float], *, limit: int = 5, interval_s: float = 10.0
    ) -> None:
        self._logger = logger
        self._clock = clock
        self._limit = limit
        self._interval_s = interval_s
        self._windows: dict[str, _Window] = {}

    def log(self, kind: str, level: int, message: str, *args: object) -> bool:
        """Write the line unless its kind had its share. `kind` comes from a fixed set, never from clients."""
        now = self._clock()
        window = self._windows.get(kind)
        if window is None or now - window.opened_at >= self._interval_s:
            if window is not None:
                self._summarise(kind, window, now)
            window = self._windows[kind] = _Window(now)
        if window.written >= self._limit:
            window.left_out += 1
            window.level = max(window.level, level)
            return False
        window.written += 1
        self._logger.log(level, message, *args)
        return True

    def flush(self) -> None:
        """Tell now what was left out so far."""
        now = self._clock()
        for kind, window in self._windows.items():
            self._summarise(kind, window, now)

    def _summarise(self, kind: str, window: _Window, now: float) -> None:
        if window.left_out:
            self._logger.log(window.level, "%s: %d more in %.0f s", kind, window.left_out, now - window.opened_at)
            window.left_out = 0


class _Window:
    __slots__ = ("left_out", "level", "opened_at", "written")

    def __init__(self, opened_at: float) -> None:
        self.opened_at = opened_at
        self.written = 0
        self.left_out = 0
        self.level = 0
