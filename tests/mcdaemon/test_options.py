from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass

import pytest

from mcdaemon.options import Kind, ignored_options, option, option_rows, unknown_options


@dataclass(frozen=True)
class Settings:
    port: int = option(1, "-p", "--port", help="port")
    quick: bool = option(False, "--quick", help="toggle")
    level: int = option(0, "-v", count=True, help="count")
    check: str = option("", "--check", bare="exit", help="value only after =")
    names: tuple[str, ...] = option((), "--name", split=",", help="list")
    ignored: tuple[str, ...] = ignored_options(("--old",))
    unknown: tuple[str, ...] = unknown_options()
    plain: int = 7


def test_rows_in_order_with_their_field_names() -> None:
    rows = option_rows(Settings)
    assert [row.field for row in rows] == ["port", "quick", "level", "check", "names", "ignored", "unknown"]
    assert [row.takes_value for row in rows[:5]] == [True, False, False, False, True]
    assert [row.kind for row in rows[4:]] == [Kind.OPTION, Kind.IGNORED, Kind.UNKNOWN]
    assert rows[0].shown == "-p/--port"
    assert rows[4].repeat


def test_a_settings_class_is_a_plain_frozen_dataclass() -> None:
    settings = Settings(port=5)
    assert (settings.port, settings.names, settings.ignored, settings.plain) == (5, (), (), 7)
    with pytest.raises(FrozenInstanceError):
        settings.port = 6  # type: ignore[misc]
