"""TLS for clients (-Z): one context from the ssl_ options, whose certificate can be replaced while it serves."""

import ssl
from collections.abc import Callable

from mcdaemon.errors import StartError
from mcdaemon.tls import RenewableContext, load_client_authorities, load_identity
from memcache_server.extended import Extended

CANNOT_LOAD_EXIT = 64
VERSIONS = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
VERIFY_MODES = (ssl.CERT_NONE, ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED, ssl.CERT_OPTIONAL)
"""What ssl_verify_mode 0 to 3 ask for: nothing, a certificate if there is one, a certificate, (once) as 1."""


class Tls:
    """The server's side of TLS. `refreshed` is when the certificate was read, by the clock handed in."""

    def __init__(self, options: Extended, now: Callable[[], int]) -> None:
        self._options = options
        self._now = now
        self.refreshed = now()
        try:
            self._renewable = RenewableContext(self._build)
        except (OSError, ValueError) as error:
            raise StartError(str(error), CANNOT_LOAD_EXIT) from error
        self.context = self._renewable.for_listeners()

    def refresh(self) -> None:
        """Read certificate, key and client CAs again, for connections to come. Raises OSError, ValueError.

        When one of them cannot be used, the old ones stay.
        """
        self._renewable.refresh()
        self.refreshed = self._now()

    def _build(self) -> ssl.SSLContext:
        options = self._options
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = VERSIONS[options.ssl_min_version]
        if options.ssl_ciphers:
            try:
                context.set_ciphers(options.ssl_ciphers)
            except ssl.SSLError as error:
                raise ValueError(f"Error setting the provided cipher(s): {options.ssl_ciphers}") from error
        load_identity(context, options.ssl_chain_cert, options.ssl_key)
        if options.ssl_ca_cert:
            load_client_authorities(context, options.ssl_ca_cert)
        context.verify_mode = VERIFY_MODES[options.ssl_verify_mode]
        return context
