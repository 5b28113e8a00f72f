"""TLS of one process, towards clients and towards servers: made once, read again when its files change."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mcdaemon.errors import StartError
from mcdaemon.tls import RenewableContext, load_client_authorities, load_identity
from mcproxy.config.file_watch import Status, status_of
from mcproxy.configuration import CONFIG_EXIT
from mcproxy.tls_options import TlsOptions
from mcproxy.upstream.tls import SHUTDOWN_S, ClientTls

log = logging.getLogger(__name__)


class Tls:
    """`towards_servers` is there in any case: a configuration that is read later may ask for it.

    Raises StartError when a file cannot be used.
    """

    def __init__(self, options: TlsOptions) -> None:
        self._options = options
        files = options.upstream_pem
        try:
            self.towards_servers = ClientTls(
                chain=files.chain,
                key=files.key,
                authorities=files.authorities,
                verifies=options.ssl_verify_peers,
                identity=options.ssl_service_identity,
                resumes=options.ssl_connection_cache,
            )
            self._towards_clients = RenewableContext(self._build) if options.ssl_port else None
        except (OSError, ValueError) as error:
            raise StartError(f"mcproxy: {error}", CONFIG_EXIT) from error
        self._read = self._statuses()

    def _build(self) -> ssl.SSLContext:
        chain, key, authorities = self._options.server_pem
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_identity(context, chain, key)
        if authorities:
            load_client_authorities(context, authorities)
            context.verify_mode = ssl.CERT_REQUIRED if self._options.ssl_require_peer_certs else ssl.CERT_OPTIONAL
        return context

    @property
    def files(self) -> list[Path]:
        """All that `refresh` reads."""
        named = [*self._options.upstream_pem, *(self._options.server_pem if self._options.ssl_port else ())]
        return [Path(name) for name in dict.fromkeys(named) if name]

    def listening(self, on_failure: Callable[[ssl.SSLError], None]) -> dict[str, Any]:
        """What the loop's create_server takes for a listener of --ssl-port. See RenewableContext.for_listeners."""
        assert self._towards_clients is not None
        return {
            "ssl": self._towards_clients.for_listeners(on_failure),
            "ssl_handshake_timeout": self._options.ssl_handshake_timeout / 1000,
            "ssl_shutdown_timeout": SHUTDOWN_S,
        }

    def _statuses(self) -> list[Status]:
        return [status_of(path) for path in self.files]

    def catch_up(self) -> None:
        """Read them again if they have changed: a worker that takes a dead one's place may come long after."""
        if self._statuses() != self._read:
            self.refresh()

    def refresh(self) -> None:
        """Read the files again, for connections to come; those that cannot be used are told, and the old stay."""
        self._read = self._statuses()
        for context in (self._towards_clients, self.towards_servers.context):
            if context is None:
                continue
            try:
                context.refresh()
            except (OSError, ValueError) as error:
                log.error("TLS: %s; what was read before stays", error)
                return
        log.info("TLS: certificates read again")
