"""Upstream address forms, and identities from SRV targets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.endpoint import Endpoint
from discovery.service_name import (
    Lookup,
    Target,
    identify,
    maybe_ordinal,
    parse_nameserver,
    parse_target,
    stable_name,
)

SERVICE = "mycache-memcached.default.svc.cluster.local"


@pytest.mark.parametrize(
    ("text", "lookup", "host", "port", "is_relative"),
    [
        ("10.0.0.1:11211", Lookup.LITERAL, "10.0.0.1", 11211, False),
        ("[fd00::1]:11211", Lookup.LITERAL, "fd00::1", 11211, False),
        ("unix:/run/memcached.sock", Lookup.LITERAL, "/run/memcached.sock", 0, False),
        ("localhost:11211", Lookup.HOST, "localhost", 11211, False),
        (f"mycache-memcached-0.{SERVICE}:11211", Lookup.HOST, f"mycache-memcached-0.{SERVICE}", 11211, False),
        (f"dns+{SERVICE}:11211", Lookup.ADDRESSES, f"{SERVICE}.", 11211, True),
        (f"dns+{SERVICE}.:11211", Lookup.ADDRESSES, f"{SERVICE}.", 11211, False),
        ("dns+MyCache.Default:1", Lookup.ADDRESSES, "mycache.default.", 1, True),
        ("dns+mycache:11211", Lookup.ADDRESSES, "mycache", 11211, True),
        ("dns+mycache.:11211", Lookup.ADDRESSES, "mycache.", 11211, False),
        (f"dnssrv+_memcache._tcp.{SERVICE}", Lookup.SERVICE, f"_memcache._tcp.{SERVICE}.", 0, True),
        (f"dnssrv+_memcache._tcp.{SERVICE}.", Lookup.SERVICE, f"_memcache._tcp.{SERVICE}.", 0, False),
        ("dnssrv+memcached.service.consul", Lookup.SERVICE, "memcached.service.consul.", 0, True),
        ("dnssrvnoa+_m._tcp.a.b", Lookup.SERVICE_NO_ADDRESS, "_m._tcp.a.b.", 0, True),
    ],
)
def test_forms(text: str, lookup: Lookup, host: str, port: int, is_relative: bool) -> None:
    assert parse_target(text) == Target(text, lookup, host, port, is_relative)
    assert str(parse_target(text)) == text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "host is missing"),
        (":11211", "host is missing"),
        ("localhost", "port is missing"),
        ("dns+localhost", "port is missing"),
        ("localhost:", "'' is no port number"),
        ("localhost:0", "'0' is no port number"),
        ("localhost:65536", "no port number"),
        ("localhost:+80", "no port number"),
        ("localhost:8x", "no port number"),
        ("localhost:\u0663", "no port number"),
        ("localhost:99999999999", "no port number"),
        ("::1:11211", "needs brackets"),
        ("[::1:11211", "written \\[address\\]:port"),
        ("[::1]11211", "written \\[address\\]:port"),
        ("[10.0.0.1]:11211", "written \\[address\\]:port"),
        ("unix:relative", "unix:/absolute"),
        ("unix:/run/", "unix:/absolute"),
        ("srv+a.b:1", "unknown scheme srv\\+"),
        ("dns+10.0.0.1:11211", "not an IP address"),
        (f"dnssrv+_memcache._tcp.{SERVICE}:11211", "port comes from the SRV records"),
        ("dnssrv+_memcache.tcp.a.b", "_service._proto.NAME"),
        ("dnssrv+_memcache._tcp", "_service._proto.NAME"),
        ("dnssrv+", "label of the name is empty"),
        ("dns+a..b:1", "label of the name is empty"),
        ("-a.b:1", "'-a' is no label"),
        ("a b:1", "'a b' is no label"),
        (f"{'a' * 64}.b:1", "is no label"),
        (".".join(["abcdefg"] * 32) + ":1", "at most 253"),
    ],
)
def test_wrong_forms_name_themselves(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_target(text)
    assert str(caught.value).startswith(f"upstream {text!r}: ")


def test_a_default_port_fills_in_only_where_none_is_written() -> None:
    assert parse_target("localhost", 11211).port == 11211
    assert parse_target("[::1]", 11211).port == 11211
    assert parse_target("localhost:1", 11211).port == 1
    assert parse_target("dnssrv+_m._tcp.a.b", 11211).port == 0


@given(st.text(st.sampled_from("ab1_-.:[]+/ dnsrvuix°"), max_size=40))
def test_anything_parses_or_is_a_value_error(text: str) -> None:
    try:
        target = parse_target(text)
    except ValueError:
        return
    assert target.text == text
    assert target.host


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.96.0.10", ("10.96.0.10", 53)),
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("::1", ("::1", 53)),
        ("[::1]:5353", ("::1", 5353)),
        ("[::1]", ("::1", 53)),
    ],
)
def test_nameservers(text: str, expected: tuple[str, int]) -> None:
    assert parse_nameserver(text) == expected


@pytest.mark.parametrize("text", ["dns.example", "127.0.0.1:", "127.0.0.1:99999", "", "[::1"])
def test_wrong_nameservers(text: str) -> None:
    with pytest.raises(ValueError, match="nameserver"):
        parse_nameserver(text)


@pytest.mark.parametrize(
    ("target", "name", "ordinal"),
    [
        (f"mycache-memcached-0.{SERVICE}.", "mycache-memcached-0", 0),
        (f"MyCache-Memcached-12.{SERVICE}", "mycache-memcached-12", 12),
        ("cache-9999.a.b.", "cache-9999", 9999),
        # Not pods of a StatefulSet: addresses in names, random suffixes, leading zeros, no domain.
        (f"10-0-0-7.{SERVICE}.", f"10-0-0-7.{SERVICE}", None),
        ("ip-10-0-0-7.eu-west-1.compute.internal.", "ip-10-0-0-7.eu-west-1.compute.internal", None),
        ("mycache-7d9f8b6c5-24567.a.b.", "mycache-7d9f8b6c5-24567.a.b", None),
        ("cache-007.a.b", "cache-007.a.b", None),
        ("cache-7", "cache-7", None),
        ("12-7.a.b", "12-7.a.b", None),
        ("cache.example.com.", "cache.example.com", None),
    ],
)
def test_identity_of_targets(target: str, name: str, ordinal: int | None) -> None:
    assert (stable_name(target), maybe_ordinal(target)) == (name, ordinal)


def test_identify_pods() -> None:
    members = [(f"mycache-memcached-{n}.{SERVICE}.", 11211, f"10.0.0.{n}") for n in (1, 0)]
    assert set(identify(members)) == {
        Endpoint("mycache-memcached-0", "10.0.0.0", 11211, 0),
        Endpoint("mycache-memcached-1", "10.0.0.1", 11211, 1),
    }


def test_shared_names_are_told_apart_by_target_and_port() -> None:
    members = [
        ("cache-1.a.b.", 11211, "10.0.0.1"),
        ("cache-1.a.b.", 11212, "10.0.0.1"),
        ("cache-2.a.b.", 1, "10.0.0.2"),
    ]
    assert identify(members) == (
        Endpoint("cache-1.a.b:11211", "10.0.0.1", 11211),
        Endpoint("cache-1.a.b:11212", "10.0.0.1", 11212),
        Endpoint("cache-2", "10.0.0.2", 1, 2),
    )
    assert identify(members[::-1]) == identify(members)
