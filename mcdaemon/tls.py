"""TLS contexts made from files that can be read again while connections are served.

A context can take a new certificate, but it never forgets an authority. So what is read again is a new context: a
client just uses the newest, and a listener, whose event loop holds on to the one it began with, switches each
handshake to the newest at its first message.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

_CLEARER = {"PEM lib": "not PEM, or not with its key"}


def load_identity(context: ssl.SSLContext, chain: str, key: str) -> None:
    """What we show of ourselves: a PEM chain, and its key, if that is a file of its own. Raises ValueError."""
    try:
        context.load_cert_chain(chain, key or None, password="")  # for an encrypted key nobody is asked
    except OSError as error:
        raise ValueError(f"Error loading the certificate chain: {chain or '(none)'}: {failure_text(error)}") from error


def load_authorities(context: ssl.SSLContext, path: str, whose: str) -> None:
    """Whom we believe, beside those it has: PEM certificates. `whose` stands in the error. Raises ValueError."""
    try:
        context.load_verify_locations(path)
    except OSError as error:
        raise ValueError(f"Error loading the {whose} CA cert: {path}: {failure_text(error)}") from error


def load_client_authorities(context: ssl.SSLContext, path: str) -> None:
    """Whose clients we believe. Raises ValueError.

    Each handshake asks them for a certificate: of a session that is resumed nothing is verified again, so it would
    outlive its certificate, and its authority in a context made later.
    """
    load_authorities(context, path, "client")
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0


def failure_text(error: OSError) -> str:
    """Its words, without the place in OpenSSL's glue: `certificate verify failed: certificate has expired`."""
    text = error.strerror or str(error)
    if isinstance(error, ssl.SSLError):
        text = text.partition("] ")[2] or text
        text = text.rpartition(" (_ssl.c:")[0] or text
    return _CLEARER.get(text, text)


class RenewableContext:
    """`newest` is what `build` gave last; `build` raises ValueError or OSError for files that cannot be used."""

    def __init__(self, build: Callable[[], ssl.SSLContext]) -> None:
        self._build = build
        self.newest = build()

    def refresh(self) -> None:
        """Read the files again, for handshakes to come. Raises as `build` does; then the old ones stay whole."""
        self.newest = self._build()

    def for_listeners(self, on_failure: Callable[[ssl.SSLError], None] | None = None) -> ssl.SSLContext:
        """A context that a listener may hold for good. `on_failure` is told of each handshake that went wrong."""
        context = self.newest
        # it is called for each client, with a server's name or without
        context.sni_callback = self._switch
        if on_failure is not None:
            context.sslobject_class = _telling(on_failure)
        return context

    def _switch(self, handshake: ssl.SSLObject, name: str | None, began_with: ssl.SSLContext) -> None:
        handshake.context = self.newest


def _telling(on_failure: Callable[[ssl.SSLError], None]) -> type[ssl.SSLObject]:
    class TellingObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                on_failure(error)
                raise

    return TellingObject
