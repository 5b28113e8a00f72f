"""Meta requests through routes that change keys: the server sees theirs, the client its own."""

from base64 import b64encode

from tests.support.mock_upstream import MockUpstream
from tests.support.running_proxy import running_proxy


def answer(line, value):
    words = line.split(b" ")
    key = b" k%b" % words[1] if b"k" in words else b""
    if words[0] == b"mg":
        return b"VA 1%b\r\nx\r\n" % key
    return b"HD%b\r\n" % key


async def test_a_routing_prefix_is_taken_off_and_put_back():
    async with MockUpstream(answer) as server:
        config = (
            f'{{"pools": {{"A": {{"servers": ["{server.address}"]}}}},'
            ' "routes": {"/a/b/": "PoolRoute|A", "/././": "NullRoute"}}'
        )
        async with running_proxy("--config", config) as proxy:
            client = await proxy.connect()
            await client.ask(b"mg /a/b/key k v\r\n", b"VA 1 k/a/b/key\r\nx\r\n")
            coded = b64encode(b"/a/b/key")
            await client.ask(b"mg %b b v q\r\nmd /a/b/key q\r\nmn\r\n" % coded, b"VA 1\r\nx\r\nMN\r\n")
            await client.ask(b"mg key v k O1\r\nmd key\r\nma key\r\nme key\r\n", b"EN kkey O1\r\nNF\r\nNF\r\nEN\r\n")
            await client.ask(b"ms key 1\r\nx\r\nms key 1 q O7\r\nx\r\n", b"NS\r\nNS O7\r\n")
            assert server.lines == [b"mg key k v", b"mg %b b v" % b64encode(b"key"), b"md key"]


async def test_a_changed_key_is_not_shown():
    async with MockUpstream(answer) as server:
        config = (
            f'{{"pools": {{"A": {{"servers": ["{server.address}"]}}}},'
            ' "route": {"type": "ModifyKeyRoute", "target": "PoolRoute|A", "ensure_key_prefix": "p:"}}'
        )
        async with running_proxy("--config", config) as proxy:
            client = await proxy.connect()
            await client.ask(b"mg key v k\r\n", b"VA 1 kkey\r\nx\r\n")
            await client.ask(b"md key k\r\n", b"HD kkey\r\n")
            assert server.lines == [b"mg p:key v k", b"md p:key k"]
