from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from mcdaemon.log_setup import RateLimited, setup


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_text_is_one_line_an_event(stream: io.StringIO) -> None:
    setup("text", logging.INFO, stream)
    logger = logging.getLogger("mc.test")
    logger.info("from %s", "client\r\nroot: \x1b[31mred")
    logger.debug("not shown")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logger.exception("failed")
    first, second = stream.getvalue().splitlines()
    stamp, rest = first.split(" ", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stamp)
    assert rest == r"info mc.test: from client\r\nroot: \x1b[31mred"
    assert r"error mc.test: failed: ValueError: two\nlines [test_text_is_one_line_an_event at" in second


def test_json_is_one_object_a_line(stream: io.StringIO) -> None:
    setup("json", logging.DEBUG, stream)
    logger = logging.getLogger("mc.test")
    logger.debug("say\n%s", "ä")
    try:
        raise KeyError("k")
    except KeyError:
        logger.exception("failed")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["level"], first["logger"], first["message"]) == ("debug", "mc.test", "say\nä")
    assert set(first) == {"time", "level", "logger", "pid", "message"}
    assert second["error"].startswith("KeyError: 'k' [") and "Traceback" in second["traceback"]


def test_goes_to_stderr() -> None:
    script = "from mcdaemon.log_setup import setup; import logging; setup(); logging.warning('w')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "" and done.stderr.endswith(" warning root: w\n")


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.getMessage()}")


def test_rate_limited_counts_what_it_left_out() -> None:
    logger, handler = logging.Logger("mc.limited"), Lines()
    logger.addHandler(handler)
    now = 100.0
    limited = RateLimited(logger, lambda: now, limit=2, interval_s=10)
    written = [limited.log("tls", logging.WARNING, "hello %d", number) for number in range(5)]
    assert written == [True, True, False, False, False]
    assert limited.log("http", logging.INFO, "other kinds have their own share")
    now = 109.9
    limited.log("tls", logging.ERROR, "still the same interval")
    assert len(handler.lines) == 3
    now = 110.0
    limited.log("tls", logging.WARNING, "hello again")
    assert handler.lines[3:] == ["ERROR tls: 4 more in 10 s", "WARNING hello again"]
    limited.log("tls", logging.WARNING, "x")
    limited.log("tls", logging.WARNING, "x")
    now = 112.0
    limited.flush()
    limited.flush()
    assert handler.lines[5:] == ["WARNING x", "WARNING tls: 1 more in 2 s"]
