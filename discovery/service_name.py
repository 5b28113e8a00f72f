"""The forms an upstream address takes, and what a pod's DNS name tells of it. Pure.

host:port  [v6]:port                one server; a host name is asked of the system's resolver
unix:/path                          one server on a socket of this machine
dns+NAME:PORT                       every address of NAME
dnssrv+_service._proto.NAME         every SRV target: stable names, ordinals and ports
dnssrvnoa+_service._proto.NAME      the same without looking up the targets' addresses
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from discovery.endpoint import Endpoint, host_port


class Lookup(Enum):
    """How a target's endpoints are found."""

    LITERAL = "literal"  # an IP address or a socket path: nothing to look up
    HOST = "host"  # one server by host name
    ADDRESSES = "dns+"  # all A, else all AAAA
    SERVICE = "dnssrv+"  # SRV, then the targets' addresses
    SERVICE_NO_ADDRESS = "dnssrvnoa+"  # SRV alone


DNS_SCHEMES = (Lookup.SERVICE_NO_ADDRESS, Lookup.SERVICE, Lookup.ADDRESSES)


@dataclass(frozen=True, slots=True)
class Target:
    """An upstream address, parsed: `host` is an IP, a host name, a DNS name (final dot added) or a path.

    `port` is 0 where it comes from SRV records or a path needs none. `is_relative`: written without the
    final dot, so that the search list may be tried after the name itself is found not to exist.
    """

    text: str
    lookup: Lookup
    host: str
    port: int
    is_relative: bool = False

    def __str__(self) -> str:
        return self.text


LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def parse_target(text: str, default_port: int | None = None) -> Target:
    """Parses one upstream address; ValueError, naming `text`, for anything else.

    `default_port` is used where a port belongs but none is written; None makes it obligatory.
    """
    try:
        return _parse(text, default_port)
    except ValueError as error:
        raise ValueError(f"upstream {text!r}: {error}") from None


def _parse(text: str, default_port: int | None) -> Target:
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path.startswith("/") or path.endswith("/"):
            raise ValueError("a socket is written unix:/absolute/path")
        return Target(text, Lookup.LITERAL, path, 0)
    for lookup in DNS_SCHEMES:
        if text.startswith(lookup.value):
            return _parse_dns(text, lookup, text.removeprefix(lookup.value), default_port)
    scheme, plus, _ = text.partition(":")[0].partition("+")
    if plus:
        raise ValueError(f"unknown scheme {scheme}+, known are dns+, dnssrv+ and dnssrvnoa+")
    host, port = split_host_port(text, default_port)
    if is_ip(host):
        return Target(text, Lookup.LITERAL, host, port)
    return Target(text, Lookup.HOST, checked_name(host), port)


def _parse_dns(text: str, lookup: Lookup, rest: str, default_port: int | None) -> Target:
    if lookup is Lookup.ADDRESSES:
        name, port = split_host_port(rest, default_port)
    else:
        name, port = rest, 0
        if ":" in rest:
            raise ValueError("the port comes from the SRV records, so none is written")
    if is_ip(name):
        raise ValueError("a DNS name belongs here, not an IP address")
    name = checked_name(name)
    if lookup is not Lookup.ADDRESSES and not _is_service(name):
        raise ValueError("a service is written _service._proto.NAME, such as _memcache._tcp.NAME")
    if lookup is Lookup.ADDRESSES and "." not in name:
        # A single label means nothing without the search list or /etc/hosts, so it gets no final dot.
        return Target(text, lookup, name, port, is_relative=True)
    return Target(text, lookup, name.removesuffix(".") + ".", port, is_relative=not name.endswith("."))


def _is_service(name: str) -> bool:
    """`_service._proto.NAME`, or a name without underscores in front (Consul answers SRV for those)."""
    labels = name.removesuffix(".").split(".")
    marked = [label.startswith("_") for label in labels[:2]]
    return len(labels) > 2 and marked[0] == marked[1]


