"""mcrouter's flavor files: options in JSON, named by a positional argument `file:PATH`.

{"options": {"server_timeout_ms": "250"}}                           file:/etc/flavor.json
{"libmcrouter_options": {…}, "standalone_options": {…}}             file:/etc/flavor.json-standalone
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mcproxy.config import jsonc
from mcproxy.config.source import read_file
from mcproxy.config_error import ConfigError

_STANDALONE = "-standalone"

# Names that differ between files and the command line.
_COMMAND_LINE_NAMES = {
    "async_spool": "async-dir",
    "default_route": "route-prefix",
    "failures_until_tko": "timeouts-until-tko",
    "ports": "port",
    "probe_delay_initial_ms": "probe-timeout-initial",
    "probe_delay_max_ms": "probe-timeout-max",
    "server_timeout_ms": "server-timeout",
    "ssl_ports": "ssl-port",
}


def with_flavors(words: Sequence[str]) -> list[str]:
    """The command line with the options of its flavor files in front, where what follows wins over them.

    Raises ConfigError for a file that cannot be used.
    """
    flavors = [word for index, word in enumerate(words) if _is_flavor(words, index)]
    options = [option for flavor in flavors for option in _options(flavor.removeprefix("file:"))]
    return [*options, *(word for index, word in enumerate(words) if not _is_flavor(words, index))]


def _is_flavor(words: Sequence[str], index: int) -> bool:
    return words[index].startswith("file:") and (index == 0 or not words[index - 1].startswith("-"))


def _options(name: str) -> Iterator[str]:
    path = Path(name)
    if name.endswith(_STANDALONE) and not path.exists():
        path = Path(name.removesuffix(_STANDALONE))
    parsed = jsonc.parse(read_file(path), str(path))
    groups = [parsed.get(key) for key in ("options", "libmcrouter_options", "standalone_options")] if isinstance(
        parsed, dict
    ) else []
    if not any(isinstance(group, dict) for group in groups):
        raise ConfigError(f"flavor {path}: an object with options is expected")
    for group in groups:
        for option, value in (group or {}).items():
            flag = _COMMAND_LINE_NAMES.get(option, option.replace("_", "-"))
            yield f"--{flag}={_as_word(value)}"


def _as_word(value: Any) -> str:
    return {True: "1", False: "0"}.get(value, str(value)) if isinstance(value, bool) else str(value)
