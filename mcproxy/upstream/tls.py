"""TLS towards servers: the context connections are made with, and sessions that a reconnect resumes."""

from __future__ import annotations

import ssl
from typing import Any

from mcdaemon.tls import RenewableContext, load_authorities, load_identity
from mcproxy.upstream.location import Location

SHUTDOWN_S = 2.0
"""A server that does not answer the end of TLS is not waited for longer."""


class ClientTls:
    """`chain`, `key` and `authorities` are paths, or empty; `identity` the name servers go by, or empty.

    Servers are verified only if `verifies`: by their authority, the system's without `authorities`, and by their
    name only if there is an `identity`, for servers are known by addresses. Raises ValueError, OSError.
    """

    def __init__(
        self,
        *,
        chain: str = "",
        key: str = "",
        authorities: str = "",
        verifies: bool = False,
        identity: str = "",
        resumes: bool = False,
    ) -> None:
        self._chain, self._key, self._authorities = chain, key, authorities
        self._verifies, self._identity, self._resumes = verifies, identity, resumes
        self.context = RenewableContext(self._build)

    def _build(self) -> ssl.SSLContext:
        context = (ResumingContext if self._resumes else ssl.SSLContext)(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = bool(self._verifies and self._identity)
        context.verify_mode = ssl.CERT_REQUIRED if self._verifies else ssl.CERT_NONE
        if self._authorities:
            load_authorities(context, self._authorities, "server")
        elif self._verifies:
            context.load_default_certs()
        if self._chain:
            load_identity(context, self._chain, self._key)
        return context

    def arguments(self, location: Location, timeout_s: float) -> dict[str, Any]:
        """What the loop's create_connection takes for TLS with the server there."""
        context = self.context.newest
        name = self._identity or ("" if location.host.startswith("/") else location.host)
        if isinstance(context, ResumingContext):
            context.names[str(location)] = name
            name = str(location)
        return {
            "ssl": context,
            "server_hostname": name,
            "ssl_handshake_timeout": timeout_s + SHUTDOWN_S,  # the caller's own timeout comes first
            "ssl_shutdown_timeout": SHUTDOWN_S,
        }


class ResumingContext(ssl.SSLContext):
    """Knows servers by location instead of by name, and offers each the last session it had with it.

    The session is asked for only then: in TLS 1.3 a server tells it some time after the handshake.
    """

    names: dict[str, str]
    """The name that a location goes by in TLS; empty for none."""
    _last: dict[str, ssl.SSLObject]

    def __new__(cls, *arguments: Any) -> ResumingContext:
        context = super().__new__(cls, *arguments)
        context.names, context._last = {}, {}
        return context

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As the loop calls it, with a location as `server_hostname`."""
        location = str(server_hostname)
        last = self._last.get(location)
        self._last[location] = made = super().wrap_bio(
            incoming, outgoing, server_side, self.names[location] or None, last.session if last else None
        )
        return made
