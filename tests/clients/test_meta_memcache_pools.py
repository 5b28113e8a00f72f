"""meta-memcache with several servers and with its wrappers: rings, gutters, limited lives, migrations, hot keys."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from meta_memcache import (
    CacheClient,
    DefaultExecutor,
    DefaultRouter,
    HostConnectionPoolProvider,
    Key,
    LeasePolicy,
    MemcacheServerError,
    MixedSerializer,
    RequestFlags,
    ServerAddress,
    is_error_response,
)
from meta_memcache.compression.zstd_manager import ThreadLocalZstdManager
from meta_memcache.configuration import MigrationMode
from meta_memcache.connection.providers import NonConsistentHashPoolProvider
from meta_memcache.extras.client_wrapper import ClientWrapper
from meta_memcache.extras.migrating_cache_client import MigratingCacheClient
from meta_memcache.extras.probabilistic_hot_cache import ProbabilisticHotCache
from meta_memcache.serializer import ZstdSerializer
from meta_memcache.stats import CacheStats

from tests.clients.conftest import Kind
from tests.clients.lives import near
from tests.clients.meta_pools import MetaPools
from tests.support.processes import Server

KEYS = [f"key-{number}" for number in range(300)]
LEASE = LeasePolicy(ttl=30)
TTL = RequestFlags(return_ttl=True)
ITEM_MAX = 1 << 20


@pytest.fixture
def pools(three_servers: list[Server]) -> Iterator[MetaPools]:
    built = MetaPools()
    for server in three_servers:
        ask(built, server, b"flush_all")
    yield built
    built.close()


def ask(pools: MetaPools, server: Server, command: bytes) -> bytes:
    with pools.pool(ServerAddress(*server.address)).get_connection() as connection:
        return bytes(connection.raw_cmd(command))


def holds(pools: MetaPools, server: Server, key: str) -> bool:
    return pools.client(server.address).get(key) is not None


def test_raw_commands(pools: MetaPools, server: Server) -> None:
    with pools.pool(ServerAddress(*server.address)).get_connection() as connection:
        assert connection.raw_cmd(b"version").startswith(b"VERSION 1.6.")
        assert b"STAT curr_items " in connection.raw_cmd(b"stats", multi_line=True)
        assert connection.raw_cmd(b"mn") == b"MN"
        assert connection.raw_cmd(b"me absent") == b"EN"


def test_a_value_too_large_is_refused(pools: MetaPools, server: Server) -> None:
    failed: list[Key] = []
    client = pools.client(server.address)
    client.on_write_failure += failed.append
    client.set("k", "old", ttl=100)
    with pytest.raises(MemcacheServerError):
        client.set("k", os.urandom(ITEM_MAX), ttl=100)
    assert failed == [Key("k")]
    assert client.get("k") is None  # the old value must not stay
    quiet = pools.client(server.address, raise_on_server_error=False)
    assert is_error_response(quiet.meta_set(Key("k"), os.urandom(ITEM_MAX)))
    assert quiet.set("k", "new", ttl=100) is True
    counters = quiet.get_counters()
    assert [(pool.established, pool.total_created, pool.total_errors) for pool in counters.values()] == [(1, 2, 1)]


def test_keys_spread_over_a_ring(pools: MetaPools, three_servers: list[Server]) -> None:
    client = pools.client(*(server.address for server in three_servers))
    for key in KEYS:
        assert client.set(key, key, ttl=100) is True
    assert client.multi_get(KEYS) == {Key(key): key for key in KEYS}
    held = [sum(holds(pools, server, key) for key in KEYS) for server in three_servers]
    assert sum(held) == len(KEYS)
    assert min(held) > 0
    together = [Key(key, routing_key="one place") for key in ("a", "b", "c", "d")]
    for key in together:
        client.set(key, "1", ttl=100)
    places = [server for server in three_servers for key in together if holds(pools, server, key.key)]
    assert len(places) == 4
    assert len({place.pid for place in places}) == 1


def test_keys_spread_by_their_checksum(pools: MetaPools, three_servers: list[Server]) -> None:
    provider = NonConsistentHashPoolProvider(pools.server_pool(server.address for server in three_servers))
    client: Any = CacheClient(DefaultRouter(pool_provider=provider, executor=DefaultExecutor(MixedSerializer())))
    for key in KEYS[:30]:
        client.set(key, "1", ttl=100)
        assert holds(pools, three_servers[zlib.crc32(key.encode()) % 3], key)
    assert client.multi_get(KEYS[:40]) == {Key(key): "1" if key in KEYS[:30] else None for key in KEYS[:40]}


def test_keys_encoded_by_the_user(pools: MetaPools, server: Server) -> None:
    address = ServerAddress(*server.address)
    seen: list[CacheStats] = []
    executor = DefaultExecutor(
        ZstdSerializer(ThreadLocalZstdManager()),
        key_encoder_fn=lambda key: b"app:%b" % key.key.encode(),
        stats_callback=seen.append,
    )
    provider = HostConnectionPoolProvider(address, pools.pool(address))
    client: Any = CacheClient(DefaultRouter(pool_provider=provider, executor=executor))
    client.set("k", "long " * 900, ttl=100)
    assert client.get("k") == "long " * 900
    assert client.multi_get(["k", "absent"]) == {Key("k"): "long " * 900, Key("absent"): None}
    size = pools.client(server.address).meta_get(Key("app:k"), RequestFlags(return_size=True)).flags.size
    assert [stats.size for stats in seen] == [0, size, size]
    assert client.delete("k") is True
    assert client.get("k") is None


def test_a_gutter_stands_in_for_a_server_that_is_away(kind: Kind, pools: MetaPools, server: Server) -> None:
    with kind.running() as away:
        client = pools.client(
            away.address,
            build=CacheClient.cache_client_with_gutter_from_servers,
            gutter_servers=[ServerAddress(*server.address)],
            gutter_ttl=20,
        )
        assert client.set("k", "1", ttl=1_000) is True
        assert client.get("k") == "1"
        assert not holds(pools, server, "k")
    assert client.get("k") is None
    assert client.set("k", "2", ttl=1_000) is True
    assert client.multi_get(["k", "absent"]) == {Key("k"): "2", Key("absent"): None}
    assert client.meta_get(Key("k"), TTL).flags.ttl in near(20)
    assert client.touch("k", 1_000) is True
    assert client.meta_get(Key("k"), TTL).flags.ttl in near(20)
    assert client.get_or_lease("leased", LEASE) is None
    assert client.delta_initialize_and_get("n", 1, initial_value=5, initial_ttl=1_000) == 5
    assert client.meta_get(Key("n"), TTL).flags.ttl in near(20)
    assert client.invalidate("k") is True
    assert not holds(pools, server, "k")


def test_a_server_that_is_away(kind: Kind, pools: MetaPools) -> None:
    with kind.running() as away:
        client = pools.client(away.address)
        quiet = pools.client(away.address, raise_on_server_error=False)
        assert client.set("k", "1", ttl=100) is True
    with pytest.raises(MemcacheServerError):
        client.get("k")
    assert is_error_response(quiet.meta_get(Key("k")))
    assert quiet.multi_get(["k"]) == {Key("k"): None}
    assert quiet.delete("k") is False


def test_nothing_lives_longer_than_an_ephemeral_client_says(pools: MetaPools, server: Server) -> None:
    client = pools.client(server.address, build=CacheClient.ephemeral_cache_client_from_servers, max_ttl=30)
    for key, ttl in (("forever", 0), ("long", 1_000), ("short", 10)):
        client.set(key, "1", ttl=ttl)
    lives = [client.meta_get(Key(key), TTL).flags.ttl for key in ("forever", "long", "short")]
    assert lives[0] in near(30)
    assert lives[1] in near(30)
    assert lives[2] in near(10)
    assert client.multi_get(["long"], touch_ttl=1_000) == {Key("long"): "1"}
    assert client.meta_get(Key("long"), TTL).flags.ttl in near(30)


def test_a_wrapped_client(pools: MetaPools, server: Server) -> None:
    client: Any = ClientWrapper(pools.client(server.address))
    assert client.set("k", 1, ttl=100) is True
    assert client.get("k") == 1
    assert client.multi_get(["k", "absent"]) == {Key("k"): 1, Key("absent"): None}
    assert client.delta_and_get("k", 2) == 3
    assert client.delete("k") is True
    assert [counters.established for counters in client.get_counters().values()] == [1]


@pytest.mark.parametrize(
    ("mode", "writes", "reads"),
    [
        (MigrationMode.ONLY_ORIGIN, (True, False), "origin"),
        (MigrationMode.POPULATE_WRITES, (True, True), "origin"),
        (MigrationMode.POPULATE_WRITES_AND_READS_1PCT, (True, True), "origin"),
        (MigrationMode.POPULATE_WRITES_AND_READS_10PCT, (True, True), "origin"),
        (MigrationMode.USE_DESTINATION_UPDATE_ORIGIN, (True, True), "destination"),
        (MigrationMode.ONLY_DESTINATION, (False, True), "destination"),
    ],
)
def test_a_migration(
    pools: MetaPools, three_servers: list[Server], mode: MigrationMode, writes: tuple[bool, bool], reads: str
) -> None:
    origin, destination = (pools.client(server.address) for server in three_servers[:2])
    client: Any = MigratingCacheClient(origin_client=origin, destination_client=destination, migration_mode_config=mode)
    assert client.set("k", "1", ttl=100) is True
    assert (origin.get("k") == "1", destination.get("k") == "1") == writes
    origin.set("where", "origin", ttl=100)
    destination.set("where", "destination", ttl=100)
    assert client.get("where") == reads
    assert client.multi_get(["where"]) == {Key("where"): reads}
    assert client.touch("k", 500) is True
    for written, side in zip(writes, (origin, destination), strict=True):
        assert not written or side.meta_get(Key("k"), TTL).flags.ttl in near(500)
    assert client.delta_initialize("n", 1, initial_value=5, initial_ttl=100) is True
    assert (origin if reads == "origin" else destination).get("n") == "5"
    assert client.delete("k") is True
    assert (origin.get("k"), destination.get("k")) == (None, None)
    assert len(client.get_counters()) == 2


def test_reads_fill_the_destination_of_a_migration(pools: MetaPools, three_servers: list[Server]) -> None:
    """One read in ten is copied: after 300 of them, none would be by a chance of 2e-14."""
    origin, destination = (pools.client(server.address) for server in three_servers[:2])
    for key in KEYS:
        origin.set(key, key, ttl=100)
    client: Any = MigratingCacheClient(
        origin_client=origin,
        destination_client=destination,
        migration_mode_config=MigrationMode.POPULATE_WRITES_AND_READS_10PCT,
    )
    for key in KEYS:
        assert client.get(key) == key
    copied = [key for key in KEYS if destination.get(key) == key]
    assert 0 < len(copied) < len(KEYS)
    assert destination.meta_get(Key(copied[0]), TTL).flags.ttl in range(90, 101)


def test_hot_keys_are_kept_at_the_client(pools: MetaPools, server: Server) -> None:
    """Which keys are hot, the server says: fetched before, and last accessed a moment ago."""
    store: dict[str, Any] = {}
    inner = pools.client(server.address)
    client: Any = ProbabilisticHotCache(
        inner, store, cache_ttl=60, max_last_access_age_seconds=60, probability_factor=1, allowed_prefixes=["hot:"]
    )
    for key in ("hot:a", "hot:b", "cold:a"):
        inner.set(key, key, ttl=100)
    assert [client.get("hot:a"), sorted(store)] == ["hot:a", []]
    assert [client.get("hot:a"), sorted(store)] == ["hot:a", ["hot:a"]]
    keys = ["hot:a", "hot:b", "cold:a", "hot:absent"]
    values = {Key(key): None if key == "hot:absent" else key for key in keys}
    assert [client.multi_get(keys), client.multi_get(keys)] == [values, values]
    assert sorted(store) == ["hot:a", "hot:b"]
    inner.delete("hot:a")
    assert client.get("hot:a") == "hot:a"
    assert client.get_or_lease("hot:a", LEASE) == "hot:a"
    assert client.get_or_lease("hot:absent", LEASE) is None
