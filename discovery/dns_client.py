"""A, AAAA and SRV lookups by dnspython's asynchronous resolver; its exceptions become `Failure` values."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import dns.asyncbackend
import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdataclass
import dns.rdatatype
import dns.resolver

from discovery.resolution import Failure, FailureKind
from discovery.service_name import parse_nameserver

RESOLV_CONF = "/etc/resolv.conf"
EDNS_PAYLOAD = 1232  # bytes of UDP answer that no path fragments: about 70 A records before TCP is needed
ATTEMPT_S = 2.0  # a nameserver's time to answer before the next one is asked
PARALLEL_LOOKUPS = 16


@dataclass(frozen=True, slots=True)
class Addresses:
    """IP addresses of one name, in numerical order, and their TTL in seconds."""

    values: tuple[str, ...]
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Services:
    """(target, port, address) of each SRV record, and the shortest TTL in seconds of all that was used."""

    members: tuple[tuple[str, int, str], ...]
    ttl_s: float


class DnsClient:
    """Asks `nameservers` (`IP`, `IP:PORT`, `[v6]:PORT`), or those of /etc/resolv.conf when none are given.

    `lifetime_s` bounds each method call, whatever the servers do. An answer cut short over UDP is asked for
    again over TCP.
    """

    def __init__(
        self, nameservers: Sequence[str] = (), lifetime_s: float = 5.0, prefer_ipv6: bool = False
    ) -> None:
        self._nameservers = [dns.nameserver.Do53Nameserver(*parse_nameserver(text)) for text in nameservers]
        self._lifetime_s = lifetime_s
        self._families = (dns.rdatatype.A, dns.rdatatype.AAAA)[:: -1 if prefer_ipv6 else 1]
        self._backend = dns.asyncbackend.get_backend("asyncio")
        self._resolver: dns.asyncresolver.Resolver | None = None
        self._found_as: dict[str, str] = {}  # relative name → the name the search list found it under

    async def addresses(self, name: str, is_relative: bool = False) -> Addresses | Failure:
        """All A records, or all AAAA when there are none (the other way round with `prefer_ipv6`).

        Never both: on a dual-stack service each server would count twice.
        """
        return await self._addresses(name, is_relative, self._deadline())

    async def services(
        self, name: str, is_relative: bool = False, want_address: bool = True
    ) -> Services | Failure:
        """All SRV records whatever their priority, each with the first address of its target.

        Addresses come with the answer or are looked up; a target without any is left out. With
        `want_address` False the target's name stands for its address.
        """
        deadline = self._deadline()
        answer = await self._query(name, dns.rdatatype.SRV, is_relative, deadline)
        if isinstance(answer, Failure):
            return answer
        # The target "." says: decidedly not available here (RFC 2782).
        records = [(record.target, record.port) for record in answer if record.target != dns.name.root]
        if not records:
            return Failure(FailureKind.NODATA, f"{name} SRV: the service is declared not available")
        ttl_s = float(answer.chaining_result.minimum_ttl)
        if not want_address:
            return Services(tuple((_text(target), port, _text(target)) for target, port in records), ttl_s)
        located = await self._locate([target for target, _ in records], answer, deadline)
        found = {target: where for target, where in located.items() if isinstance(where, Addresses)}
        if not found:
            return next(where for where in located.values() if isinstance(where, Failure))
        members = tuple(
            (_text(target), port, found[target].values[0]) for target, port in records if target in found
        )
        return Services(members, min(ttl_s, *(where.ttl_s for where in found.values())))

    async def _locate(
        self, targets: list[dns.name.Name], answer: dns.resolver.Answer, deadline: float
    ) -> dict[dns.name.Name, Addresses | Failure]:
        """Each target's addresses, from the additional section where they are there."""
        turns = asyncio.Semaphore(PARALLEL_LOOKUPS)

        async def locate(target: dns.name.Name) -> Addresses | Failure:
            if glue := self._maybe_glue(target, answer):
                return glue
            async with turns:
                return await self._addresses(_text(target), False, deadline)

        distinct = sorted(set(targets))
        return dict(zip(distinct, await asyncio.gather(*map(locate, distinct)), strict=True))

    def _maybe_glue(self, target: dns.name.Name, answer: dns.resolver.Answer) -> Addresses | None:
        additional = {
            rrset.rdtype: rrset
            for rrset in answer.response.additional
            if rrset.name == target and rrset.rdclass == dns.rdataclass.IN
        }
        rrset = next((additional[family] for family in self._families if family in additional), None)
        if rrset is None:
            return None
        return Addresses(_in_order(record.address for record in rrset), float(rrset.ttl))

    async def _addresses(self, name: str, is_relative: bool, deadline: float) -> Addresses | Failure:
        outcome: Addresses | Failure = Failure(FailureKind.NODATA, name)
        for family in self._families:
            answer = await self._query(name, family, is_relative, deadline)
            if not isinstance(answer, Failure):
                addresses = _in_order(record.address for record in answer)
                return Addresses(addresses, float(answer.chaining_result.minimum_ttl))
            outcome = answer
            if outcome.kind is not FailureKind.NODATA:
                break
        return outcome

    async def _query(
        self, name: str, rdtype: dns.rdatatype.RdataType, is_relative: bool, deadline: float
    ) -> dns.resolver.Answer | Failure:
        """One question; of a relative name that does not exist also with each suffix of the search list."""
        try:
            resolver = self._configured()
        except dns.resolver.NoResolverConfiguration as error:
            return Failure(FailureKind.SERVFAIL, f"{RESOLV_CONF}: {error}")
        candidates = [name]
        if is_relative:
            suffixes = resolver.search or [resolver.domain]
            candidates += [f"{name}{suffix}" for suffix in suffixes if suffix != dns.name.root]
            if (last := self._found_as.get(name)) is not None:
                candidates.insert(0, last)
        first: Failure | None = None
        for candidate in dict.fromkeys(candidates):
            answer = await self._ask(resolver, candidate, rdtype, deadline)
            if not isinstance(answer, Failure):
                self._found_as[name] = candidate
                return answer
            first = first or answer
            if answer.kind is not FailureKind.NXDOMAIN:
                return answer
        assert first is not None
        return Failure(first.kind, f"{name} {rdtype.name}: no such name")

    async def _ask(
        self,
        resolver: dns.asyncresolver.Resolver,
        name: str,
        rdtype: dns.rdatatype.RdataType,
        deadline: float,
    ) -> dns.resolver.Answer | Failure:
        question = f"{name} {rdtype.name}"
        left_s = deadline - asyncio.get_running_loop().time()
        timeout = Failure(FailureKind.TIMEOUT, f"{question}: no answer within {self._lifetime_s:g} s")
        if left_s <= 0:
            return timeout
        try:
            async with asyncio.timeout(left_s):  # dnspython's own lifetime does not bound its pauses
                return await resolver.resolve(
                    dns.name.from_text(name), rdtype, lifetime=left_s, search=False, backend=self._backend
                )
        except (TimeoutError, dns.exception.Timeout):
            return timeout
        except dns.resolver.NXDOMAIN:
            return Failure(FailureKind.NXDOMAIN, f"{question}: no such name")
        except dns.resolver.NoAnswer:
            return Failure(FailureKind.NODATA, f"{question}: no such records")
        except dns.resolver.NoNameservers as error:
            return _refusal(question, error)
        except (dns.exception.DNSException, OSError) as error:
            return Failure(FailureKind.SERVFAIL, f"{question}: {error}")

    def _configured(self) -> dns.asyncresolver.Resolver:
        """Built on first use, so that a machine without /etc/resolv.conf yet is a failure to retry."""
        if self._resolver is None:
            resolver = dns.asyncresolver.Resolver(RESOLV_CONF, configure=not self._nameservers)
            if self._nameservers:
                resolver.nameservers = self._nameservers
                resolver.domain = dns.name.root
            resolver.timeout = min(ATTEMPT_S, self._lifetime_s / 2)  # so that one lost packet is no failure
            resolver.use_edns(0, 0, EDNS_PAYLOAD)
            self._resolver = resolver
        return self._resolver

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._lifetime_s


def _refusal(question: str, error: dns.resolver.NoNameservers) -> Failure:
    """Every nameserver was given up; what they said decides the kind, SERVFAIL before REFUSED."""
    reasons = [str(reason) for _, _, _, reason, _ in error.kwargs["errors"]]
    is_refused = bool(reasons) and all(reason == "REFUSED" for reason in reasons)
    kind = FailureKind.REFUSED if is_refused else FailureKind.SERVFAIL
    return Failure(kind, f"{question}: {', '.join(dict.fromkeys(reasons)) or 'no nameserver'}")


def _in_order(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(addresses, key=lambda text: int(ipaddress.ip_address(text))))


def _text(name: dns.name.Name) -> str:
    return name.to_text().lower()
