"""From a settings class (options.py) to its instance: command line, environment, help, --print-settings.

How a value is found: command line, else the environment variable PREFIX_FIELD, else the default.
The forms `-m 64`, `-m64`, `"-m 64"` as one word (Helm charts write it so), `--memory-limit 64`,
`--memory-limit=64` and clusters such as `-vv` are all the same to us. Options without a value (bool
fields, counts, `bare=`) also take one as `--option=VALUE`.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from mcdaemon.option_values import boolean, decimal, integer
from mcdaemon.options import FieldError, Kind, OptionRow, option_rows

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

S = TypeVar("S", bound="DataclassInstance")

# Kubernetes sets NAME_PORT=tcp://10.0.0.7:11211 in every pod for a Service called NAME: a Service named like
# a daemon must not change that daemon's --port.
_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://\S+")
_VALUE_SUFFIX = ":value"  # `--toggle=VALUE` is handed to argparse as the hidden option `--toggle:value VALUE`


class SettingsError(Exception):
    """A bad command line or environment: one clear line, and the exit status."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def environment_variable(env_prefix: str, field: str) -> str:
    """MCPROXY and server_timeout → MCPROXY_SERVER_TIMEOUT."""
    return f"{env_prefix}_{field}".upper()


def parse_settings(
    settings_class: type[S],
    argv: Sequence[str],
    environ: Mapping[str, str],
    *,
    prog: str,
    env_prefix: str,
    description: str,
    version_text: str,
    license_text: str = "",
    usage_exit: int = 64,
    value_exit: int = 1,
) -> S:
    """The effective settings from `argv` (without the program's name) and `environ`.

    Raises SystemExit: 0 after --help, --version, --license (if there is a text), --print-settings; `usage_exit`
    for a command line that makes no sense (unknown option, missing value), `value_exit` for a bad value, each
    after one line on stderr.
    """
    reader = _Reader(settings_class, prog, env_prefix, usage_exit, value_exit)
    try:
        words = reader.read(argv, description, bool(license_text))
        if words.pop("help"):
            raise SystemExit(_print(reader.parser.format_help()))
        if words.pop("version"):
            raise SystemExit(_print(version_text + "\n"))
        if words.pop("license", False):
            raise SystemExit(_print(f"{version_text}\n\n{license_text}\n"))
        print_settings = words.pop("print_settings")
        values, sources = reader.values(words, environ)
        settings = reader.build(values, sources)
    except SettingsError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    if print_settings:
        raise SystemExit(_print(format_settings(settings, sources)))
    return settings


def format_settings(settings: DataclassInstance, sources: Mapping[str, str]) -> str:
    """`name = value  (source: …)`, one line a field."""
    names = [f.name for f in dataclasses.fields(settings)]
    width = max(map(len, names), default=0)
    lines = []
    for name in names:
        source = sources.get(name, "default")
        lines.append(f"{name:<{width}} = {_shown_value(getattr(settings, name))}  (source: {source})\n")
    return "".join(lines)


def _shown_value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "(none)"
    if value is None:
        return "(none)"
    return str(value) or '""'


def _print(text: str) -> int:
    sys.stdout.write(text)
    sys.stdout.flush()
    return 0


class _Parser(argparse.ArgumentParser):
    """argparse, except that an error is raised instead of printed with a usage of many lines."""

    usage_exit = 64

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message} (see {self.prog} --help)", self.usage_exit)


