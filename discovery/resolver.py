"""A target's lookup, whatever its form: DNS records, the system's resolver, or nothing to look up."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from discovery.endpoint import Endpoint, EndpointSet, host_port
from discovery.resolution import Failure, FailureKind, Resolution
from discovery.service_name import Lookup, Target, identify, parse_nameserver

if TYPE_CHECKING:
    from discovery.dns_client import DnsClient

# getaddrinfo's codes in DNS's terms; it reports a failing server and a silent one alike, as EAI_AGAIN.
FAILURE_OF_EAI = {
    socket.EAI_NONAME: FailureKind.NXDOMAIN,
    socket.EAI_NODATA: FailureKind.NODATA,
    socket.EAI_AGAIN: FailureKind.SERVFAIL,
}


class Resolver:
    """Resolves targets; one instance may serve many watchers of one event loop.

    `nameservers` (`IP`, `IP:PORT`, `[v6]:PORT`; ValueError for others) replace those of /etc/resolv.conf for
    the `dns…+` forms. `lifetime_s` bounds one `resolve`. With `prefer_ipv6` AAAA records come before A.
    """

    def __init__(
        self, nameservers: Sequence[str] = (), lifetime_s: float = 5.0, prefer_ipv6: bool = False
    ) -> None:
        for text in nameservers:
            parse_nameserver(text)
        self._nameservers = tuple(nameservers)
        self._lifetime_s = lifetime_s
        self._prefer_ipv6 = prefer_ipv6
        self._dns: DnsClient | None = None
        self._host_lookups: dict[str, asyncio.Future[tuple[str, ...] | Failure]] = {}

    async def resolve(self, target: Target) -> Resolution | Failure:
        """One lookup, within `lifetime_s`; every expected failure is a `Failure`, never an exception."""
        if target.lookup is Lookup.LITERAL:
            location = host_port(target.host, target.port)
            return Resolution(EndpointSet.of([Endpoint(location, target.host, target.port)]), None)
        if target.lookup is Lookup.HOST:
            return await self._host(target)
        if target.lookup is Lookup.ADDRESSES:
            return await self._addresses(target)
        return await self._service(target)

    async def _host(self, target: Target) -> Resolution | Failure:
        """One server, known by what was written; a name with several addresses stands for the first."""
        addresses = await self._system_addresses(target.host)
        if isinstance(addresses, Failure):
            return addresses
        endpoint = Endpoint(host_port(target.host, target.port), addresses[0], target.port)
        return Resolution(EndpointSet.of([endpoint]), None)

    async def _addresses(self, target: Target) -> Resolution | Failure:
        if "." not in target.host:  # a name of this machine's making: /etc/hosts, a search list
            values, ttl_s = await self._system_addresses(target.host), None
        else:
            found = await self._dns_client().addresses(target.host, target.is_relative)
            values, ttl_s = (found, None) if isinstance(found, Failure) else (found.values, found.ttl_s)
        if isinstance(values, Failure):
            return values
        endpoints = (Endpoint(host_port(value, target.port), value, target.port) for value in values)
        return Resolution(EndpointSet.of(endpoints), ttl_s)

    async def _service(self, target: Target) -> Resolution | Failure:
        want_address = target.lookup is Lookup.SERVICE
        found = await self._dns_client().services(target.host, target.is_relative, want_address)
        if isinstance(found, Failure):
            return found
        return Resolution(EndpointSet.of(identify(found.members)), found.ttl_s)

    def _dns_client(self) -> DnsClient:
        """Imported when a DNS name is first asked for: dnspython takes 80 ms to import."""
        if self._dns is None:
            from discovery.dns_client import DnsClient

            self._dns = DnsClient(self._nameservers, self._lifetime_s, self._prefer_ipv6)
        return self._dns

    async def _system_addresses(self, host: str) -> tuple[str, ...] | Failure:
        """getaddrinfo, which nobody can cancel: a lookup that outlives its caller is joined by the next."""
        lookup = self._host_lookups.get(host)
        if lookup is None:
            lookup = self._host_lookups[host] = _in_thread(host, self._prefer_ipv6)
            lookup.add_done_callback(lambda _: self._host_lookups.pop(host, None))
        try:
            return await asyncio.wait_for(asyncio.shield(lookup), self._lifetime_s)
        except TimeoutError:
            return Failure(FailureKind.TIMEOUT, f"{host}: no answer within {self._lifetime_s:g} s")


def _in_thread(host: str, prefer_ipv6: bool) -> asyncio.Future[tuple[str, ...] | Failure]:
    """A daemon thread's lookup: unlike an executor's, it delays neither others nor the process's end."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[str, ...] | Failure] = loop.create_future()

    def deliver(outcome: tuple[str, ...] | Failure) -> None:
        if not future.done():
            future.set_result(outcome)

    def run() -> None:
        outcome = _getaddrinfo(host, prefer_ipv6)
        try:
            loop.call_soon_threadsafe(deliver, outcome)
        except RuntimeError:  # the loop was closed meanwhile
            pass

    threading.Thread(target=run, name=f"resolve {host}", daemon=True).start()
    return future


def _getaddrinfo(host: str, prefer_ipv6: bool) -> tuple[str, ...] | Failure:
    """The addresses of the preferred family, in numerical order, else of the other one."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        kind = FAILURE_OF_EAI.get(error.errno or 0, FailureKind.SERVFAIL)
        return Failure(kind, f"{host}: {error.strerror}")
    except (OSError, UnicodeError) as error:
        return Failure(FailureKind.SERVFAIL, f"{host}: {error}")
    by_family: dict[int, set[str]] = {}
    for family, _, _, _, address in found:
        by_family.setdefault(family, set()).add(str(address[0]))
    families = (socket.AF_INET, socket.AF_INET6)[:: -1 if prefer_ipv6 else 1]
    addresses = next((by_family[family] for family in families if family in by_family), set())
    if not addresses:
        return Failure(FailureKind.NODATA, f"{host}: no IP address")
    return tuple(sorted(addresses, key=lambda text: int(ipaddress.ip_address(text))))
