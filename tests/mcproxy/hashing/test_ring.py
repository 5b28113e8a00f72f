"""The ring's promises: even, minimal movement, decided by names alone, quick to build."""

from collections import Counter
from collections.abc import Sequence

import pytest

from mcproxy.hashing import Node
from mcproxy.hashing.ring import ARCS, MAX_NODES, arc_owners
from tests.mcproxy.hashing.choosing import counts, numbered, pods, select_by

SIZES = [3, 4, 5, 7, 10, 20, 50, 100]
NAMES = ["mycache-memcached-{}", "10.244.3.{}:11211", "cache-{}.cache.default.svc.cluster.local:11211"]

PINNED = [4, 0, 0, 1, 1, 1, 3, 4, 2, 4, 2, 4, 0, 3, 3, 3, 4, 4, 1, 4]  # key:0 to key:19 over mycache-memcached-0 to -4


def owners(names: Sequence[str]) -> Sequence[int]:
    return arc_owners(list(enumerate(names)))


def named(template: str, n: int) -> list[str]:
    return [template.format(number) for number in range(n)]


@pytest.mark.parametrize("template", NAMES)
@pytest.mark.parametrize("n", SIZES)
def test_shares_are_even(n: int, template: str) -> None:
    """Of the ring itself, free of the noise that a sample of keys adds."""
    shares = Counter(owners(named(template, n)))
    assert max(abs(shares[index] * n / ARCS - 1) for index in range(n)) < 0.05


def worst_deviation(n: int, keys: bytes) -> float:
    even = 100_000 / n
    return max(abs(count / even - 1) for count in counts(select_by("ring", n), n, numbered(keys, 100_000)))


@pytest.mark.parametrize("keys", [b"key:%d", b"user:%08d:profile", b"%x"])
@pytest.mark.parametrize("n", [n for n in SIZES if n <= 50])
def test_keys_are_even(n: int, keys: bytes) -> None:
    assert worst_deviation(n, keys) < 0.10


def test_keys_are_even_at_100_servers() -> None:
    """1,000 keys a server have a standard deviation of 3.2 % on their own.

    One set of keys in seven would leave 10 % even on a perfect ring: the middle one of nine must not.
    """
    deviations = sorted(worst_deviation(100, b"set-%d:%%d" % number) for number in range(9))
    assert deviations[4] < 0.10
    assert deviations[-1] < 0.15


@pytest.mark.parametrize(("n", "leaving"), [(3, 1), (4, 2), (10, 5), (50, 17)])
def test_a_leaving_node_moves_only_its_own_keys(n: int, leaving: int) -> None:
    nodes, keys = pods(n), numbered(b"key:%d", 20_000)
    before, after = select_by("ring", nodes), select_by("ring", [*nodes[:leaving], None, *nodes[leaving + 1 :]])
    heirs = set()
    for key in keys:
        if before(key) == leaving:
            heirs.add(after(key))
        else:
            assert before(key) == after(key)
    assert heirs == set(range(n)) - {leaving}  # shared by all the others, not dumped on a neighbour


@pytest.mark.parametrize("n", SIZES)
def test_an_added_node_takes_its_share_and_moves_nothing_else(n: int) -> None:
    names = named(NAMES[0], n + 1)
    before, after = owners(names[:-1]), owners(names)
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {n}
    assert len(moved) <= 1.1 * ARCS / (n + 1)


def test_an_added_name_may_sort_anywhere() -> None:
    before, after = owners(["b", "c", "d"]), owners(["b", "c", "d", "a"])
    assert {new for old, new in zip(before, after, strict=True) if old != new} == {3}


def test_order_of_the_list_does_not_matter() -> None:
    names = named(NAMES[1], 20)
    forward, backward = owners(names), owners(names[::-1])
    assert all(one + other == 19 for one, other in zip(forward, backward, strict=True))


def test_placement_is_pinned() -> None:
    """Proxies of different versions must agree: a change here moves everybody's keys."""
    select = select_by("ring", 5)
    assert [select(key) for key in numbered(b"key:%d", 20)] == PINNED


def test_indices_beyond_a_byte() -> None:
    gap: list[Node | None] = [None] * 300
    small, large = select_by("ring", pods(3)), select_by("ring", gap + pods(3))
    for key in numbered(b"key:%d", 500):
        assert large(key) == small(key) + 300


@pytest.mark.parametrize("last", [253, 254, 255, 256])
def test_the_last_index_is_reached(last: int) -> None:
    gap: list[Node | None] = [None] * (last - 1)
    select = select_by("ring", gap + pods(2))
    assert set(map(select, numbered(b"key:%d", 100))) == {last - 1, last}


def test_too_many_slots() -> None:
    gap: list[Node | None] = [None] * MAX_NODES
    with pytest.raises(ValueError, match="at most 65535 nodes"):
        select_by("ring", gap + pods(2))


def test_a_name_that_is_no_unicode_text_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        select_by("ring", [Node("a"), Node("\udcff")])
