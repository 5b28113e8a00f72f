"""--validate-config: the whole configuration is read and built, and nothing is connected to."""

from __future__ import annotations

from mcdaemon.errors import StartError
from mcproxy.config.environment import of_settings
from mcproxy.config.source import Source
from mcproxy.config_error import ConfigError
from mcproxy.configuration import CONFIG_EXIT, told, upstream_options
from mcproxy.host_id import host_id
from mcproxy.offline import OfflineTree
from mcproxy.settings import Settings


def validate(settings: Settings) -> None:
    """Raises StartError with mcrouter's status when there is a mistake. Names are not looked up."""
    if not settings.config_text:
        raise StartError("mcproxy: --validate-config needs --config", CONFIG_EXIT)
    source = Source.of(settings.config_text)
    try:
        OfflineTree(source, of_settings(settings, host_id()), upstream_options(settings))
    except ConfigError as error:
        raise StartError(f"mcproxy: {told(error, source)}", CONFIG_EXIT) from None
