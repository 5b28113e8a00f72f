"""A real, scriptable DNS server on loopback, UDP and TCP, in a background thread.

    with FakeDns() as dns:
        dns.set_service("mycache-memcached.default.svc.cluster.local", {0: "127.0.0.11", 1: "127.0.0.12"})
        resolver = Resolver([dns.nameserver])

Its zone and its `mode` may change at any time from any thread. `python -m tests.support.fake_dns` runs one as
a process of its own: each line on standard input is a new list of members, its end stops the server.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Literal, NamedTuple

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rdtypes.IN.SRV
import dns.rrset

Mode = Literal["ok", "nxdomain", "nodata", "servfail", "refused", "silent"]
RCODES = {"nxdomain": dns.rcode.NXDOMAIN, "servfail": dns.rcode.SERVFAIL, "refused": dns.rcode.REFUSED}


class Query(NamedTuple):
    """One question as it came in; `name` without the final dot."""

    name: str
    rdtype: str
    transport: str


class Records(NamedTuple):
    """What one name has of one type."""

    values: tuple[str, ...]
    ttl_s: int


class FakeDns:
    """Answers from a zone that tests change at run time.

    `mode` is how it (mis)behaves for every name, `modes` the same for single names; `delay_s` postpones each
    answer, `shuffle` mixes the records, `glue` False withholds additional records, and UDP answers over
    `udp_limit` bytes (512, or what the client's EDNS allows) are sent empty with TC set.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self.mode: Mode = "ok"
        self.modes: dict[str, Mode] = {}
        self.delay_s = 0.0
        self.shuffle = False
        self.glue = True
        self.udp_limit: int | None = None
        self.queries: list[Query] = []
        self._zone: dict[tuple[str, str], Records] = {}
        self._lock = threading.Lock()
        self._random = random.Random(11211)
        self._ready = threading.Event()
        self._bind_error: OSError | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="fake dns", daemon=True)

    @property
    def nameserver(self) -> str:
        """`IP:PORT`, as resolvers take it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    # The zone.

    def set(self, name: str, rdtype: str, *values: str, ttl_s: int = 5) -> None:
        """Replaces a name's records of one type; no values remove them (and leave NODATA or NXDOMAIN)."""
        with self._lock:
            self._set(name, rdtype, values, ttl_s)

    def clear(self) -> None:
        """Removes every record: the Service was deleted."""
        with self._lock:
            self._zone.clear()

    def set_service(
        self,
        name: str,
        members: Mapping[int, str | tuple[str, int]],
        port: int = 11211,
        *,
        ttl_s: int = 5,
        service: str = "_memcache._tcp",
    ) -> None:
        """A headless Service's records, replacing those it had: ordinal → IP or (IP, port).

        The name's A or AAAA records, those of each pod `BASE-ORDINAL.NAME`, and SRV records. No members
        leave the name with no records at all, hence NXDOMAIN.
        """
        base = name.partition(".")[0]
        with self._lock:
            for known, rdtype in list(self._zone):
                if known == _key(name) or known.endswith("." + _key(name)):
                    del self._zone[known, rdtype]
            by_type: dict[str, list[str]] = {"A": [], "AAAA": [], "SRV": []}
            for ordinal, member in members.items():
                address, its_port = (member, port) if isinstance(member, str) else member
                rdtype = "AAAA" if ":" in address else "A"
                pod = f"{base}-{ordinal}.{name}"
                by_type[rdtype].append(address)
                by_type["SRV"].append(f"0 33 {its_port} {pod}.")
                self._set(pod, rdtype, (address,), ttl_s)
            for rdtype, values in by_type.items():
                owner = f"{service}.{name}" if rdtype == "SRV" else name
                self._set(owner, rdtype, tuple(values), ttl_s)

    def _set(self, name: str, rdtype: str, values: tuple[str, ...], ttl_s: int) -> None:
        if values:
            self._zone[_key(name), rdtype] = Records(values, ttl_s)
        else:
            self._zone.pop((_key(name), rdtype), None)

    # Answers.

    def answer(self, wire: bytes, transport: str) -> bytes | None:
        """The response to one query, or None for silence."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, rdtype = _key(question.name.to_text()), dns.rdatatype.to_text(question.rdtype)
        response = dns.message.make_response(query, our_payload=4096)
        response.flags |= dns.flags.AA
        with self._lock:
            self.queries.append(Query(name, rdtype, transport))
            mode = self.modes.get(name, self.mode)
            if mode == "ok":
                self._fill(response, question.name, rdtype)
        if mode == "silent":
            return None
        response.set_rcode(RCODES.get(mode, response.rcode()))
        reply = response.to_wire(max_size=65535)
        allowed = max(512, query.payload if query.edns >= 0 else 512)
        if transport == "udp" and len(reply) > min(allowed, self.udp_limit or allowed):
            response.answer, response.additional = [], []
            response.flags |= dns.flags.TC
            return response.to_wire()
        return reply

    def _fill(self, response: dns.message.Message, name: dns.name.Name, rdtype: str) -> None:
        key = _key(name.to_text())
        records = self._zone.get((key, rdtype))
        if records is None:
            if not any(known == key or known.endswith("." + key) for known, _ in self._zone):
                response.set_rcode(dns.rcode.NXDOMAIN)
            return
        rrset = self._rrset(name, rdtype, records)
        response.answer.append(rrset)
        if rdtype != "SRV" or not self.glue:
            return
        for record in rrset:
            assert isinstance(record, dns.rdtypes.IN.SRV.SRV)
            for family in ("A", "AAAA"):
                if glue := self._zone.get((_key(record.target.to_text()), family)):
                    response.additional.append(self._rrset(record.target, family, glue))

    def _rrset(self, name: dns.name.Name, rdtype: str, records: Records) -> dns.rrset.RRset:
        values = list(records.values)
        if self.shuffle:
            self._random.shuffle(values)
        return dns.rrset.from_text_list(name, records.ttl_s, "IN", rdtype, values)

    # The server.

    def start(self) -> FakeDns:
        """Binds and serves; returns itself once it answers, raises OSError when it cannot bind."""
        self._thread.start()
        self._ready.wait()
        if self._bind_error is not None:
            raise self._bind_error
        return self

    def stop(self) -> None:
        """Closes the sockets and ends the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def __enter__(self) -> FakeDns:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            tcp, udp = self._loop.run_until_complete(self._bind())
        except OSError as error:
            self._bind_error = error
            self._loop.close()
            return
        finally:
            self._ready.set()
        self._loop.run_forever()
        udp.close()
        tcp.close()
        under_way = asyncio.all_tasks(self._loop)  # those of connections just accepted, too
        for task in under_way:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*under_way, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))  # lets the transports close their sockets
        self._loop.close()

    async def _bind(self) -> tuple[asyncio.Server, asyncio.DatagramTransport]:
        """One port, free for both transports."""
        for attempt in range(20):
            tcp = await asyncio.start_server(self._on_connection, self.host, self.port)
            port = int(tcp.sockets[0].getsockname()[1])
            try:
                udp, _ = await self._loop.create_datagram_endpoint(
                    lambda: _Datagrams(self), (self.host, port), family=tcp.sockets[0].family
                )
            except OSError:
                tcp.close()
                if self.port or attempt == 19:
                    raise
                continue
            self.port = port
            return tcp, udp
        raise OSError("no port is free for both UDP and TCP")

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                reply = self.answer(await reader.readexactly(length), "tcp")
                await asyncio.sleep(self.delay_s)
                if reply is not None:
                    writer.write(struct.pack("!H", len(reply)) + reply)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: FakeDns) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        reply = self._server.answer(data, "udp")
        if reply is not None and self._transport is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(self._server.delay_s, self._transport.sendto, reply, addr)


def _key(name: str) -> str:
    return name.lower().removesuffix(".")


def unused_udp_port(host: str = "127.0.0.1") -> int:
    """A port where nobody answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Serves one headless Service: `--members` and every input line are IPs (or IP:PORT), by ordinal."""
    parser = argparse.ArgumentParser(prog="fake_dns")
    parser.add_argument("--listen", default="127.0.0.1")
    parser.add_argument("--listen-port", type=int, default=0)
    parser.add_argument("--service", default="mycache-memcached.default.svc.cluster.local")
    parser.add_argument("--members", default="")
    parser.add_argument("--ttl", type=int, default=5)
    options = parser.parse_args()

    def publish(text: str) -> None:
        members: dict[int, str | tuple[str, int]] = {}
        for ordinal, member in enumerate(text.replace(",", " ").split()):
            if member == "-":  # this pod is away
                continue
            address, _, port = member.partition(":")
            members[ordinal] = (address, int(port)) if port else address
        server.set_service(options.service, members, ttl_s=options.ttl)

    with FakeDns(options.listen, options.listen_port) as server:
        publish(options.members)
        print(server.nameserver, flush=True)
        for line in sys.stdin:
            publish(line)


if __name__ == "__main__":
    main()
