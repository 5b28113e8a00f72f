"""Where a config comes from: `file:PATH`, a path, or the JSON text itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcproxy.config_error import ConfigError

_SIZE_MAX = 64 << 20


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
        return str(self.path) if self.path is not None else "the command line"

    def read(self) -> str:
        """The text now. Raises ConfigError."""
        if self.path is None:
            return self.text
        try:
            if self.path.stat().st_size > _SIZE_MAX:
                raise ConfigError(f"Can not read config: {self.path} is larger than {_SIZE_MAX} bytes")
            return self.path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"Can not read config: {self.path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"Can not read config: {self.path} is not UTF-8") from error
