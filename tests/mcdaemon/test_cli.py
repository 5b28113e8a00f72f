"""Every form an option may take, from both sources, and every way it can be wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from mcdaemon.cli import parse_settings
from mcdaemon.option_values import byte_size, decimal, integer, key_value, octal, one_of
from mcdaemon.options import (
    FieldError,
    ignored_options,
    option,
    option_rows,
    positional_arguments,
    unknown_options,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    port: int = option(11211, "-p", "--port", metavar="N", parse=integer(-1, 65535), help="TCP port")
    memory_limit: int = option(64, "-m", "--memory-limit", metavar="MB", parse=integer(8), help="100% cache")
    max_item_size: int = option(1 << 20, "-I", parse=byte_size(1024), exit_code=64, help="largest item")
    factor: float = option(1.25, "-f", "--factor", parse=decimal(above=1), help="growth factor")
    unix_mask: int = option(0o700, "-a", "--unix-mask", parse=octal(), help="mode of the socket")
    listen: tuple[str, ...] = option((), "-l", "--listen", split=",", help="addresses")
    extended: tuple[tuple[str, str | None], ...] = option((), "-o", split=",", parse=key_value, help="more")
    verbose: int = option(0, "-v", "--verbose", count=True, help="say more")
    evictions: bool = option(True, "-M", "--disable-evictions", help="no evictions")
    flush_all: bool = option(False, "--enable-flush", help="permit flush_all")
    log_format: str = option("text", "--log-format", parse=one_of("text", "json"), help="form of log lines")
    validate: str = option("", "--validate", bare="exit", parse=one_of("exit", "run"), help="check only")
    secret: str = option("", "--secret", env=False, hidden=True, help="not shown")
    admin: int | None = option(None, "--admin", parse=integer(0), help="port of /metrics")
    ignored: tuple[str, ...] = ignored_options(("-u", "--user", "NAME"), ("-k", "--lock-memory"))

    def __post_init__(self) -> None:
        if self.admin is not None and self.admin == self.port:
            raise FieldError("admin", f"{self.admin} is the cache port already")


@dataclass(frozen=True, kw_only=True)
class Lenient:
    port: int = option(5000, "-p", "--port", help="TCP port")
    upstream: tuple[str, ...] = option((), "--upstream", repeat=True, help="a server")
    unknown: tuple[str, ...] = unknown_options()
    files: tuple[str, ...] = positional_arguments("FILE")


def parse(*argv: str, environ: Mapping[str, str] | None = None) -> Settings:
    return parse_settings(
        Settings,
        argv,
        environ or {},
        prog="cached",
        env_prefix="CACHED",
        description="A cache.",
        version_text="cached 1.2.3",
    )


def parse_lenient(*argv: str, environ: Mapping[str, str] | None = None) -> Lenient:
    return parse_settings(
        Lenient,
        argv,
        environ or {},
        prog="proxyd",
        env_prefix="PROXYD",
        description="A proxy.",
        version_text="proxyd 1",
        usage_exit=3,
        value_exit=3,
    )


@pytest.mark.parametrize(
    ("argv", "field", "expected"),
    [
        (["-m", "128"], "memory_limit", 128),
        (["-m128"], "memory_limit", 128),
        (["-m 128"], "memory_limit", 128),
        (["--memory-limit", "128"], "memory_limit", 128),
        (["--memory-limit=128"], "memory_limit", 128),
        (["--memory-limit 128"], "memory_limit", 128),
        (["-m", "100", "-m", "200"], "memory_limit", 200),
        (["-p", "-1"], "port", -1),
        (["-p-1"], "port", -1),
        (["-I", "2m"], "max_item_size", 2 << 20),
        (["-I", "4K"], "max_item_size", 4096),
        (["-f", "1.5"], "factor", 1.5),
        (["-a", "0770"], "unix_mask", 0o770),
        (["-l", "127.0.0.1,[::1]:11212"], "listen", ("127.0.0.1", "[::1]:11212")),
        (["-l", "a", "-l", "b, c"], "listen", ("a", "b", "c")),
        (["-o", "modern,hashpower=20"], "extended", (("modern", None), ("hashpower", "20"))),
        (["-ohashpower=20", "-o modern"], "extended", (("hashpower", "20"), ("modern", None))),
        (["-v"], "verbose", 1),
        (["-vvv"], "verbose", 3),
        (["-v", "-vv"], "verbose", 3),
        (["--verbose=2"], "verbose", 2),
        (["-vM"], "evictions", False),
        (["-vm96"], "memory_limit", 96),
        (["-M"], "evictions", False),
        (["--disable-evictions"], "evictions", False),
        (["--disable-evictions=true"], "evictions", True),
        (["--enable-flush"], "flush_all", True),
        (["--enable-flush=0"], "flush_all", False),
        (["--validate"], "validate", "exit"),
        (["--validate=run"], "validate", "run"),
        (["--log-format", "json"], "log_format", "json"),
        (["--secret", "-"], "secret", "-"),
        (["--secret", "two words"], "secret", "two words"),
        (["--secret={ 'a': 1 }"], "secret", "{ 'a': 1 }"),
        (["-u", "nobody", "-k"], "ignored", ("-u", "-k")),
        (["-u nobody", "--lock-memory=1"], "ignored", ("-u", "--lock-memory")),
        ([], "ignored", ()),
        ([], "admin", None),
        (["--admin=9150"], "admin", 9150),
    ],
)
def test_command_line_forms(argv: Sequence[str], field: str, expected: object) -> None:
    assert getattr(parse(*argv), field) == expected


@pytest.mark.parametrize(
    ("variable", "text", "field", "expected"),
    [
        ("CACHED_MEMORY_LIMIT", "256", "memory_limit", 256),
        ("CACHED_LISTEN", "a,b c", "listen", ("a", "b", "c")),
        ("CACHED_FLUSH_ALL", "yes", "flush_all", True),
        ("CACHED_EVICTIONS", "off", "evictions", False),
        ("CACHED_VERBOSE", "2", "verbose", 2),
        ("CACHED_PORT", "5001", "port", 5001),
        ("CACHED_PORT", "", "port", 11211),
        ("CACHED_PORT", "tcp://10.96.0.7:11211", "port", 11211),  # what Kubernetes sets for a Service
        ("CACHED_SECRET", "x", "secret", ""),
        ("CACHED_IGNORED", "x", "ignored", ()),
        ("OTHER_PORT", "1", "port", 11211),
    ],
)
def test_environment(variable: str, text: str, field: str, expected: object) -> None:
    assert getattr(parse(environ={variable: text}), field) == expected


def test_command_line_beats_environment() -> None:
    settings = parse("-m", "100", environ={"CACHED_MEMORY_LIMIT": "abc", "CACHED_FACTOR": "2"})
    assert (settings.memory_limit, settings.factor) == (100, 2.0)


@pytest.mark.parametrize(
    ("argv", "environ", "line", "code"),
    [
        (["-m", "abc"], {}, '-m/--memory-limit: "abc" is not a whole number', 1),
        (["-m", "7"], {}, "-m/--memory-limit: 7 is less than 8", 1),
        (["-p", "70000"], {}, "-p/--port: 70000 is not between -1 and 65535", 1),
        (["-f1"], {}, "-f/--factor: 1 is not greater than 1", 1),
        (["-f", "nan"], {}, '-f/--factor: "nan" is not a finite number', 1),
        (["-I", "5"], {}, "-I: 5 is less than 1024", 64),
        (["-I", "1x"], {}, '-I: "1x" is not a size such as 65536, 64k or 1m', 64),
        (["-a", "9"], {}, '-a/--unix-mask: "9" is not an octal number', 1),
        (["-o", "=1"], {}, '-o: "=1" has no name before its value', 1),
        (["--log-format=xml"], {}, '--log-format: "xml" is not one of text, json', 1),
        (["--enable-flush=maybe"], {}, '--enable-flush: "maybe" is neither true nor false', 1),
        (["--verbose=loud"], {}, '-v/--verbose: "loud" is not a whole number', 1),
        ([], {"CACHED_PORT": "x"}, 'CACHED_PORT (-p/--port): "x" is not a whole number', 1),
        (["--admin", "11211"], {}, "--admin: 11211 is the cache port already", 1),
        ([], {"CACHED_ADMIN": "11211"}, "CACHED_ADMIN (--admin): 11211 is the cache port already", 1),
        (["-Q"], {}, "unknown option -Q (see cached --help)", 64),
        (["--memory", "5"], {}, "unknown option --memory (see cached --help)", 64),
        (["extra"], {}, "unexpected argument extra (see cached --help)", 64),
        (["-m"], {}, "argument -m/--memory-limit: expected one argument (see cached --help)", 64),
        (["-m", "-v"], {}, "argument -m/--memory-limit: expected one argument (see cached --help)", 64),
    ],
)
def test_bad_input_is_one_line(
    argv: Sequence[str],
    environ: Mapping[str, str],
    line: str,
    code: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(*argv, environ=environ)
    assert capsys.readouterr().err == f"cached: {line}\n"
    assert stop.value.code == code


def test_unknown_options_may_be_collected(capsys: pytest.CaptureFixture[str]) -> None:
    settings = parse_lenient("--fibers-max=3", "-p", "5001", "--no-such", "file:flavor", "-X")
    assert settings.port == 5001
    assert settings.unknown == ("--fibers-max=3", "--no-such", "-X")
    assert settings.files == ("file:flavor",)
    with pytest.raises(SystemExit) as stop:
        parse_lenient("-p", "x")
    assert stop.value.code == 3
    assert capsys.readouterr().err == 'proxyd: -p/--port: "x" is not a whole number\n'


def test_repeated_option() -> None:
    assert parse_lenient("--upstream", "a:1", "--upstream=b:2").upstream == ("a:1", "b:2")
    assert parse_lenient(environ={"PROXYD_UPSTREAM": "a:1\n b:2"}).upstream == ("a:1", "b:2")


def test_print_settings_names_each_source(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse("--print-settings", "-m 80", "-u", "nobody", environ={"CACHED_LISTEN": "a,b"})
    assert stop.value.code == 0
    shown = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert list(shown) == list(Settings.__dataclass_fields__)
    assert shown["memory_limit"].endswith(" = 80  (source: flag --memory-limit)")
    assert shown["listen"].endswith(" = a, b  (source: environment CACHED_LISTEN)")
    assert shown["port"].endswith(" = 11211  (source: default)")
    assert shown["ignored"].endswith(" = -u  (source: command line)")
    assert shown["admin"].endswith(" = (none)  (source: default)")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_shows_every_option_but_hidden_ones(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(flag, environ={"CACHED_PORT": "bad"})
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for row in option_rows(Settings):
        for name in row.flags:
            assert (name in text) is not row.hidden
    assert "100% cache (default 64)" in text
    assert ":value" not in text
    assert "A cache." in text and "CACHED_NAME" in text


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_version(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(flag)
    assert stop.value.code == 0
    assert capsys.readouterr().out == "cached 1.2.3\n"