def split_host_port(text: str, default_port: int | None = None) -> tuple[str, int]:
    """Splits `host:port` or `[v6]:port`; ValueError says what is wrong."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or ":" not in host or not is_ip(host):
            raise ValueError("an IPv6 address is written [address]:port")
        has_port, port_text = bool(rest), rest[1:]
    elif text.count(":") > 1:
        raise ValueError("an IPv6 address needs brackets: [address]:port")
    else:
        host, colon, port_text = text.partition(":")
        has_port = bool(colon)
    if not host:
        raise ValueError("the host is missing")
    if has_port:
        return host, parse_port(port_text)
    if default_port is None:
        raise ValueError("the port is missing")
    return host, default_port


def parse_port(text: str) -> int:
    """A port number from 1 to 65535, else ValueError."""
    if text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535:
        return int(text)
    raise ValueError(f"{text!r} is no port number (1 to 65535)")


def parse_nameserver(text: str) -> tuple[str, int]:
    """(IP, port) of `IP`, `IP:PORT`, `[v6]:PORT` or a bare IPv6 address; port 53 by default."""
    try:
        if is_ip(text):
            return text, 53
        address, port = split_host_port(text, 53)
        if not is_ip(address):
            raise ValueError("an IP address belongs here")
    except ValueError as error:
        raise ValueError(f"nameserver {text!r}: {error}") from None
    return address, port


def is_ip(text: str) -> bool:
    """An IPv4 or IPv6 address, without brackets."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def checked_name(name: str) -> str:
    """`name` in lower case (case carries no meaning in DNS, but would in an identity); RFC 1035's limits."""
    name = name.lower()
    bare = name.removesuffix(".")
    if len(bare) > 253:
        raise ValueError("a DNS name has at most 253 characters")
    for label in bare.split("."):
        if not label:
            raise ValueError("a label of the name is empty")
        if not LABEL.fullmatch(label):
            raise ValueError(f"{label!r} is no label of a DNS name")
    return name


# A StatefulSet's pod: NAME-ORDINAL. Not a pod named by its address, such as 10-0-0-7 or ip-10-0-0-7, nor one
# of a Deployment whose five random characters happen to be digits: hence at most four digits.
POD_LABEL = re.compile(r"(?P<base>[a-z0-9_-]*[a-z][a-z0-9_-]*)-(?P<ordinal>0|[1-9][0-9]{0,3})")
DASHED_ADDRESS = re.compile(r"(.*-)?([0-9]{1,3}-){3}[0-9]{1,3}")


def maybe_ordinal(target: str) -> int | None:
    """N of the SRV target `mycache-memcached-N.mycache-memcached.ns.svc…`; None for other kinds of name."""
    label, _, domain = target.lower().partition(".")
    pod = POD_LABEL.fullmatch(label)
    if not domain or pod is None or DASHED_ADDRESS.fullmatch(label):
        return None
    return int(pod["ordinal"])


def stable_name(target: str) -> str:
    """The identity in an SRV target: `mycache-memcached-N` of a StatefulSet's pod, else the whole name."""
    target = target.lower().removesuffix(".")
    return target if maybe_ordinal(target) is None else target.partition(".")[0]


def identify(members: Iterable[tuple[str, int, str]]) -> tuple[Endpoint, ...]:
    """Endpoints of (SRV target, port, address) triples.

    Members that would share a name (one host with several ports, one pod name under two domains) are told
    apart by `target:port` instead, and then have no slot.
    """
    members = sorted(set(members))
    claims = Counter(stable_name(target) for target, _, _ in members)
    endpoints = {}
    for target, port, address in members:
        name, slot = stable_name(target), maybe_ordinal(target)
        if claims[name] > 1:
            name, slot = host_port(target.lower().removesuffix("."), port), None
        endpoints[name] = Endpoint(name, address, port, slot)
    return tuple(endpoints.values())
