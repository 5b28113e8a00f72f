"""TLS for clients (-Z): one context from the ssl_ options, whose certificate can be replaced while it serves."""

import ssl
from collections.abc import Callable

from mcdaemon.errors import StartError
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
            self.context = self._build()
        except (OSError, ValueError) as error:
            raise StartError(str(error), CANNOT_LOAD_EXIT) from error

    def refresh(self) -> None:
        """Read certificate, key and client CAs again, for connections to come. Raises OSError, ValueError.

        What cannot be used is found out on a context nobody uses yet: then the old one stays whole.
        """
        self._build()
        self._load(self.context)
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
        self._load(context)
        context.verify_mode = VERIFY_MODES[options.ssl_verify_mode]
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        options = self._options
        chain, key = options.ssl_chain_cert, options.ssl_key or None
        try:
            context.load_cert_chain(chain, key)
        except OSError as error:
            raise ValueError(f"Error loading the certificate chain: {chain or '(none)'}: {error.strerror}") from error
        if options.ssl_ca_cert:
            try:
                context.load_verify_locations(options.ssl_ca_cert)
            except OSError as error:
                text = f"Error loading the client CA cert: {options.ssl_ca_cert}: {error.strerror}"
                raise ValueError(text) from error
