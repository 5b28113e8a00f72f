"""The real telnet program on a terminal of its own: a person's session, typed and read back byte for byte."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Sequence

PROGRAM = shutil.which("telnet")
PATIENCE_S = 10.0
ARROW = "-> "


def converse(script: str, command: Sequence[str]) -> tuple[str, str]:
    """(what the screen showed, what it should have) of a whole session of `command`, which is telnet.

    In `script` lines that begin with `->` come from the server, the others are typed: each as soon as the
    screen shows everything before it. After PATIENCE_S without that, the session ends where it stands.
    """
    expected, typed_lines = "", []
    for line in script.strip("\n").split("\n"):
        if line.startswith(ARROW):
            expected += line.removeprefix(ARROW) + "\n"
        else:
            typed_lines.append((expected, line))
            expected += line + "\n"
    with Terminal(command) as terminal:
        for before, line in typed_lines:
            if not terminal.shows(before):
                break
            terminal.type(line)
        terminal.shows(expected)
        return terminal.screen, expected


def session(host: str, port: int, script: str, name: str | None = None) -> str:
    """A script's whole screen: telnet's own lines around it. `name` is what was typed, `host` where it led."""
    return (
        f"-> Trying {host}...\n-> Connected to {name or host}.\n-> Escape character is '^]'.\n"
        + script.strip("\n")
        + "\n-> Connection closed by foreign host."
    )


class Terminal:
    """A program whose input, output and errors are one pseudo-terminal."""

    def __init__(self, command: Sequence[str]) -> None:
        self._shown = ""
        self._ours, theirs = os.openpty()
        self._process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "dumb", "LC_ALL": "C"},
            start_new_session=True,
        )
        os.close(theirs)

    @property
    def screen(self) -> str:
        """What it showed so far."""
        return self._shown.replace("\r\n", "\n")

    def type(self, line: str) -> None:
        """One line and Enter."""
        os.write(self._ours, line.encode() + b"\r")

    def shows(self, text: str) -> bool:
        """Reads until the screen is `text`; False when it has become another or time is over."""
        deadline = time.monotonic() + PATIENCE_S
        wanted = text.replace("\n", "\r\n")
        while self._shown != wanted and wanted.startswith(self._shown):
            if not select.select([self._ours], [], [], max(deadline - time.monotonic(), 0))[0]:
                return False
            try:
                data = os.read(self._ours, 65536)
            except OSError:  # Linux: the program has closed the terminal
                return False
            self._shown += data.decode()
        return self._shown == wanted

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)
