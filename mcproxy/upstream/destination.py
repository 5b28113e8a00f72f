"""One server as this process reaches it: its connection, its health, its counters.

    send ──ready──► connection.out, FIFO ──tick──► one write
         └─not ready: connecting or stalled ► held, bounded · taken out ► error at once

A destination outlives the route trees that use it. It connects when the first request comes, and a new
address is a new connection, while the old one is still listened to until it has answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from mcdaemon.tls import failure_text
from mcproxy.outcome import OUTCOMES, Result, error_line, result_name
from mcproxy.request import Op, Request
from mcproxy.upstream.connection import CLOSED_BY_SERVER, State, UpstreamConnection
from mcproxy.upstream.location import KeepAlive as KeepAlive
from mcproxy.upstream.location import Location as Location
from mcproxy.upstream.opening import open_connection
from mcproxy.upstream.options import Surroundings as Surroundings
from mcproxy.upstream.options import UpstreamOptions as UpstreamOptions
from mcproxy.upstream.probe_schedule import ProbeSchedule
from mcproxy.upstream.single_flight import SingleFlight
from mcproxy.upstream.throttle import Throttle
from mcproxy.upstream.tko import Health, TkoTracker
from mcproxy.upstream.tko import TkoCount as TkoCount

log = logging.getLogger(__name__)

HELD_BYTES_MAX = 64 << 20
HELD_REQUESTS_MAX = 100_000
"""What may wait for a server that is connecting or does not read; beyond, requests are answered busy."""

_LATENCY_WEIGHT = 1 / 16


class Destination:
    """`send` takes a request; its reply, good or bad, always comes through the request's waiter.

    `results[result]` counts replies by outcome.Result; `latency_s` is a moving average.
    """

    __slots__ = (
        "_closing",
        "_connect_task",
        "_connection",
        "_flushable",
        "_out",
        "_probe_timer",
        "_probing",
        "_ready",
        "_schedule",
        "_sent_at_last_look",
        "_shared",
        "_slots_append",
        "_throttle",
        "_tick_add",
        "latency_s",
        "location",
        "name",
        "options",
        "results",
        "send",
        "single_flight",
        "tracker",
    )

    def __init__(self, name: str, location: Location, options: UpstreamOptions, shared: Surroundings) -> None:
        self.name: Final = name
        self.location = location
        self.options: Final = options
        pool = shared.fail_opens.of(options.fail_open)
        self.tracker = TkoTracker(options.timeouts_until_tko, options.tko_enabled, pool)
        self.tracker.join(self._refresh_ready)
        self.results = [0] * len(Result)
        self.latency_s = 0.0
        self._shared = shared
        self._tick_add = shared.tick.add
        self._schedule = ProbeSchedule(options.probe_initial_s, options.probe_max_s)
        self._connection: UpstreamConnection | None = None
        self._connect_task: asyncio.Task[None] | None = None
        self._probe_timer: asyncio.TimerHandle | None = None
        self._probing = False
        self._closing = False
        self._ready = False  # connected, not taken out, and the server reads what we send
        # the connection's parts that `send` needs, set with the connection and not used before
        self._flushable: UpstreamConnection
        self._out: list[bytes]
        self._slots_append: Callable[[Request | None], None]
        self._sent_at_last_look = 0
        self._throttle: Throttle | None = None
        self.single_flight: SingleFlight | None = None
        self.send: Final = self._entrance()

    def _entrance(self) -> Callable[[Request], None]:
        """What routes call: the way without limits is not a call longer for those there can be."""
        options, send = self.options, self._send
        if options.inflight_max:
            self._throttle = Throttle(
                send,
                options.inflight_max,
                options.pending_max,
                timeout_s=options.timeout_s,
                now=self._shared.loop.time,
                call_later=self._shared.loop.call_later,
                results=self.results,
            )
            send = self._throttle.send
        if options.single_flight:
            self.single_flight = SingleFlight(send, self._shared.flights.setdefault(self.name, {}))
            send = self.single_flight.send
        return send

    # what the routes and the statistics see

    def _send(self, request: Request) -> None:
        """Queue the request for this turn's flush, or answer it with an error."""
        if self._ready:
            out = self._out
            if not out:
                self._tick_add(self._flushable)
            out.append(request.text)
            self._slots_append(request)
        else:
            self._send_unready(request)

    @property
    def state(self) -> str:
        """`new` before the first connection, `up`, `down` (taken out), `closed` (idle, opens on demand)."""
        if self.tracker.is_tko:
            return "down"
        if self._connection is not None and self._connection.state is State.OPEN:
            return "up"
        return "closed" if any(self.results) else "new"

    @property
    def inflight_count(self) -> int:
        """Requests written and not answered."""
        connection = self._connection
        return len(connection.inflight.slots) - len(connection.inflight.out) if connection else 0

    @property
    def pending_count(self) -> int:
        """Requests not yet written."""
        waiting = len(self._throttle.pending) if self._throttle else 0
        return waiting + (len(self._connection.inflight.out) if self._connection else 0)

    @property
    def connection(self) -> UpstreamConnection | None:
        """The connection of now."""
        return self._connection

    def move(self, location: Location) -> None:
        """The server has a new address: connect there; what the old connection owes is still taken."""
        if location == self.location:
            return
        log.info("%s: now at %s, was %s", self.name, location, self.location)
        self.location = location
        connection, self._connection = self._connection, None
        self._refresh_ready()
        if connection is not None:
            if connection.state is State.OPEN:
                connection.leave()
            else:
                connection.abort("moved")
        if self.tracker.is_tko:
            self._schedule.reset()
            self._schedule_probe(at_once=True)

    def close_if_idle(self) -> None:
        """Close a connection that has done nothing since the last call; the next request opens another."""
        connection = self._connection
        if connection is None or connection.state is not State.OPEN:
            return
        inflight = connection.inflight
        sent, self._sent_at_last_look = self._sent_at_last_look, inflight.sent
        if inflight.slots or inflight.sent != sent or self.tracker.is_tko:
            return
        self._connection = None
        self._refresh_ready()
        connection.leave()

    def retire(self) -> None:
        """No route leads here any more: close when everything is answered."""
        if self.tracker.is_tko:
            log.info("%s was TKO, removed from config", self.name)
            self._count_health(-1)
        self.close(drain=True)

    def close(self, drain: bool = False) -> None:
        """End timers and connection; with `drain` requests in flight are answered first."""
        self.tracker.leave(self._refresh_ready)
        self._closing = True
        if self._probe_timer is not None:
            self._probe_timer.cancel()
            self._probe_timer = None
        if self._throttle is not None and not drain:
            self._throttle.close()
        if self._connection is None:
            return
        if drain and self._connection.state is State.OPEN:
            self._connection.leave()
        else:
            self._connection.abort("closing")

    # the slow half of send

    def _send_unready(self, request: Request) -> None:
        if self.tracker.is_refusing:
            self.results[Result.TKO] += 1
            request.answer(Result.TKO, self._tko_line())
            return
        connection = self._connection or self._connect()
        if len(connection.inflight.out) >= HELD_REQUESTS_MAX or connection.held_bytes > HELD_BYTES_MAX:
            self.results[Result.BUSY] += 1
            request.answer(Result.BUSY, OUTCOMES[Result.BUSY].line)
            return
        connection.hold(request, self._shared.tick)

    def _tko_line(self) -> bytes:
        return error_line(f"Server unavailable. Reason: {result_name(self.tracker.cause)}")

    def _connect(self) -> UpstreamConnection:
        connection = UpstreamConnection(self, self._shared.loop, self.options.timeout_s, self._shared.arrivals)
        connection.is_leaving = self._closing  # a latecomer from an old tree
        self._connection = self._flushable = connection
        self._out, self._slots_append = connection.inflight.out, connection.inflight.slots.append
        self._connect_task = self._shared.loop.create_task(self._open(connection))
        return connection

    async def _open(self, connection: UpstreamConnection) -> None:
        try:
            await open_connection(connection, self.location, self.options, self._shared)
        except TimeoutError:
            self._on_connect_failure(connection, Result.CONNECT_TIMEOUT, "no answer in time")
        except OSError as error:
            self._on_connect_failure(connection, Result.CONNECT_ERROR, failure_text(error))
        except ValueError as error:  # of a name that cannot be looked up
            self._on_connect_failure(connection, Result.CONNECT_ERROR, str(error))

    def _on_connect_failure(self, connection: UpstreamConnection, result: Result, reason: str) -> None:
        if connection is self._connection:
            self._connection = None
            self._note_failure(result, reason)
            self._shared.on_unreachable()
        if result is Result.CONNECT_TIMEOUT:
            line = error_line(f"Timed out when trying to connect to server. Ex: {reason}")
        else:
            line = error_line(f"AsyncSocketException: connect failed: {reason}")
        sent, unsent = connection.inflight.take_all()
        connection.fail(reason)
        for request in (*sent, *unsent):
            self.results[result] += 1
            request.answer(result, line)

    # what the connection tells

    def on_connected(self, connection: UpstreamConnection) -> None:
        if connection is self._connection:
            self._refresh_ready()

    def on_writable(self, connection: UpstreamConnection, writable: bool) -> None:
        if connection is self._connection:
            self._refresh_ready()

    def on_timeouts(self, connection: UpstreamConnection, count: int) -> None:
        for _ in range(count):
            self._note_failure(Result.TIMEOUT, "no reply in time")

    def on_answered_again(self) -> None:
        self.tracker.on_success()

    def on_latency(self, seconds: float) -> None:
        self.latency_s += (seconds - self.latency_s) * (_LATENCY_WEIGHT if self.latency_s else 1.0)

    def on_closed(
        self, connection: UpstreamConnection, reason: str, sent: list[Request], unsent: list[Request]
    ) -> None:
        """Sent requests fail; unsent ones go over a new connection. An idle close is no failure."""
        if connection is self._connection:
            self._connection = None
            self._refresh_ready()
            if connection.reason or sent:
                # one of mcrouter's rules: any way to lose a connection in use takes the server out
                self._note_failure(Result.CONNECT_ERROR, connection.reason or reason)
            if not self._closing:
                self._shared.on_unreachable()
        for request in sent:
            self.results[Result.REMOTE_ERROR] += 1
            request.answer(Result.REMOTE_ERROR, CLOSED_BY_SERVER)
        for request in unsent:
            if self._closing:
                request.answer(Result.ABORTED, OUTCOMES[Result.ABORTED].line)
            else:
                (self._connection or self._connect()).hold(request, self._shared.tick)

    # health

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        """A probe's reply."""
        self._probing = False
        if not self.tracker.is_tko or self._closing:
            return
        if result == Result.OK:
            self._count_health(-1)
            self.tracker.on_probe_success()
            self._schedule.reset()
            log.info("%s unmarked TKO. %s", self.name, self._totals())
            self._refresh_ready()
            return
        if result == Result.TIMEOUT and self._connection is not None:
            self._connection.abort("a probe was not answered")
        self._schedule_probe()

    def _refresh_ready(self) -> None:
        connection = self._connection
        self._ready = connection is not None and connection.is_writable and not self.tracker.is_refusing

    def _note_failure(self, result: Result, reason: str) -> None:
        before = self.tracker.health
        if self._closing or not self.tracker.on_failure(result):
            return
        if before is not Health.UP:
            self._count(before, -1)
        self._count_health(1)
        self._refresh_ready()
        log.warning(
            "%s marked %s TKO. %s Reply: %s (%s)",
            self.name,
            self.tracker.health.value,
            self._totals(),
            result_name(result),
            reason,
        )
        self._schedule_probe()

    def _count_health(self, change: int) -> None:
        self._count(self.tracker.health, change)

    def _count(self, health: Health, change: int) -> None:
        if health is Health.HARD:
            self._shared.tko_count.hard += change
        else:
            self._shared.tko_count.soft += change

    def _totals(self) -> str:
        count = self._shared.tko_count
        return f"Total hard TKOs: {count.hard}; soft TKOs: {count.soft}."

    def _schedule_probe(self, at_once: bool = False) -> None:
        if self._closing or self._probing:
            return
        if self._probe_timer is not None:
            if not at_once:
                return
            self._probe_timer.cancel()
        delay_s = 0.0 if at_once else self._schedule.next_delay(self._shared.rng())
        self._probe_timer = self._shared.loop.call_later(delay_s, self._probe)

    def _probe(self) -> None:
        self._probe_timer = None
        self._probing = True
        connection = self._connection or self._connect()
        connection.hold(Request(Op.VERSION, b"", b"version\r\n", self), self._shared.tick)
