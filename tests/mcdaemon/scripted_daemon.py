"""A daemon that prints each step it is taken through; the lifecycle tests run it as a real process.

python -m tests.mcdaemon.scripted_daemon [key=value ...] with the keys of OPTIONS below.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import sys

from mcdaemon import log_setup, sockets
from mcdaemon.admin_http import AdminServer
from mcdaemon.errors import StartError
from mcdaemon.lifecycle import Idle, run
from mcdaemon.metrics import MetricRow, families
from mcdaemon.shared_counters import SharedCounters
from mcdaemon.workers import Worker, WorkerContext, supervise

OPTIONS = {
    "start": "ok",  # ok, fail, hang, stdin (waits for a line there)
    "drain": "ok",  # ok, hang, raise
    "fail": "",  # the name of a step that raises
    "port": "-1",  # listen here and answer each connection with the pid
    "graceful": "no",
    "drain_s": "30",
    "admin": "-1",
    "workers": "0",
    "exit_early": "no",  # a worker that ends before it serves
}


def say(*words: object) -> None:
    """One write a line: several processes share the pipe."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


class Scripted:
    """Prints its steps; waits for nothing but what its options say."""

    def __init__(
        self, options: dict[str, str], listeners: list[socket.socket] | None = None, row: memoryview | None = None
    ) -> None:
        self.options = options
        self.listeners = listeners or []
        self.row = row
        self.servers: list[asyncio.Server] = []
        self.ready = False
        if options["graceful"] == "yes":
            self.graceful = functools.partial(say, "graceful")

    async def start(self) -> None:
        if self.options["start"] == "fail":
            raise StartError("cannot start: as told", 42)
        if self.options["start"] == "hang":
            say("starting")
            await asyncio.Event().wait()
        if (port := int(self.options["port"])) >= 0 and not self.listeners:
            self.listeners = sockets.open_tcp([sockets.Address("127.0.0.1", port)])
        for listener in self.listeners:
            self.servers.append(await asyncio.start_server(self._answer, sock=listener))
        if self.options["start"] == "stdin":
            say("starting")
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        self.ready = True

    def announce(self) -> None:
        say("started", os.getpid(), *(listener.getsockname()[1] for listener in self.listeners))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.row is not None:
            self.row[0] += 1
        writer.write(b"%d\n" % os.getpid())
        writer.close()

    def _step(self, name: str) -> None:
        say(name)
        if self.options["fail"] == name:
            raise RuntimeError("as told")

    def unready(self) -> None:
        self.ready = False
        self._step("unready")

    def stop_accepting(self) -> None:
        for server in self.servers:
            server.close()
        self._step("stop_accepting")

    async def drain(self) -> None:
        self._step("drain")
        if self.options["drain"] == "raise":
            raise RuntimeError("as told")
        if self.options["drain"] == "hang":
            try:
                await asyncio.Event().wait()
            finally:
                say("drain cancelled")

    def close(self) -> None:
        sockets.close_all(self.listeners)
        self._step("close")

    def reload(self) -> None:
        self._step("reload")


def run_one(options: dict[str, str]) -> int:
    daemon = Scripted(options)
    admin = None
    if int(options["admin"]) >= 0:
        row = MetricRow("scripted_up", "gauge", "Always 1.")
        admin = AdminServer(
            sockets.Address("127.0.0.1", int(options["admin"])),
            lambda: families((row,), {"scripted_up": 1}),
            lambda: (daemon.ready, "ready" if daemon.ready else "stopping"),
        )

    def announce() -> None:
        daemon.announce()
        if admin is not None:
            say("admin", admin.port)

    return run(daemon, drain_s=float(options["drain_s"]), admin=admin, on_started=announce)


def run_many(options: dict[str, str]) -> int:
    """Workers on one port, and one more process that prints the sum of their counters on SIGHUP."""
    count, drain_s = int(options["workers"]), float(options["drain_s"])
    shards = sockets.open_sharded([sockets.Address("127.0.0.1", int(options["port"]))], count)
    counters = SharedCounters(("connections",), count)

    def serve(context: WorkerContext) -> int:
        if options["exit_early"] == "yes" and context.number == count - 1:
            return 3
        daemon = Scripted(options, shards[context.number], counters.take_row(context.number))

        def on_started() -> None:
            context.on_started()
            daemon.announce()

        return run(daemon, drain_s=drain_s, lifeline_fd=context.lifeline_fd, on_started=on_started)

    class Reporter(Idle):
        def reload(self) -> None:
            say("total", counters.total("connections"))

    def report(context: WorkerContext) -> int:
        def on_started() -> None:
            context.on_started()
            say("reporter", os.getpid())

        return run(Reporter(), drain_s=drain_s, lifeline_fd=context.lifeline_fd, on_started=on_started)

    workers = [Worker(str(number), serve) for number in range(count)]
    try:
        return supervise([*workers, Worker("reporter", report)], drain_s=drain_s)
    finally:
        for shard in shards:
            sockets.close_all(shard)


def main() -> int:
    options = OPTIONS | dict(word.split("=", 1) for word in sys.argv[1:])
    log_setup.setup()
    return run_many(options) if int(options["workers"]) else run_one(options)


if __name__ == "__main__":
    sys.exit(main())
