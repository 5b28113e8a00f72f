"""What a pool's `servers` may say: server strings and discovery addresses. Pure."""

from __future__ import annotations

from discovery.service_name import DNS_SCHEMES, Target, parse_target, split_host_port
from mcproxy.upstream.destination import Location

DEFAULT_PORT = 11211

PROTOCOLS = frozenset({"ascii"})
_OTHER_PROTOCOLS = frozenset({"caret", "thrift", "umbrella"})
_WITHOUT_EFFECT = frozenset({"plain", "notcompressed"})
_REFUSED = frozenset({"ssl", "tls", "tls_to_plain", "ktls12", "compressed"}) | _OTHER_PROTOCOLS


def is_discovery_address(text: str) -> bool:
    """Whether it names servers that DNS knows: `dns+…`, `dnssrv+…`, `dnssrvnoa+…`."""
    return text.startswith(tuple(scheme.value for scheme in DNS_SCHEMES))


def discovery_target(text: str) -> Target:
    """What to watch. Raises ValueError."""
    return parse_target(text, DEFAULT_PORT)


def server_location(text: str, port_override: int = 0) -> Location:
    """`host:port[:ascii[:plain[:notcompressed]]]`, `[v6]:port`, `unix:/path`. Raises ValueError."""
    if text.startswith("unix:/"):
        path = text.removeprefix("unix:")
        while (head := path.rpartition(":"))[2] in PROTOCOLS | _WITHOUT_EFFECT:
            path = head[0]
        return Location(path, 0)
    address = text
    while (head := address.rpartition(":"))[1]:
        if head[2] in _REFUSED:
            raise ValueError(f"{head[2]} is not spoken here, only ascii:plain:notcompressed")
        if head[2] not in PROTOCOLS | _WITHOUT_EFFECT:
            break
        address = head[0]
    host, port = split_host_port(address, port_override or DEFAULT_PORT)
    return Location(host, port_override or port)
