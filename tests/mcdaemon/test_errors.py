from __future__ import annotations

from mcdaemon.errors import StartError


def test_start_error_carries_its_line_and_status() -> None:
    error = StartError("cannot read config file.json", 3)
    assert (error.text, str(error), error.exit_code) == ("cannot read config file.json",) * 2 + (3,)
    assert StartError("x").exit_code == 1
