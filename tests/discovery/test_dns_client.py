"""Queries against a real DNS server: what is asked, over what, and what each answer becomes."""

import asyncio
from pathlib import Path

import dns.name
import pytest
import uvloop

from discovery.dns_client import Addresses, DnsClient, Services
from discovery.resolution import Failure, FailureKind
from tests.support.fake_dns import FakeDns, Mode, Query, unused_udp_port

SERVICE = "mycache-memcached.default.svc.cluster.local"
SRV = f"_memcache._tcp.{SERVICE}"
POD_1 = f"mycache-memcached-1.{SERVICE}."
PODS = {0: "127.0.0.11", 1: "127.0.0.12", 2: "127.0.0.13"}


def client(dns: FakeDns, lifetime_s: float = 5.0, prefer_ipv6: bool = False) -> DnsClient:
    return DnsClient([dns.nameserver], lifetime_s, prefer_ipv6)


def failure(outcome: Addresses | Services | Failure) -> FailureKind:
    assert isinstance(outcome, Failure)
    return outcome.kind


async def test_addresses_in_numerical_order_with_ttl(dns: FakeDns) -> None:
    dns.set("a.example", "A", "10.0.0.10", "10.0.0.9", ttl_s=7)
    assert await client(dns).addresses("a.example.") == Addresses(("10.0.0.9", "10.0.0.10"), 7.0)


async def test_a_full_name_costs_exactly_one_query(dns: FakeDns) -> None:
    dns.set_service(SERVICE, PODS)
    asked = client(dns)
    await asked.addresses(f"{SERVICE}.", is_relative=True)
    assert dns.queries == [Query(SERVICE, "A", "udp")]
    await asked.services(f"{SRV}.", is_relative=True)
    assert dns.queries[1:] == [Query(SRV, "SRV", "udp")]


async def test_ipv6_is_asked_for_when_there_is_no_ipv4(dns: FakeDns) -> None:
    dns.set("six.example", "AAAA", "fd00::2", "fd00::1")
    assert await client(dns).addresses("six.example.") == Addresses(("fd00::1", "fd00::2"), 5.0)
    assert [query.rdtype for query in dns.queries] == ["A", "AAAA"]


async def test_of_two_families_only_the_preferred_counts(dns: FakeDns) -> None:
    dns.set("dual.example", "A", "10.0.0.1")
    dns.set("dual.example", "AAAA", "fd00::1")
    assert await client(dns).addresses("dual.example.") == Addresses(("10.0.0.1",), 5.0)
    assert await client(dns, prefer_ipv6=True).addresses("dual.example.") == Addresses(("fd00::1",), 5.0)


async def test_a_chain_lives_as_long_as_its_shortest_link(dns: FakeDns) -> None:
    dns.set("alias.example", "A", "10.0.0.1", ttl_s=9)
    dns.set(f"mycache-memcached-0.{SERVICE}", "A", "10.0.0.1", ttl_s=3)
    dns.set(SRV, "SRV", f"0 0 11211 mycache-memcached-0.{SERVICE}.", ttl_s=20)
    found = await client(dns).services(f"{SRV}.")
    assert isinstance(found, Services)
    assert found.ttl_s == 3.0


async def test_services_with_addresses_in_the_answer(dns: FakeDns) -> None:
    dns.set_service(SERVICE, {0: "127.0.0.11", 1: ("127.0.0.12", 40001)})
    found = await client(dns).services(f"{SRV}.")
    assert isinstance(found, Services)
    assert sorted(found.members) == [
        (f"mycache-memcached-0.{SERVICE}.", 11211, "127.0.0.11"),
        (POD_1, 40001, "127.0.0.12"),
    ]


async def test_services_without_addresses_in_the_answer_look_them_up(dns: FakeDns) -> None:
    dns.set_service(SERVICE, PODS)
    dns.glue = False
    found = await client(dns).services(f"{SRV}.")
    assert isinstance(found, Services)
    assert sorted(address for _, _, address in found.members) == list(PODS.values())
    assert sorted(query.rdtype for query in dns.queries) == ["A", "A", "A", "SRV"]


async def test_services_may_do_without_addresses(dns: FakeDns) -> None:
    dns.set_service(SERVICE, {1: "127.0.0.12"})
    dns.glue = False
    found = await client(dns).services(f"{SRV}.", want_address=False)
    assert found == Services(((POD_1, 11211, POD_1),), 5.0)
    assert len(dns.queries) == 1


@pytest.mark.parametrize("mode", ["nxdomain", "servfail", "silent"])
async def test_a_target_without_address_is_left_out(dns: FakeDns, mode: Mode) -> None:
    dns.set_service(SERVICE, PODS)
    dns.glue = False
    dns.modes[POD_1.removesuffix(".")] = mode
    found = await client(dns, lifetime_s=0.5).services(f"{SRV}.")
    assert isinstance(found, Services)
    assert sorted(address for _, _, address in found.members) == ["127.0.0.11", "127.0.0.13"]


async def test_no_target_with_an_address_is_that_failure(dns: FakeDns) -> None:
    dns.set_service(SERVICE, {1: "127.0.0.12"})
    dns.glue = False
    dns.modes[POD_1.removesuffix(".")] = "refused"
    assert failure(await client(dns).services(f"{SRV}.")) is FailureKind.REFUSED


