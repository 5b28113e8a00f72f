"""Every form of target ends in endpoints or in a failure."""

import asyncio
import socket
import subprocess
import sys
import threading

import pytest

from discovery.endpoint import Endpoint, EndpointSet
from discovery.resolution import Failure, FailureKind, Resolution
from discovery.resolver import Resolver
from discovery.service_name import parse_target
from tests.support.fake_dns import FakeDns, Query

SERVICE = "mycache-memcached.default.svc.cluster.local"
AddressInfo = tuple[int, int, int, str, tuple[str, int]]
SRV = f"dnssrv+_memcache._tcp.{SERVICE}"


async def endpoints_of(resolver: Resolver, text: str) -> EndpointSet:
    outcome = await resolver.resolve(parse_target(text))
    assert isinstance(outcome, Resolution), outcome
    return outcome.endpoints


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("10.0.0.1:11211", Endpoint("10.0.0.1:11211", "10.0.0.1", 11211)),
        ("[fd00::1]:11211", Endpoint("[fd00::1]:11211", "fd00::1", 11211)),
        ("unix:/run/mc.sock", Endpoint("unix:/run/mc.sock", "/run/mc.sock", 0)),
    ],
)
async def test_literals_need_no_lookup(text: str, endpoint: Endpoint) -> None:
    assert await Resolver().resolve(parse_target(text)) == Resolution(EndpointSet.of([endpoint]), None)


async def test_service_records_give_names_slots_and_ports(dns: FakeDns) -> None:
    dns.set_service(SERVICE, {0: "127.0.0.11", 1: ("127.0.0.12", 40001)}, ttl_s=7)
    outcome = await Resolver([dns.nameserver]).resolve(parse_target(SRV))
    expected = [
        Endpoint("mycache-memcached-0", "127.0.0.11", 11211, 0),
        Endpoint("mycache-memcached-1", "127.0.0.12", 40001, 1),
    ]
    assert outcome == Resolution(EndpointSet.of(expected), 7.0)


async def test_shuffled_answers_give_the_identical_set(dns: FakeDns) -> None:
    dns.set_service(SERVICE, {n: f"127.0.0.{n + 11}" for n in range(12)})
    resolver = Resolver([dns.nameserver])
    for text in (SRV, f"dns+{SERVICE}:11211"):
        expected = await endpoints_of(resolver, text)
        dns.shuffle = True
        for _ in range(5):
            assert await endpoints_of(resolver, text) == expected
        dns.shuffle = False


@pytest.mark.parametrize("count", [3, 150])
async def test_plain_answers_are_known_by_address(dns: FakeDns, count: int) -> None:
    dns.set_service(SERVICE, {n: f"127.0.0.{n + 1}" for n in range(count)})
    endpoints = await endpoints_of(Resolver([dns.nameserver]), f"dns+{SERVICE}:11211")
    assert [endpoint.name for endpoint in endpoints] == [f"127.0.0.{n + 1}:11211" for n in range(count)]
    assert all(endpoint.is_nameless and endpoint.slot is None for endpoint in endpoints)


async def test_ipv6_members(dns: FakeDns) -> None:
    dns.set_service(SERVICE, {0: "fd00::a", 1: "fd00::9"})
    resolver = Resolver([dns.nameserver])
    named = await endpoints_of(resolver, SRV)
    assert [(e.slot, e.location) for e in named] == [(0, "[fd00::a]:11211"), (1, "[fd00::9]:11211")]
    nameless = await endpoints_of(resolver, f"dns+{SERVICE}:11211")
    assert [endpoint.name for endpoint in nameless] == ["[fd00::9]:11211", "[fd00::a]:11211"]


async def test_service_without_addresses_leaves_the_names_to_the_connection(dns: FakeDns) -> None:
    dns.set_service(SERVICE, {1: "127.0.0.12"})
    endpoints = await endpoints_of(Resolver([dns.nameserver]), f"dnssrvnoa+_memcache._tcp.{SERVICE}")
    pod = f"mycache-memcached-1.{SERVICE}."
    assert endpoints == EndpointSet.of([Endpoint("mycache-memcached-1", pod, 11211, 1)])


