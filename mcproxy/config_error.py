"""What is wrong with a config, and where. Routes may catch it where a mistake is only worth a line of the log."""

from __future__ import annotations


class ConfigError(Exception):
    """A config that cannot be used.

    `line` counts from 1; 0 when no line is to blame. `path` leads to the value, as `route.children[1].pool`.
    `file` is the file of that line, empty for the text that was being read first.
    """

    def __init__(self, text: str, line: int = 0, path: str = "", file: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.line = line
        self.path = path
        self.file = file

    def __str__(self) -> str:
        told = f"{self.text} line: {self.line}" if self.line else self.text
        return f"{told} at: {self.path}" if self.path else told
