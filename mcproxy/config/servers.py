"""What a pool's `servers` may say: server strings and discovery addresses. Pure."""

from __future__ import annotations

from typing import NamedTuple

from discovery.service_name import DNS_SCHEMES, Target, checked_name, is_ip, parse_target, split_host_port
from mcproxy.upstream.destination import Location

DEFAULT_PORT = 11211

PROTOCOLS = frozenset({"ascii"})
SECURITY_MECHANISMS = {"plain": False, "ssl": True, "tls": True, "fizz": True, "ktls12": True}
"""Whether TLS is spoken. `fizz` is another library's TLS 1.3, `ktls12` TLS 1.2 that may be left to the kernel."""
TLS_TO_PLAIN = "tls_to_plain"

_WITHOUT_EFFECT = frozenset({"notcompressed"})
_REFUSED = frozenset({"caret", "thrift", "umbrella", "compressed"})


class Server(NamedTuple):
    """A server string: where, and whether TLS is spoken there; None where the pool decides."""

    location: Location
    tls: bool | None


def speaks_tls(mechanism: str) -> bool:
    """What a `security_mech` asks for. Raises ValueError."""
    if mechanism == TLS_TO_PLAIN:
        raise ValueError(f"{TLS_TO_PLAIN} is not spoken here: it goes on in plain text after the handshake")
    if mechanism not in SECURITY_MECHANISMS:
        raise ValueError(f"{mechanism!r} is none of {', '.join(SECURITY_MECHANISMS)}")
    return SECURITY_MECHANISMS[mechanism]


def is_discovery_address(text: str) -> bool:
    """Whether it names servers that DNS knows: `dns+…`, `dnssrv+…`, `dnssrvnoa+…`."""
    return text.startswith(tuple(scheme.value for scheme in DNS_SCHEMES))


def discovery_target(text: str) -> Target:
    """What to watch. Raises ValueError."""
    return parse_target(text, DEFAULT_PORT)


def parse_server(text: str, port_override: int = 0) -> Server:
    """`host:port[:ascii[:security[:notcompressed]]]`, `[v6]:port…`, `unix:/path…`. Raises ValueError."""
    is_path = text.startswith("unix:/")
    address, tls = text.removeprefix("unix:") if is_path else text, None
    while (head := address.rpartition(":"))[1]:
        word = head[2]
        if word in _REFUSED and not is_path:
            raise ValueError(f"{word} is not spoken here, only ascii and without compression")
        if word in SECURITY_MECHANISMS or word == TLS_TO_PLAIN:
            tls = speaks_tls(word)
        elif word not in PROTOCOLS | _WITHOUT_EFFECT:
            break
        address = head[0]
    if is_path:
        return Server(Location(address, 0), tls)
    host, port = split_host_port(address, port_override or DEFAULT_PORT)
    if not is_ip(host):
        checked_name(host)
    return Server(Location(host, port_override or port), tls)
