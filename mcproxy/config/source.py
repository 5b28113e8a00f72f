"""Where a config comes from: `file:PATH`, a path, or the JSON text itself, and the files it imports.

Source   where the config is          Reading   one reading of it: each file once, and what was in it
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcproxy.config import jsonc
from mcproxy.config_error import ConfigError

_SIZE_MAX = 64 << 20
_YAML = frozenset({".yaml", ".yml"})


@dataclass(frozen=True, slots=True)
class Source:
    """A config's place: a file, or `text` given in its place."""

    path: Path | None = None
    text: str = ""

    @classmethod
    def of(cls, config: str) -> Source:
        """What `--config` was given."""
        if config.lstrip()[:1] in ("{", "/") and "{" in config:
            return cls(text=config)  # JSON, perhaps after a comment
        return cls(path=Path(config.removeprefix("file:")))

    @property
    def name(self) -> str:
        """For messages."""
        return str(self.path) if self.path is not None else "<command line>"

    @property
    def directory(self) -> Path:
        """What imported paths are relative to."""
        return self.path.parent if self.path is not None else Path()

    def read(self) -> str:
        """The text now. Raises ConfigError."""
        return self.text if self.path is None else read_file(self.path)


@dataclass(slots=True)
class Reading:
    """One reading of a config and of what it imports. `digests` has the MD5 of each file by its path, `texts` the text.

    A file that is missing is among the digests too, with an empty one: it may come. `read` takes a path for its text.
    """

    source: Source
    digests: dict[Path, str] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    read: Callable[[Path], str] | None = None

    def main(self) -> Any:
        """The config itself, parsed. Raises ConfigError."""
        if self.source.path is None:
            return jsonc.parse(self.source.text)
        return self._file(self.source.path, "")

    def imported(self, path: str) -> Any:
        """The parsed file that `@import` or a pool names. Raises ConfigError."""
        full = self.source.directory / path.removeprefix("file:")
        return self._file(full, str(full))

    def _file(self, path: Path, name: str) -> Any:
        self.digests[path] = ""
        text = self.texts[path] = (self.read or read_file)(path)
        self.digests[path] = digest(text)
        if path.suffix in _YAML:
            from mcproxy.config import yaml_source  # loaded only by who has such a file

            return yaml_source.parse(text, name)
        return jsonc.parse(text, name)


def digest(text: str) -> str:
    """As mcrouter names a version of a config."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def read_file(path: Path) -> str:
    """The text of a file. Raises ConfigError without a line."""
    try:
        if path.stat().st_size > _SIZE_MAX:
            raise ConfigError(f"Can not read config: {path} is larger than {_SIZE_MAX} bytes")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"Can not read config: {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"Can not read config: {path} is not UTF-8") from error
    except ValueError as error:  # a NUL in the path
        raise ConfigError(f"Can not read config: {str(path)!a}: {error}") from error
