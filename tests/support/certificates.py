"""Certificates made by the openssl program: an authority, and what it signs. Elliptic keys, for they are quick."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


@dataclass(frozen=True)
class Pair:
    """The files of a certificate and its key."""

    chain: Path
    key: Path

    def words(self, prefix: str) -> list[str]:
        """Options of the proxy: `--{prefix}pem-cert-path` and the key's."""
        return [f"--{prefix}pem-cert-path", str(self.chain), f"--{prefix}pem-key-path", str(self.key)]

    def copied(self, to: Pair) -> None:
        """These files in the place of others."""
        to.chain.write_bytes(self.chain.read_bytes())
        to.key.write_bytes(self.key.read_bytes())


class Authority:
    """Signs; `pem` is what others trust it by."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self._pair = self._make(name, ["-x509", "-addext", "keyUsage=critical,keyCertSign,cRLSign"])
        self.pem = self._pair.chain

    def certificate(self, name: str) -> Pair:
        """One for the host `name` and for 127.0.0.1."""
        names = f"subjectAltName=DNS:{name},IP:127.0.0.1"
        signed = ["-x509", "-CA", str(self.pem), "-CAkey", str(self._pair.key), "-addext", names]
        return self._make(name, [*signed, "-addext", "basicConstraints=critical,CA:FALSE"])

    def _make(self, name: str, words: list[str]) -> Pair:
        pair = Pair(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        files = ["-keyout", str(pair.key), "-out", str(pair.chain)]
        subprocess.run(
            ["openssl", "req", *words, *_NEW_KEY, "-subj", f"/CN={name}", *files], check=True, capture_output=True
        )
        return pair

    def trusting(self, client: Pair | None = None) -> ssl.SSLContext:
        """A client's context."""
        context = ssl.create_default_context(cafile=str(self.pem))
        if client is not None:
            context.load_cert_chain(client.chain, client.key)
        return context

    def serving(self, server: Pair, *, asks: bool = False) -> ssl.SSLContext:
        """A server's context; `asks`: for a certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server.chain, server.key)
        if asks:
            context.load_verify_locations(self.pem)
            context.verify_mode = ssl.CERT_REQUIRED
        return context
