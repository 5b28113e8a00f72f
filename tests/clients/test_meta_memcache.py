"""meta-memcache: every command of its client over the meta protocol."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from meta_memcache import (
    Conflict,
    Key,
    LeasePolicy,
    MemcacheServerError,
    Miss,
    NotStored,
    RecachePolicy,
    RequestFlags,
    SetMode,
    StalePolicy,
    Success,
    Value,
)
from meta_memcache.protocol import MA_MODE_DEC, MA_MODE_INC

from tests.clients.conftest import Kind
from tests.clients.lives import near
from tests.clients.meta_pools import MetaPools
from tests.support.processes import Server

LEASE = LeasePolicy(ttl=30, miss_retries=4, miss_retry_wait=1.0, wait_backoff_factor=2.0, miss_max_retry_wait=3.0)
STALE = StalePolicy(mark_stale_on_deletion_ttl=30, mark_stale_on_cas_mismatch=True)


@pytest.fixture
def pools(server: Server) -> Iterator[MetaPools]:
    built = MetaPools()
    yield built
    built.close()


@pytest.fixture
def client(pools: MetaPools, server: Server) -> Any:
    """A client of an empty cache."""
    with pools.client(server.address).router.pool_provider.get_pool(Key("any")).get_connection() as connection:
        assert connection.raw_cmd(b"flush_all") == b"OK"
    return pools.client(server.address)


def ttl_of(client: Any, key: str) -> int:
    """Seconds left, -1 for ever."""
    result = client.meta_get(Key(key), RequestFlags(return_ttl=True))
    assert isinstance(result, Success)
    assert isinstance(result.flags.ttl, int)
    return result.flags.ttl


VALUES = ["text", "schlüssel 🔑", b"\r\nEN\r\n\x00\xff", 0, -42, 1 << 80, None, True, {"a": [1, (2, 3)]}, "long " * 900]


@pytest.mark.parametrize("value", VALUES)
def test_values_come_back_as_they_were(client: Any, value: object) -> None:
    assert client.set("k", value, ttl=100) is True
    assert client.get("k") == value
    assert client.multi_get(["k"]) == {Key("k"): value}


@pytest.mark.parametrize("size", [0, 1, 4_095, 4_096, 4_097, 65_536, 524_288, 1_047_576])
def test_values_of_all_sizes(client: Any, size: int) -> None:
    value = os.urandom(size)  # does not compress
    assert client.set("k", value, ttl=0) is True
    assert client.get("k") == value
    assert client.multi_get(["absent", "k"]) == {Key("absent"): None, Key("k"): value}


def test_set_modes(client: Any) -> None:
    def stored(mode: SetMode, value: str) -> bool:
        return bool(client.set("k", value, ttl=100, set_mode=mode))

    assert [stored(mode, "x") for mode in (SetMode.REPLACE, SetMode.APPEND, SetMode.PREPEND)] == [False] * 3
    assert client.get("k") is None
    assert stored(SetMode.ADD, "b") is True
    assert stored(SetMode.ADD, "lost") is False
    assert stored(SetMode.APPEND, "c") is True
    assert stored(SetMode.PREPEND, "a") is True
    assert client.get("k") == "abc"
    assert stored(SetMode.REPLACE, "new") is True
    assert stored(SetMode.SET, "newer") is True
    assert client.get("k") == "newer"
    assert client.refill("k", "lost", ttl=100) is False
    assert client.refill("other", "kept", ttl=100) is True
    assert client.multi_get(["k", "other"]) == {Key("k"): "newer", Key("other"): "kept"}


def test_commands_without_a_reply_leave_the_connection_in_step(client: Any) -> None:
    assert client.set("k", "1", ttl=100, no_reply=True) is True
    assert client.set("k", "lost", ttl=100, no_reply=True, set_mode=SetMode.ADD) is True
    assert client.set("absent", "lost", ttl=100, no_reply=True, set_mode=SetMode.REPLACE) is True
    assert client.refill("k", "lost", ttl=100, no_reply=True) is True
    assert client.get("k") == "1"
    assert client.touch("k", 50, no_reply=True) is True
    assert client.touch("absent", 50, no_reply=True) is False  # a quiet mg tells of a hit
    assert ttl_of(client, "k") in near(50)
    assert client.delta("k", 4, no_reply=True) is True
    assert client.delta("absent", 4, no_reply=True) is True
    assert client.delta_initialize("n", 1, initial_value=9, initial_ttl=100, no_reply=True) is True
    assert client.multi_get(["k", "n", "absent"]) == {Key("k"): "5", Key("n"): "9", Key("absent"): None}
    assert client.delete("k", no_reply=True) is True
    assert client.invalidate("absent", no_reply=True) is True
    assert client.get("k") is None


def test_many_keys_in_their_order(client: Any) -> None:
    values = {f"many-{number}": f"value {number}" * (number % 7) for number in range(1_000)}
    for key, value in values.items():
        client.set(key, value, ttl=100, no_reply=True)
    found = client.multi_get([*values, "absent"])
    empty = {key: value or b"" for key, value in values.items()}  # the library does not decode a value of no bytes
    assert {key.key: value for key, value in found.items()} == {**empty, "absent": None}
    with_cas = client.multi_get_cas([*values, "absent"])
    tokens = [token for key, (_, token) in with_cas.items() if key.key != "absent"]
    assert tokens == sorted(set(tokens))
    assert with_cas[Key("absent")] == (None, None)


def test_compare_and_swap(client: Any) -> None:
    assert client.get_cas("k") == (None, None)
    assert client.set("k", "lost", ttl=100, cas_token=1) is False
    first = client.set_cas("k", "first", ttl=100)
    assert client.get_cas("k") == ("first", first)
    second = client.set_cas("k", "second", ttl=100, cas_token=first)
    assert second > first
    assert client.set("k", "lost", ttl=100, cas_token=first) is False
    assert client.set_cas("k", "lost", ttl=100, cas_token=first) is None
    assert client.delete("k", cas_token=first) is False
    assert client.invalidate("k", cas_token=first) is False
    assert client.get_cas("k") == ("second", second)
    assert client.delete("k", cas_token=second) is True
    assert client.invalidate("k", cas_token=second) is True
    assert client.get_cas("k") == (None, None)
    assert client.get_cas_typed("k", str) == (None, None)
    token = client.set_cas("k", 7, ttl=100)
    assert client.get_cas_typed("k", int) == (7, token)


def test_typed_gets(client: Any) -> None:
    client.set("k", "text", ttl=100)
    assert client.get_typed("k", str) == "text"
    assert client.get_typed("k", int) is None
    assert client.get_typed("absent", int, error_on_type_mismatch=True) is None
    with pytest.raises(ValueError, match="Expecting"):
        client.get_typed("k", int, error_on_type_mismatch=True)


def test_touch(client: Any) -> None:
    assert client.touch("k", 100) is False
    client.set("k", "1", ttl=0)
    assert ttl_of(client, "k") == -1
    assert client.touch("k", 100) is True
    assert ttl_of(client, "k") in near(100)
    assert client.get("k", touch_ttl=500) == "1"
    assert ttl_of(client, "k") in near(500)
    assert client.multi_get(["k", "absent"], touch_ttl=900) == {Key("k"): "1", Key("absent"): None}
    assert ttl_of(client, "k") in near(900)
    assert client.get_cas("k", touch_ttl=0)[0] == "1"
    assert ttl_of(client, "k") == -1


def test_delete_and_invalidate(client: Any) -> None:
    assert client.delete("k") is False
    assert client.invalidate("k") is True
    client.set("k", "1", ttl=100)
    assert client.delete("k") is True
    client.set("k", "1", ttl=100)
    assert client.invalidate("k") is True
    assert client.get("k") is None


def test_a_deletion_that_leaves_the_item_stale(client: Any) -> None:
    client.set("k", "old", ttl=0)
    assert client.delete("k", stale_policy=STALE) is True
    winner, token = client.get_cas("k")
    assert winner is None  # this reader is to fetch it anew ...
    assert client.get("k") == "old"  # ... and the others read the old value meanwhile
    assert client.multi_get(["k"]) == {Key("k"): "old"}
    assert ttl_of(client, "k") in near(30)
    assert client.set("k", "new", ttl=100, cas_token=token) is True
    assert client.get("k") == "new"
    assert client.invalidate("absent", stale_policy=STALE) is True
    assert client.delete("absent", stale_policy=STALE) is False


def test_a_late_write_is_stored_as_stale(client: Any) -> None:
    client.set("k", "old", ttl=0)
    client.invalidate("k", stale_policy=STALE)
    _, token = client.get_cas("k")
    client.invalidate("k", stale_policy=STALE)
    assert client.set("k", "late", ttl=100, cas_token=token) is False
    assert client.set("k", "late", ttl=100, cas_token=token, stale_policy=STALE) is True
    winner, token = client.get_cas("k")
    assert winner is None
    assert client.get("k") == "late"
    assert client.set("k", "new", ttl=100, cas_token=token, stale_policy=STALE) is True
    assert [client.get("k"), client.get("k")] == ["new", "new"]


def test_one_reader_is_asked_to_recache(client: Any) -> None:
    policy = RecachePolicy(ttl=30)
    client.set("k", "old", ttl=10)
    assert client.get("k") == "old"
    assert client.get("k", recache_policy=policy) is None
    assert client.get("k", recache_policy=policy) == "old"
    assert client.get_cas("k", recache_policy=policy)[0] == "old"
    client.set("k", "new", ttl=100)
    assert client.get("k", recache_policy=policy) == "new"
    client.set("l", "old", ttl=10)
    both = {Key("k"): "new", Key("l"): None}
    assert client.multi_get(["k", "l"], recache_policy=policy) == both
    assert client.multi_get(["k", "l"], recache_policy=policy) == both | {Key("l"): "old"}
    assert client.get_typed("k", str, recache_policy=policy) == "new"


def test_a_lease_has_one_winner(client: Any) -> None:
    waits: list[float] = []
    assert client.get_or_lease("k", LEASE, lease_wait_fn=waits.append) is None
    assert waits == []
    assert ttl_of(client, "k") in near(30)
    assert client.get("k") is None

    def winner_stores(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            client.set("k", "fetched", ttl=100)

    assert client.get_or_lease("k", LEASE, lease_wait_fn=winner_stores) == "fetched"
    assert waits == [1.0, 2.0]
    assert client.get_or_lease("k", LEASE, lease_wait_fn=waits.append) == "fetched"
    assert waits == [1.0, 2.0]


def test_who_loses_a_lease_gives_up_in_the_end(client: Any) -> None:
    waits: list[float] = []
    assert client.get_or_lease("k", LEASE) is None
    assert client.get_or_lease("k", LEASE, lease_wait_fn=waits.append) is None
    assert waits == [1.0, 2.0, 3.0]


def test_a_lease_with_its_token(client: Any) -> None:
    value, token = client.get_or_lease_cas("k", LEASE)
    assert value is None
    assert client.set("k", "fetched", ttl=10, cas_token=token) is True
    assert client.set("k", "late", ttl=100, cas_token=token) is False
    policy = RecachePolicy(ttl=30)
    assert client.get_or_lease_cas("k", LEASE, recache_policy=policy)[0] is None
    assert client.get_or_lease_cas("k", LEASE, touch_ttl=200, recache_policy=policy)[0] == "fetched"
    assert ttl_of(client, "k") in near(200)


def test_counters(client: Any) -> None:
    assert client.delta("n", 1) is False
    assert client.delta_and_get("n", 1) is None
    client.set("n", 10, ttl=100)
    assert client.delta("n", 5) is True
    assert client.get("n") == 15
    assert client.delta_and_get("n", -3) == 12
    assert client.delta_and_get("n", -100) == 0
    assert client.delta_and_get("n", 2, refresh_ttl=500) == 2
    assert ttl_of(client, "n") in near(500)
    client.set("n", (1 << 64) - 1, ttl=100)
    assert client.delta_and_get("n", 1) == 0


def test_counters_that_make_themselves(client: Any) -> None:
    assert client.delta_initialize("a", 1, initial_value=10, initial_ttl=100) is True
    assert client.get("a") == "10"  # the server's own item has no client flags
    assert client.delta_initialize("a", 5, initial_value=10, initial_ttl=100, refresh_ttl=300) is True
    assert ttl_of(client, "a") in near(300)
    assert client.delta_initialize_and_get("a", -6, initial_value=10, initial_ttl=100) == 9
    assert client.delta_initialize_and_get("b", 1, initial_value=0, initial_ttl=0) == 0
    assert client.delta_initialize_and_get("b", 1, initial_value=0, initial_ttl=0) == 1
    assert ttl_of(client, "b") == -1


def test_counters_by_token(client: Any) -> None:
    token = client.set_cas("n", 1, ttl=100)
    assert client.delta_and_get("n", 1, cas_token=token) == 2
    assert client.delta_and_get("n", 1, cas_token=token) is None
    assert client.delta("n", 1, cas_token=token) is False
    assert client.delta_initialize("n", 1, initial_value=0, initial_ttl=0, cas_token=token) is False
    assert client.delta_initialize_and_get("n", 1, initial_value=0, initial_ttl=0, cas_token=token) is None
    assert client.get("n") == 2


def test_a_word_is_no_counter(client: Any) -> None:
    client.set("n", "word", ttl=100)
    with pytest.raises(MemcacheServerError):
        client.delta("n", 1)
    assert client.get("n") == "word"


def test_what_a_meta_get_returns(client: Any) -> None:
    everything = RequestFlags(
        return_client_flag=True,
        return_cas_token=True,
        return_value=True,
        return_ttl=True,
        return_size=True,
        return_last_access=True,
        return_fetched=True,
        return_key=True,
        opaque=b"token",
    )
    stored = client.meta_set(Key("k"), "value", RequestFlags(cache_ttl=100, return_cas_token=True, opaque=b"set"))
    assert stored.flags.opaque == b"set"
    got = client.meta_get(Key("k"), everything)
    assert (got.value, got.size) == ("value", 5)
    assert (got.flags.client_flag, got.flags.cas_token, got.flags.size) == (0, stored.flags.cas_token, 5)
    assert (got.flags.fetched, got.flags.stale, got.flags.win, got.flags.opaque) == (False, False, None, b"token")
    assert got.flags.ttl in near(100)
    assert got.flags.last_access in range(10)
    assert client.meta_get(Key("k"), everything).flags.fetched is True
    assert not isinstance(client.meta_get(Key("k"), RequestFlags(return_size=True)), Value)
    assert isinstance(client.meta_get(Key("absent"), everything), Miss)
    many = client.meta_multiget([Key("k"), Key("absent")], everything)
    assert isinstance(many[Key("k")], Value)
    assert isinstance(many[Key("absent")], Miss)


def test_a_look_that_does_not_count_as_a_hit(client: Any) -> None:
    look = RequestFlags(return_fetched=True, no_update_lru=True)
    client.set("k", "1", ttl=100)
    assert [client.meta_get(Key("k"), look).flags.fetched for _ in range(2)] == [False, False]
    client.get("k")
    assert client.meta_get(Key("k"), look).flags.fetched is True


def test_the_other_meta_commands(client: Any) -> None:
    key = Key("k")
    assert isinstance(client.meta_set(key, "1", RequestFlags(mode=SetMode.REPLACE.value)), NotStored)
    assert isinstance(client.meta_set(key, "1", RequestFlags(cas_token=1)), Miss)
    stored = client.meta_set(key, 1, RequestFlags(return_cas_token=True, return_key=True, cache_ttl=100))
    token = stored.flags.cas_token
    assert isinstance(client.meta_set(key, "2", RequestFlags(cas_token=token + 1)), Conflict)
    plus = RequestFlags(mode=MA_MODE_INC, ma_delta_value=8, return_value=True, return_ttl=True, return_cas_token=True)
    counted = client.meta_arithmetic(key, plus)
    assert (counted.value, counted.flags.cas_token > token) == ("9", True)
    assert counted.flags.ttl in near(100)
    assert isinstance(client.meta_arithmetic(key, RequestFlags(mode=MA_MODE_DEC, cas_token=token)), Conflict)
    assert isinstance(client.meta_arithmetic(Key("absent"), RequestFlags()), Miss)
    assert isinstance(client.meta_delete(key, RequestFlags(cas_token=token)), Conflict)
    gone = client.meta_delete(key, RequestFlags(opaque=b"gone", return_key=True))
    assert (type(gone), gone.flags.opaque) == (Success, b"gone")
    assert isinstance(client.meta_delete(key), Miss)


@pytest.mark.parametrize("key", ["k" * 200, "k" * 400, "schlüssel 🔑", "two words", "line\r\nbreak", "\x01"])
def test_keys_of_all_kinds(client: Any, key: str) -> None:
    assert client.set(key, "1", ttl=100) is True
    assert client.get(key) == "1"
    assert client.multi_get([key, "absent"]) == {Key(key): "1", Key("absent"): None}
    assert client.touch(key, 50) is True
    assert client.delete(key) is True
    assert client.delta_initialize_and_get(key, 1, initial_value=3, initial_ttl=0) == 3
    assert client.get(key) == "3"


def test_items_run_out(kind: Kind, pools: MetaPools) -> None:
    if not kind.ours:
        pytest.skip("a release of the original has no debugtime")
    with kind.running("-o", "debug_commands") as own:
        client = pools.client(own.address)
        client.set("k", "1", ttl=100)
        client.get_or_lease("leased", LEASE)
        client.set("deleted", "1", ttl=0)
        client.delete("deleted", stale_policy=STALE)
        with client.router.pool_provider.get_pool(Key("k")).get_connection() as connection:
            assert connection.raw_cmd(b"debugtime 31") == b"OK"
        assert list(client.multi_get(["k", "leased", "deleted"]).values()) == ["1", None, None]
        assert client.delete("leased") is False
        assert client.delete("deleted") is False
        assert client.get("k", recache_policy=RecachePolicy(ttl=80)) is None
        assert client.get("k", recache_policy=RecachePolicy(ttl=80)) == "1"
        pools.close()