class _Reader(Generic[S]):
    """One parse: the rows, the argparse parser made of them, and the way from words to values."""

    def __init__(self, settings_class: type[S], prog: str, env_prefix: str, usage_exit: int, value_exit: int) -> None:
        self._class = settings_class
        self._rows = option_rows(settings_class)
        self._env_prefix = env_prefix
        self._value_exit = value_exit
        self._kinds = {row.kind: row.field for row in self._rows}
        self.parser = _Parser(prog=prog, usage=f"{prog} [options]", allow_abbrev=False, add_help=False)
        self.parser.usage_exit = usage_exit
        self._valued: set[str] = set()  # flags whose value is the next word
        self._bare: set[str] = set()  # flags that take a value only as --flag=VALUE

    def read(self, argv: Sequence[str], description: str, has_license: bool = False) -> dict[str, Any]:
        """Words by field, as written: a list of texts, None standing for an option without its value."""
        self.parser.description = description
        self.parser.epilog = (
            f"Options can be set by environment variables {self._env_prefix}_NAME too; the command line wins."
        )
        for row in self._rows:
            self._declare(row)
        general = self.parser.add_argument_group("general")
        general.add_argument("-h", "--help", action="store_true", help="show this text and exit")
        general.add_argument("-V", "--version", action="store_true", help="show the version and exit")
        if has_license:
            general.add_argument("-i", "--license", action="store_true", help="show the license and exit")
        general.add_argument("--print-settings", action="store_true", help="show the effective settings and exit")
        known, rest = self.parser.parse_known_args(list(self._normalise(argv)))
        words = vars(known)
        self._place_rest(rest, words)
        return words

    def _declare(self, row: OptionRow) -> None:
        if row.kind is Kind.IGNORED:
            for names in row.ignored:
                self._declare_ignored(row.field, names)
            return
        if row.kind is not Kind.OPTION:
            return
        hint = argparse.SUPPRESS if row.hidden else self._help(row).replace("%", "%%")
        if row.takes_value:
            metavar = row.metavar or row.field.upper()
            self.parser.add_argument(*row.flags, dest=row.field, action="append", metavar=metavar, help=hint)
            self._valued.update(row.flags)
        else:
            self.parser.add_argument(*row.flags, dest=row.field, action="append_const", const=None, help=hint)
            self._declare_bare(row.field, row.flags)

    def _declare_bare(self, field: str, flags: Iterable[str]) -> None:
        for flag in flags:
            if flag.startswith("--"):
                self._bare.add(flag)
                hidden = flag + _VALUE_SUFFIX
                self.parser.add_argument(hidden, dest=field, action="append", help=argparse.SUPPRESS)

    def _declare_ignored(self, field: str, names: tuple[str, ...]) -> None:
        flags = [name for name in names if name.startswith("-")]
        takes_value = len(flags) < len(names)
        action = _NoteFlag if takes_value else _NoteBareFlag
        self.parser.add_argument(*flags, dest=field, action=action, help=argparse.SUPPRESS)
        if takes_value:
            self._valued.update(flags)
            return
        for flag in flags:
            if flag.startswith("--"):
                self._bare.add(flag)
                hidden = flag + _VALUE_SUFFIX
                self.parser.add_argument(hidden, dest=field, action=_NoteFlag, help=argparse.SUPPRESS)

    def _help(self, row: OptionRow) -> str:
        notes = []
        if row.default not in (None, False, (), "", 0) or (row.default == 0 and row.takes_value):
            notes.append(f"default {_shown_value(row.default)}")
        if row.repeat:
            notes.append("may be repeated")
        return row.help + (f" ({'; '.join(notes)})" if notes else "")

    def _normalise(self, argv: Sequence[str]) -> Iterable[str]:
        """Bring the forms that argparse would misread into ones it reads."""
        takes_next = False
        for word in argv:
            head, *tail = word.split(maxsplit=1) or [""]
            name, equals, value = word.partition("=")
            if takes_next:
                yield word
            elif tail and head in self._valued:  # "-m 64" as one word
                yield from (head, tail[0].rstrip())
            elif equals and name in self._bare:
                yield f"{name}{_VALUE_SUFFIX}={value}"
            else:
                yield word.strip() if head in self._bare else word
            takes_next = not takes_next and word in self._valued

    def _place_rest(self, rest: Sequence[str], words: dict[str, Any]) -> None:
        unknown = [word for word in rest if word.startswith("-") and word != "-"]
        positional = [word for word in rest if word not in unknown]
        for kind, found, problem in (
            (Kind.UNKNOWN, unknown, "unknown option"),
            (Kind.POSITIONAL, positional, "unexpected argument"),
        ):
            if found and kind not in self._kinds:
                self.parser.error(f"{problem} {found[0]}")
            if found:
                words[self._kinds[kind]] = found

    def values(self, words: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
        """Parsed values by field, only those given, and where each came from."""
        values: dict[str, Any] = {}
        sources: dict[str, str] = {}
        for row in self._rows:
            variable = environment_variable(self._env_prefix, row.field)
            texts = words.get(row.field)
            if texts is not None:
                label = row.shown
                sources[row.field] = f"flag {row.flags[-1]}" if row.flags else "command line"
            else:
                texts = _environment_texts(row, variable, environ)
                if texts is None:
                    continue
                label = f"{variable} ({row.shown})"
                sources[row.field] = f"environment {variable}"
            try:
                values[row.field] = _convert(row, texts)
            except ValueError as error:
                raise SettingsError(f"{label}: {error}", row.exit_code or self._value_exit) from None
        return values, sources

    def build(self, values: Mapping[str, Any], sources: Mapping[str, str]) -> S:
        """The instance; what its `__post_init__` refuses is told with the option's name."""
        try:
            return self._class(**values)
        except FieldError as error:
            row = next(row for row in self._rows if row.field == error.field)
            source = sources.get(error.field, "")
            label = f"{source[12:]} ({row.shown})" if source.startswith("environment ") else row.shown
            raise SettingsError(f"{label}: {error}", error.exit_code or row.exit_code or self._value_exit) from None


class _NoteFlag(argparse.Action):
    """Collects the flag itself, not its value: what was ignored is told by name."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        flag = (option_string or "").removesuffix(_VALUE_SUFFIX)
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or ()), flag])


class _NoteBareFlag(_NoteFlag):
    def __init__(self, option_strings: Sequence[str], dest: str, **kwargs: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **kwargs)


def _environment_texts(row: OptionRow, variable: str, environ: Mapping[str, str]) -> list[str] | None:
    text = environ.get(variable, "").strip() if row.env else ""
    if not text or (variable.endswith("_PORT") and _SERVICE_LINK.fullmatch(text)):
        return None  # an empty variable is what a template leaves behind: not set
    return text.split() if row.repeat else [text]


def _convert(row: OptionRow, texts: Sequence[str | None]) -> Any:
    if row.kind is not Kind.OPTION:
        return tuple(texts)
    if row.count:
        total = 0
        for text in texts:
            total = total + 1 if text is None else integer(0)(text)
        return total
    parse = row.parse or _parser_for(row.default)
    if row.repeat:
        given = [text for text in texts if text is not None]
        parts = [part for text in given for part in (text.split(row.split) if row.split else [text])]
        return tuple(parse(part.strip()) for part in parts if part.strip())
    last = texts[-1]
    if last is not None:
        return parse(last)
    return not row.default if row.is_toggle else parse(row.bare or "")


def _parser_for(default: object) -> Callable[[str], Any]:
    if isinstance(default, bool):
        return boolean
    if isinstance(default, int):
        return integer()
    if isinstance(default, float):
        return decimal()
    return str
