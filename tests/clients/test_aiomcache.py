"""aiomcache: every method of Client and FlagClient, many tasks at once, and what they raise."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiomcache
import pytest
from aiomcache.exceptions import ClientException, ValidationException

from tests.clients.conftest import Kind
from tests.clients.recording import Recording, public_methods
from tests.support.processes import Server, free_port


async def to_flags(value: Any) -> tuple[bytes, int]:
    return pickle.dumps(value), 1


async def from_flags(value: bytes, flags: int) -> Any:
    assert flags == 1
    return pickle.loads(value)


@asynccontextmanager
async def connected(server: Server, **options: Any) -> AsyncIterator[aiomcache.Client]:
    """A client without flags, or with flag handlers the one that has them; closed at the end."""
    made = (aiomcache.FlagClient if "get_flag_handler" in options else aiomcache.Client)(*server.address, **options)
    try:
        yield made
    finally:
        await made.close()
        await asyncio.sleep(0)  # the transports close in the next turn


async def set_(client: Any) -> None:
    for value in (b"1", b"", b"\r\nEND\r\n", bytes(range(256)) * 1000):
        assert await client.set(b"a", value) is True
        assert await client.get(b"a") == value
    assert await client.set(b"a", b"1", exptime=100) is True
    with pytest.raises(ValidationException):
        await client.set(b"a", b"1", exptime=-1)


async def get(client: Any) -> None:
    await client.delete(b"absent")
    assert await client.get(b"absent") is None
    assert await client.get(b"absent", b"default") == b"default"
    await client.set("schlüssel".encode(), b"1")
    assert await client.get("schlüssel".encode()) == b"1"


async def multi_get(client: Any) -> None:
    await client.delete(b"absent")
    keys = [b"many-%d" % number for number in range(200)]
    for key in keys:
        await client.set(key, key)
    assert await client.multi_get(*keys, b"absent") == (*keys, None)
    assert await client.multi_get() == ()
    with pytest.raises(ClientException, match="duplicate"):
        await client.multi_get(b"a", b"a")


async def gets_and_cas(client: Any) -> None:
    await client.delete(b"a")
    assert await client.gets(b"a") == (None, None)
    assert await client.cas(b"a", b"x", 1) is False
    await client.set(b"a", b"1")
    value, token = await client.gets(b"a")
    assert value == b"1"
    assert await client.cas(b"a", b"2", token, exptime=100) is True
    assert await client.cas(b"a", b"3", token) is False
    assert await client.get(b"a") == b"2"


async def add(client: Any) -> None:
    await client.delete(b"a")
    assert await client.add(b"a", b"1") is True
    assert await client.add(b"a", b"2") is False
    assert await client.get(b"a") == b"1"


async def replace(client: Any) -> None:
    await client.delete(b"a")
    assert await client.replace(b"a", b"1") is False
    await client.set(b"a", b"1")
    assert await client.replace(b"a", b"2") is True
    assert await client.get(b"a") == b"2"


async def append_and_prepend(client: Any) -> None:
    await client.delete(b"a")
    assert await client.append(b"a", b"x") is False
    assert await client.prepend(b"a", b"x") is False
    await client.set(b"a", b"1")
    assert await client.append(b"a", b"2") is True
    assert await client.prepend(b"a", b"0") is True
    assert await client.get(b"a") == b"012"


async def delete(client: Any) -> None:
    await client.set(b"a", b"1")
    assert await client.delete(b"a") is True
    assert await client.delete(b"a") is False


async def incr_and_decr(client: Any) -> None:
    await client.delete(b"n")
    for change in (client.incr, client.decr):
        with pytest.raises(ClientException, match="NOT_FOUND"):
            await change(b"n")
    await client.set(b"n", b"9")
    assert await client.incr(b"n") == 10
    assert await client.incr(b"n", 5) == 15
    assert await client.decr(b"n") == 14
    assert await client.decr(b"n", 100) == 0
    await client.set(b"n", b"word")
    for change in (client.incr, client.decr):
        with pytest.raises(ClientException, match="cannot increment or decrement non-numeric value"):
            await change(b"n")
        with pytest.raises(ClientException, match="invalid numeric delta argument"):
            await change(b"n", -1)


async def touch(client: Any) -> None:
    await client.delete(b"a")
    assert await client.touch(b"a", 100) is False
    await client.set(b"a", b"1", exptime=100)
    assert await client.touch(b"a", 0) is True
    assert await client.get(b"a") == b"1"
    assert await client.touch(b"a", -1) is True
    assert await client.get(b"a") is None


async def stats(client: Any) -> None:
    await client.set(b"a", b"1")
    general = await client.stats()
    assert int(general[b"curr_items"]) >= 1
    assert general[b"limit_maxbytes"] == b"%d" % (256 << 20)
    assert (await client.stats(b"slabs"))[b"1:chunk_size"] == b"96"
    assert b"items:1:number" in await client.stats(b"items")
    assert (await client.stats(b"settings"))[b"cas_enabled"] == b"yes"


async def version(client: Any) -> None:
    assert (await client.version()).startswith(b"1.6.")


async def flush_all(client: Any) -> None:
    await client.set(b"a", b"1")
    assert await client.flush_all() is None
    assert await client.get(b"a") is None


async def close(client: Any) -> None:
    await client.set(b"a", b"1")
    await client.close()
    assert await client.get(b"a") == b"1"


EXERCISES: dict[str, Callable[[Any], Awaitable[None]]] = {
    "add": add,
    "append": append_and_prepend,
    "cas": gets_and_cas,
    "close": close,
    "decr": incr_and_decr,
    "delete": delete,
    "flush_all": flush_all,
    "get": get,
    "gets": gets_and_cas,
    "incr": incr_and_decr,
    "multi_get": multi_get,
    "prepend": append_and_prepend,
    "replace": replace,
    "set": set_,
    "stats": stats,
    "touch": touch,
    "version": version,
}


@pytest.mark.parametrize("handlers", [{}, {"get_flag_handler": from_flags, "set_flag_handler": to_flags}])
@pytest.mark.parametrize("method", public_methods(aiomcache.Client, aiomcache.FlagClient))
async def test_every_method(method: str, handlers: dict[str, Any], server: Server) -> None:
    async with connected(server, **handlers) as made:
        client = Recording(made)
        await EXERCISES[method](client)
    assert method in client.called


async def test_flagged_values(server: Server) -> None:
    async with connected(server, get_flag_handler=from_flags, set_flag_handler=to_flags) as client:
        thing = {"a": [1, 2.5, None], "b": "äöü"}
        assert await client.set(b"object", thing) is True
        assert await client.get(b"object") == thing
        assert await client.multi_get(b"object") == (thing,)
        async with connected(server) as plain:
            with pytest.raises(ClientException, match="received flags without handler"):
                await plain.get(b"object")
            with pytest.raises(ValidationException):
                await plain.set(b"object", thing)


async def test_many_tasks_share_few_connections(server: Server) -> None:
    async with connected(server, pool_size=4, pool_minsize=1) as client:
        await client.set(b"counter", b"0")

        async def work(number: int) -> bytes:
            await client.set(b"task-%d" % number, b"%d" % number)
            await client.incr(b"counter")
            return await client.get(b"task-%d" % number)

        assert await asyncio.gather(*map(work, range(200))) == [b"%d" % number for number in range(200)]
        assert await client.get(b"counter") == b"200"


async def test_large_values(server: Server) -> None:
    async with connected(server) as client:
        largest = b"x" * (1_048_517 - len("large"))
        assert await client.set(b"large", largest) is True
        assert await client.get(b"large") == largest
        with pytest.raises(ClientException, match="object too large for cache"):
            await client.set(b"large", largest + b"x")
        assert await client.get(b"large") is None


@pytest.mark.parametrize("key", ["text", b"k" * 251, b"two words", b"line\n", b"nul\0", b""], ids=repr)
async def test_keys_that_are_not_sent(key: Any, server: Server) -> None:
    async with connected(server) as client:
        for call in (
            client.get(key),
            client.set(key, b"1"),
            client.delete(key),
            client.incr(key),
            client.touch(key, 1),
        ):
            with pytest.raises(ValidationException):
                await call


async def test_a_server_that_restarts(kind: Kind) -> None:
    port = free_port()
    async with AsyncExitStack() as clients:
        with kind.running(port=port) as first:
            client = await clients.enter_async_context(connected(first, pool_size=1))
            assert await client.set(b"a", b"1") is True
        with kind.running(port=port):
            with pytest.raises((ClientException, OSError)):  # sees the end of the connection
                await client.get(b"a")
            assert await client.get(b"a") is None
            assert await client.set(b"a", b"2") is True
