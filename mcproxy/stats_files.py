"""Statistics as files for programs that collect them: mcrouter's names, rewritten every few seconds.

    --stats-root/libmcrouter.SERVICE.ROUTER.{stats,startup_options,config_sources_info}

The texts are made on the loop; a thread writes them, so that a slow disk costs no request its time.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from mcproxy.atomic_file import write_atomically
from mcproxy.routes.context import Timer

log = logging.getLogger(__name__)

Texts = Mapping[str, str]
"""By the file's name."""


def file_texts(
    prefix: str, stats: Iterable[tuple[str, object]], options: Mapping[str, str], sources: Mapping[str, str]
) -> Texts:
    """The three files. `prefix` is libmcrouter.SERVICE.ROUTER, and before every statistic's name too."""
    return {
        f"{prefix}.stats": _json({f"{prefix}.{name}": value for name, value in stats}),
        f"{prefix}.startup_options": _json(options),
        f"{prefix}.config_sources_info": _json(sources),
    }


def _json(values: Mapping[str, object]) -> str:
    return json.dumps(values, indent=2, sort_keys=True)


class StatsFiles:
    """Writes what `texts` makes to `directory`, now and every `interval_s`, until `stop`."""

    def __init__(
        self,
        directory: Path,
        interval_s: float,
        texts: Callable[[], Texts],
        call_later: Callable[[float, Callable[[], None]], Timer],
    ) -> None:
        self._directory = directory
        self._interval_s = interval_s
        self._texts = texts
        self._call_later = call_later
        self._thread: threading.Thread | None = None
        self._is_failing = False
        self._timer: Timer | None = None
        self._write()

    def stop(self) -> None:
        """Write no more; the files stay."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _write(self) -> None:
        self._timer = self._call_later(self._interval_s, self._write)
        if self._thread is None or not self._thread.is_alive():  # else the disk is slow: next time
            self._thread = threading.Thread(target=self._put, args=(self._texts(),), daemon=True)
            self._thread.start()

    def _put(self, texts: Texts) -> None:
        """In the thread. What cannot be written is told once, until it can be again."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            for name, text in texts.items():
                write_atomically(self._directory / name, text)
        except OSError as error:
            if not self._is_failing:
                log.error("--stats-root: %s", error)
            self._is_failing = True
        else:
            self._is_failing = False