async def test_the_root_as_target_means_no_service(dns: FakeDns) -> None:
    dns.set(SRV, "SRV", "0 0 0 .")
    assert failure(await client(dns).services(f"{SRV}.")) is FailureKind.NODATA


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("nxdomain", FailureKind.NXDOMAIN),
        ("nodata", FailureKind.NODATA),
        ("servfail", FailureKind.SERVFAIL),
        ("refused", FailureKind.REFUSED),
        ("silent", FailureKind.TIMEOUT),
    ],
)
async def test_each_failure_has_its_kind(dns: FakeDns, mode: Mode, kind: FailureKind) -> None:
    dns.set_service(SERVICE, PODS)
    dns.mode = mode
    asked = client(dns, lifetime_s=0.3)
    for outcome in (await asked.addresses(f"{SERVICE}."), await asked.services(f"{SRV}.")):
        assert failure(outcome) is kind
        assert isinstance(outcome, Failure)
        assert SERVICE in outcome.detail


async def test_a_deleted_service_does_not_exist(dns: FakeDns) -> None:
    dns.set_service(SERVICE, PODS)
    dns.set_service(SERVICE, {})
    assert failure(await client(dns).addresses(f"{SERVICE}.")) is FailureKind.NXDOMAIN


async def test_silence_is_bounded_by_the_lifetime(dns: FakeDns) -> None:
    dns.mode = "silent"
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    assert failure(await client(dns, lifetime_s=0.4).addresses("a.example.")) is FailureKind.TIMEOUT
    assert 0.3 < loop.time() - started_at < 2.0
    assert len(dns.queries) > 1, "one lost packet must not be a failure"


async def test_a_slow_answer_in_time_counts(dns: FakeDns) -> None:
    dns.set("a.example", "A", "10.0.0.1")
    dns.delay_s = 0.2
    assert await client(dns).addresses("a.example.") == Addresses(("10.0.0.1",), 5.0)


async def test_nobody_at_the_nameserver_is_a_failure(dns: FakeDns) -> None:
    asked = DnsClient([f"127.0.0.1:{unused_udp_port()}"], lifetime_s=0.3)
    assert failure(await asked.addresses("a.example.")) in (FailureKind.TIMEOUT, FailureKind.SERVFAIL)


async def test_the_second_nameserver_helps_out(dns: FakeDns) -> None:
    dns.set("a.example", "A", "10.0.0.1")
    with FakeDns() as broken:
        broken.mode = "servfail"
        asked = DnsClient([broken.nameserver, dns.nameserver])
        assert await asked.addresses("a.example.") == Addresses(("10.0.0.1",), 5.0)
        assert broken.queries


@pytest.mark.parametrize("count", [3, 150])
async def test_every_member_of_any_number_arrives(dns: FakeDns, count: int) -> None:
    dns.set_service(SERVICE, {n: f"127.1.{n // 200}.{n % 200 + 1}" for n in range(count)})
    dns.shuffle = True
    found = await client(dns).services(f"{SRV}.")
    assert isinstance(found, Services)
    assert len(set(found.members)) == count
    addresses = await client(dns).addresses(f"{SERVICE}.")
    assert isinstance(addresses, Addresses)
    assert len(addresses.values) == count
    used = [query.transport for query in dns.queries]
    assert used == (["udp", "udp"] if count == 3 else ["udp", "tcp", "udp", "tcp"])


async def test_truncation_turns_to_tcp(dns: FakeDns) -> None:
    dns.set_service(SERVICE, PODS)
    dns.udp_limit = 100
    found = await client(dns).services(f"{SRV}.")
    assert isinstance(found, Services)
    assert len(found.members) == 3
    assert dns.queries == [Query(SRV, "SRV", "udp"), Query(SRV, "SRV", "tcp")]


async def test_a_relative_name_is_found_through_the_search_list(dns: FakeDns) -> None:
    dns.set_service(SERVICE, PODS)
    asked = client(dns)
    resolver = asked._configured()
    resolver.search = [dns_name("default.svc.cluster.local."), dns_name("svc.cluster.local.")]
    for _ in range(2):
        found = await asked.addresses("mycache-memcached.default.", is_relative=True)
        assert found == Addresses(tuple(PODS.values()), 5.0)
    names = [query.name for query in dns.queries]
    assert names == [
        "mycache-memcached.default",
        "mycache-memcached.default.default.svc.cluster.local",
        SERVICE,
        SERVICE,  # the second lookup starts where the first one ended
    ]
    assert failure(await asked.addresses("mycache-memcached.default.")) is FailureKind.NXDOMAIN


def dns_name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


async def test_a_machine_without_resolv_conf_is_a_failure_to_retry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dns: FakeDns
) -> None:
    empty = tmp_path / "resolv.conf"
    empty.write_text("# nothing yet\n")
    asked = DnsClient()
    monkeypatch.setattr("discovery.dns_client.RESOLV_CONF", str(empty))
    outcome = await asked.addresses("a.example.")
    assert failure(outcome) is FailureKind.SERVFAIL
    assert isinstance(outcome, Failure)
    assert str(empty) in outcome.detail


async def test_ipv6_nameservers() -> None:
    try:
        six = FakeDns("::1").start()
    except OSError:
        pytest.skip("no IPv6 loopback here")
    try:
        six.set("a.example", "AAAA", "fd00::1")
        assert await DnsClient([six.nameserver]).addresses("a.example.") == Addresses(("fd00::1",), 5.0)
    finally:
        six.stop()


def test_it_works_under_uvloop(dns: FakeDns) -> None:
    dns.set_service(SERVICE, {n: f"127.1.0.{n + 1}" for n in range(150)})
    found = uvloop.run(client(dns).services(f"{SRV}."))
    assert isinstance(found, Services)
    assert len(found.members) == 150
    dns.mode = "silent"
    assert failure(uvloop.run(client(dns, lifetime_s=0.2).services(f"{SRV}."))) is FailureKind.TIMEOUT
