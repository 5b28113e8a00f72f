"""Tells when files have changed: looked at by their status, so it works on every file system and over mounts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from mcproxy.routes.context import Timer

Status = tuple[int, int, int] | None
"""(modification time in ns, size, inode), following links; None while the file is missing."""


class FileWatch:
    """Calls `on_change` when a followed file is another than at the last look. `period_s` 0: never looks."""

    def __init__(
        self,
        call_later: Callable[[float, Callable[[], None]], Timer],
        period_s: float,
        on_change: Callable[[], None],
    ) -> None:
        self._call_later = call_later
        self._period_s = period_s
        self._on_change = on_change
        self._seen: dict[Path, Status] = {}
        self._timer: Timer | None = None

    def follow(self, paths: Iterable[Path]) -> None:
        """These from now on, and no others. What changed since they were read is told at the next look."""
        self._seen = {path: self._seen.get(path, status_of(path)) for path in paths}
        if self._timer is None and self._seen and self._period_s:
            self._timer = self._call_later(self._period_s, self._look)

    def stop(self) -> None:
        """Look no more."""
        self._seen = {}
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = self._call_later(self._period_s, self._look)
        now = {path: status_of(path) for path in self._seen}
        if now != self._seen:
            self._seen = now
            self._on_change()


def status_of(path: Path) -> Status:
    """Of the file that the path leads to now."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
