"""The last good configuration, kept as files: a start with a bad one, or none, can go on with it.

    --config-dump-root/SERVICE/ROUTER/file-%2Fetc%2Fmcrouter.json

A file there is as old as the moment when the proxy last followed what it says, so it is marked anew while it does.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from mcproxy.atomic_file import write_atomically
from mcproxy.config.source import read_file
from mcproxy.config_error import ConfigError
from mcproxy.routes.context import Timer

log = logging.getLogger(__name__)

_MARK_S = 600.0
"""How often the files are marked anew; sooner where they would be too old by then."""


class ConfigDump:
    """Copies of a configuration's files, those that it imports too, in one directory."""

    def __init__(
        self,
        directory: Path,
        max_age_s: float,
        wall_time: Callable[[], float],
        call_later: Callable[[float, Callable[[], None]], Timer],
        *,
        is_writer: bool = True,
    ) -> None:
        """Copies older than `max_age_s` are not used. Of several workers one writes."""
        self._is_writer = is_writer
        self._directory = directory
        self._max_age_s = max_age_s
        self._wall_time = wall_time
        self._call_later = call_later
        self._timer: Timer | None = None
        self._texts: dict[Path, str] = {}  # as they are in the directory

    def keep(self, texts: Mapping[Path, str]) -> None:
        """These are in force now. What cannot be written is told, and ends nothing."""
        self.let_age()
        if not self._is_writer:
            return
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            for path, text in texts.items():
                write_atomically(self._file(path), text)
        except OSError as error:
            log.error("the configuration is not kept: %s", error)
            return
        self._texts = dict(texts)
        self._arm()

    def let_age(self) -> None:
        """What is given now is another configuration, or nothing: the files are marked no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def read(self, path: Path) -> str:
        """The copy of the file at `path`. Raises ConfigError if there is none, or it is too old."""
        copy = self._file(path)
        text = read_file(copy)
        age_s = self._wall_time() - copy.stat().st_mtime
        if age_s > self._max_age_s:
            raise ConfigError(f"Can not read config: {copy} is {age_s:.0f} seconds old")
        return text

    def _file(self, path: Path) -> Path:
        return self._directory / f"file-{quote(os.fsencode(path), safe='')}"

    def _arm(self) -> None:
        self._timer = self._call_later(min(_MARK_S, max(self._max_age_s / 4, 1.0)), self._mark)

    def _mark(self) -> None:
        now = self._wall_time()
        try:
            for path in self._texts:
                os.utime(self._file(path), (now, now))
        except OSError as error:
            log.error("the configuration is not kept: %s", error)
            self._timer = None
            return
        self._arm()
