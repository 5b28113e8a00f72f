"""How a settings class declares its options: each one once, as a field of a frozen dataclass.

    @dataclass(frozen=True, kw_only=True)
    class Settings:
        port: int = option(11211, "-p", "--port", metavar="N", parse=integer(0, 65535), help="TCP port")
        verbose: int = option(0, "-v", "--verbose", count=True, help="say more; may be repeated")
        upstream: tuple[str, ...] = option((), "--upstream", metavar="ADDR", repeat=True, help="a server")
        ignored: tuple[str, ...] = ignored_options(("-u", "--user", "NAME"), ("--fibers-debug",))

Everything else (parser, help, environment variables, --print-settings) is derived from these rows: cli.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


class Kind(Enum):
    """What a field of a settings class stands for."""

    OPTION = "option"
    IGNORED = "ignored"
    UNKNOWN = "unknown"
    POSITIONAL = "positional"


@dataclasses.dataclass(frozen=True, slots=True)
class OptionRow:
    """One field of a settings class, as declared."""

    default: Any
    flags: tuple[str, ...] = ()
    help: str = ""
    metavar: str | None = None
    parse: Callable[[str], Any] | None = None
    repeat: bool = False
    split: str | None = None
    count: bool = False
    bare: str | None = None
    env: bool = True
    hidden: bool = False
    exit_code: int | None = None
    kind: Kind = Kind.OPTION
    ignored: tuple[tuple[str, ...], ...] = ()
    field: str = ""

    @property
    def takes_value(self) -> bool:
        """Whether the next word belongs to this option."""
        return not (self.is_toggle or self.count or self.bare is not None)

    @property
    def is_toggle(self) -> bool:
        """A bool field: given without a value it becomes the opposite of its default."""
        return isinstance(self.default, bool) and self.parse is None

    @property
    def shown(self) -> str:
        """The flags as messages name them: -m/--memory-limit."""
        return "/".join(self.flags)


class FieldError(ValueError):
    """For `__post_init__` of a settings class: this field's value does not go with the others."""

    def __init__(self, field: str, text: str, exit_code: int | None = None) -> None:
        super().__init__(text)
        self.field = field
        self.exit_code = exit_code


def option(
    default: T,
    *flags: str,
    help: str,  # noqa: A002
    metavar: str | None = None,
    parse: Callable[[str], Any] | None = None,
    repeat: bool = False,
    split: str | None = None,
    count: bool = False,
    bare: str | None = None,
    env: bool = True,
    hidden: bool = False,
    exit_code: int | None = None,
) -> T:
    """Declare an option. `parse` follows from the default for int, float and str; a bool is a toggle.

    `repeat` makes a tuple of all occurrences, `split` cuts each of them at that character first (in the
    environment, white space separates occurrences). `count` counts. `bare` is the text meant when the option
    comes without `=VALUE`. `exit_code` replaces the exit status for a bad value of this option.
    """
    row = OptionRow(
        default,
        flags,
        help,
        metavar,
        parse,
        repeat or split is not None,
        split,
        count,
        bare,
        env,
        hidden,
        exit_code,
    )
    declared: T = dataclasses.field(default=default, metadata={"row": row})
    return declared


def ignored_options(*options: tuple[str, ...]) -> tuple[str, ...]:
    """Options accepted without effect: flags, then a metavar if one takes a value. Collects those given."""
    return _collected(OptionRow((), kind=Kind.IGNORED, ignored=options, env=False))


def unknown_options() -> tuple[str, ...]:
    """With such a field unknown options are no error: they are collected here, for the daemon to log."""
    return _collected(OptionRow((), kind=Kind.UNKNOWN, env=False))


def positional_arguments(metavar: str) -> tuple[str, ...]:
    """With such a field arguments that are no options are no error: they are collected here."""
    return _collected(OptionRow((), kind=Kind.POSITIONAL, metavar=metavar, env=False))


def _collected(row: OptionRow) -> tuple[str, ...]:
    return cast(tuple[str, ...], dataclasses.field(default=(), metadata={"row": row}))


def option_rows(settings_class: type[DataclassInstance]) -> tuple[OptionRow, ...]:
    """The declared rows in order, with their field names: for documentation and `stats settings`."""
    fields = dataclasses.fields(settings_class)
    return tuple(dataclasses.replace(f.metadata["row"], field=f.name) for f in fields if "row" in f.metadata)
