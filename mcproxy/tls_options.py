"""Options of TLS, towards clients (`--ssl-port`, `--server-pem-…`) and towards servers (`--pem-…`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mcdaemon.option_values import integer
from mcdaemon.options import FieldError, option


class PemFiles(NamedTuple):
    """Paths of a certificate chain, its key and the CAs of the other side; empty for those not given."""

    chain: str
    key: str
    authorities: str


@dataclass(frozen=True, kw_only=True)
class TlsOptions:
    """Files are PEM; a key may stand in its certificate's file."""

    ssl_port: tuple[int, ...] = option(
        (), "--ssl-port", metavar="N", split=",", parse=integer(0, 65535), help="TCP ports where clients speak TLS"
    )
    server_pem_cert_path: str = option(
        "", "--server-pem-cert-path", metavar="PATH", help="certificate shown to clients; --pem-cert-path by default"
    )
    server_pem_key_path: str = option("", "--server-pem-key-path", metavar="PATH", help="its key")
    server_pem_ca_path: str = option(
        "", "--server-pem-ca-path", metavar="PATH", help="CAs of clients' certificates, which are then looked at"
    )
    ssl_require_peer_certs: bool = option(
        False, "--ssl-require-peer-certs", help="turn away clients without a certificate of those CAs"
    )
    ssl_handshake_timeout: int = option(
        10_000,
        "--ssl-handshake-timeout",
        metavar="MS",
        parse=integer(1),
        help="a client that has not finished its handshake by then is dropped",
    )
    upstream_tls: bool = option(False, "--upstream-tls", help="speak TLS to --upstream servers")
    pem_cert_path: str = option("", "--pem-cert-path", metavar="PATH", help="certificate shown to servers")
    pem_key_path: str = option("", "--pem-key-path", metavar="PATH", help="its key")
    pem_ca_path: str = option("", "--pem-ca-path", metavar="PATH", help="CAs of servers' certificates")
    ssl_verify_peers: bool = option(
        False, "--ssl-verify-peers", help="refuse servers without a certificate of those CAs, or else the system's"
    )
    ssl_service_identity: str = option(
        "",
        "--ssl-service-identity",
        metavar="NAME",
        help="asked of servers (SNI); with --ssl-verify-peers the name their certificates must have",
    )
    ssl_connection_cache: bool = option(
        False, "--ssl-connection-cache", help="resume TLS sessions with servers after a reconnect"
    )

    @property
    def server_pem(self) -> PemFiles:
        """What clients see: files of its own, or else those for servers, as before mcrouter told them apart."""
        own = PemFiles(self.server_pem_cert_path, self.server_pem_key_path, self.server_pem_ca_path)
        return own if any(own) else self.upstream_pem

    @property
    def upstream_pem(self) -> PemFiles:
        """What servers see."""
        return PemFiles(self.pem_cert_path, self.pem_key_path, self.pem_ca_path)

    def check_tls(self, alone_on: str) -> None:
        """Nobody shall believe in what is not done. `alone_on`: the listener beside which no ports are opened.

        Raises FieldError.
        """
        if self.ssl_port:
            if alone_on:
                raise FieldError("ssl_port", f"not together with {alone_on}")
            if not self.server_pem.chain:
                raise FieldError("ssl_port", "TLS needs a certificate: --server-pem-cert-path")
            if self.ssl_require_peer_certs and not self.server_pem.authorities:
                raise FieldError("ssl_require_peer_certs", "needs the CAs of clients: --server-pem-ca-path")
        if self.pem_key_path and not self.pem_cert_path:
            raise FieldError("pem_key_path", "a key without a certificate: --pem-cert-path")
