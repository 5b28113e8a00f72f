"""Identity, order, slots and differences of endpoint sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.endpoint import Change, Endpoint, EndpointSet, diff, host_port


def pod(ordinal: int, address: str | None = None, port: int = 11211) -> Endpoint:
    return Endpoint(f"mycache-memcached-{ordinal}", address or f"10.0.0.{ordinal}", port, ordinal)


def bare(address: str, port: int = 11211) -> Endpoint:
    return Endpoint(host_port(address, port), address, port)


def pods(*ordinals: int, expect: int | None = None) -> EndpointSet:
    return EndpointSet.of(map(pod, ordinals), expect)


@given(st.permutations(range(12)))
def test_order_is_by_ordinal_however_given(ordinals: list[int]) -> None:
    assert [endpoint.slot for endpoint in pods(*ordinals)] == list(range(12))
    assert pods(*ordinals) == pods(*range(12))
    assert hash(pods(*ordinals)) == hash(pods(*range(12)))


def test_nameless_order_is_numerical() -> None:
    addresses = ["10.0.0.10", "fd00::1", "10.0.0.9", "9.255.255.255"]
    endpoints = EndpointSet.of(map(bare, addresses))
    assert [e.address for e in endpoints] == ["9.255.255.255", "10.0.0.9", "10.0.0.10", "fd00::1"]


def test_names_come_before_nameless_and_after_ordinals() -> None:
    mixed = [
        bare("1.1.1.1"),
        Endpoint("b.example", "10.0.0.2", 1),
        Endpoint("a.example", "10.0.0.3", 1),
        pod(7),
    ]
    assert [e.name for e in EndpointSet.of(mixed)] == [
        "mycache-memcached-7",
        "a.example",
        "b.example",
        "1.1.1.1:11211",
    ]


def test_sockets_have_an_order_too() -> None:
    assert [e.name for e in EndpointSet.of([bare("/run/b", 0), bare("/run/a", 0)])] == [
        "unix:/run/a",
        "unix:/run/b",
    ]


def test_a_name_is_unique() -> None:
    with pytest.raises(ValueError, match="share a name"):
        EndpointSet.of([pod(1), pod(1, "10.9.9.9")])


def test_missing_ordinals_are_empty_slots() -> None:
    assert pods(2, 0).slots() == (pod(0), None, pod(2))
    assert pods(2, 0).slot_names() == ("mycache-memcached-0", "mycache-memcached-1", "mycache-memcached-2")


def test_expect_fixes_the_number_of_slots() -> None:
    assert pods(0, 1, expect=4).slots() == (pod(0), pod(1), None, None)
    assert pods(1, expect=3).slot_names() == pods(0, 2, expect=3).slot_names()


@pytest.mark.parametrize(
    "endpoints",
    [
        [pod(0), bare("10.0.0.9")],
        [bare("10.0.0.8"), bare("10.0.0.9")],
        [pod(0), Endpoint("other-0", "10.0.0.9", 11211, 0)],
        [],
    ],
    ids=["one without ordinal", "none with", "two with one ordinal", "empty"],
)
def test_without_ordinals_of_their_own_slots_are_the_endpoints(endpoints: list[Endpoint]) -> None:
    endpoint_set = EndpointSet.of(endpoints, expect=9)
    assert not endpoint_set.is_indexed
    assert endpoint_set.slots() == tuple(endpoint_set)
    assert endpoint_set.slot_names() == tuple(e.name for e in endpoint_set)


def test_lookup_by_name() -> None:
    assert pods(0, 1).maybe_endpoint("mycache-memcached-1") == pod(1)
    assert pods(0, 1).maybe_endpoint("mycache-memcached-2") is None
    assert len(pods(0, 1)) == 2


@pytest.mark.parametrize(
    ("address", "port", "text"),
    [
        ("10.0.0.1", 11211, "10.0.0.1:11211"),
        ("fd00::1", 1, "[fd00::1]:1"),
        ("/run/mc.sock", 0, "unix:/run/mc.sock"),
    ],
)
def test_location(address: str, port: int, text: str) -> None:
    assert host_port(address, port) == Endpoint("x", address, port).location == text


def test_diff_tells_moved_from_replaced() -> None:
    moved = pod(1, "10.7.7.7")
    change = diff(pods(0, 1, 2), EndpointSet.of([pod(0), moved, pod(3)]))
    assert change == Change(added=(pod(3),), removed=(pod(2),), moved=((pod(1), moved),))
    assert list(change.lines()) == [
        "+ mycache-memcached-3 10.0.0.3:11211",
        "- mycache-memcached-2 10.0.0.2:11211",
        "~ mycache-memcached-1 10.0.0.1:11211 -> 10.7.7.7:11211",
    ]


def test_a_new_port_is_a_move() -> None:
    change = diff(pods(0), EndpointSet.of([pod(0, port=11212)]))
    assert change.moved == ((pod(0), pod(0, port=11212)),)
    assert change


def test_no_difference_is_false() -> None:
    assert not diff(pods(0, 1), pods(1, 0))
    assert list(Change().lines()) == []