@pytest.mark.parametrize("text", [SRV, f"dns+{SERVICE}:11211"])
async def test_failures_are_values(dns: FakeDns, text: str) -> None:
    outcome = await Resolver([dns.nameserver]).resolve(parse_target(text))
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.NXDOMAIN


async def test_a_host_is_one_server_known_as_written() -> None:
    outcome = await Resolver().resolve(parse_target("localhost:11211"))
    expected = EndpointSet.of([Endpoint("localhost:11211", "127.0.0.1", 11211)])
    assert outcome == Resolution(expected, None)


async def test_a_single_label_is_the_systems_affair(dns: FakeDns) -> None:
    endpoints = await endpoints_of(Resolver([dns.nameserver]), "dns+localhost:11211")
    assert endpoints == EndpointSet.of([Endpoint("127.0.0.1:11211", "127.0.0.1", 11211)])
    assert dns.queries == []


async def test_a_single_label_with_a_final_dot_is_dns(dns: FakeDns) -> None:
    dns.set("mycache", "A", "127.0.0.11")
    assert len(await endpoints_of(Resolver([dns.nameserver]), "dns+mycache.:11211")) == 1
    assert dns.queries == [Query("mycache", "A", "udp")]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), FailureKind.NXDOMAIN),
        (socket.gaierror(socket.EAI_NODATA, "no address"), FailureKind.NODATA),
        (socket.gaierror(socket.EAI_AGAIN, "temporary"), FailureKind.SERVFAIL),
        (socket.gaierror(socket.EAI_FAIL, "for good"), FailureKind.SERVFAIL),
        (OSError(24, "too many files"), FailureKind.SERVFAIL),
    ],
)
async def test_the_systems_failures_have_their_kind(
    monkeypatch: pytest.MonkeyPatch, error: OSError, kind: FailureKind
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    outcome = await Resolver().resolve(parse_target("cachehost:11211"))
    assert isinstance(outcome, Failure)
    assert outcome.kind is kind


async def test_both_families_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_: object, **__: object) -> list[AddressInfo]:
        six: AddressInfo = (socket.AF_INET6, 1, 6, "", ("::1", 0))
        return [six] + [(socket.AF_INET, 1, 6, "", (address, 0)) for address in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert [e.address for e in await endpoints_of(Resolver(), "dns+h:1")] == ["127.0.0.1", "127.0.0.2"]
    assert [e.address for e in await endpoints_of(Resolver(prefer_ipv6=True), "dns+h:1")] == ["::1"]


async def test_a_stuck_system_lookup_is_given_up_and_later_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    release, calls = threading.Event(), []

    def hang(host: str, *_: object, **__: object) -> list[AddressInfo]:
        calls.append(host)
        release.wait(30)
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    resolver, target = Resolver(lifetime_s=0.1), parse_target("cachehost:11211")
    for _ in range(2):
        outcome = await resolver.resolve(target)
        assert isinstance(outcome, Failure)
        assert outcome.kind is FailureKind.TIMEOUT
    waiting = asyncio.create_task(Resolver.resolve(resolver, target))
    release.set()
    assert isinstance(await waiting, Resolution)
    assert calls == ["cachehost"]


async def test_every_system_lookup_is_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["127.0.0.1", "127.0.0.2"])

    def answer(*_: object, **__: object) -> list[AddressInfo]:
        return [(socket.AF_INET, 1, 6, "", (next(answers), 0))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    resolver = Resolver()
    for address in ("127.0.0.1", "127.0.0.2"):
        assert [e.address for e in await endpoints_of(resolver, "cachehost:11211")] == [address]


def test_wrong_nameservers_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"nameserver 'dns\.example'"):
        Resolver(["dns.example"])


def test_dnspython_is_imported_only_for_dns_names() -> None:
    script = (
        "import asyncio, sys, discovery.watcher; from discovery.resolver import Resolver\n"
        "from discovery.service_name import parse_target\n"
        "print(asyncio.run(Resolver().resolve(parse_target('127.0.0.1:1'))).ttl_s, 'dns' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout == "None False\n"
