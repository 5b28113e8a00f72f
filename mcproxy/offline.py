"""A configuration's tree without a network: servers answer as told, and the way of each request is written down."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mcproto.encode import END
from mcproxy.config.builder import ProxyConfig, build_document
from mcproxy.config.document import load
from mcproxy.config.environment import Environment
from mcproxy.config.fields import RouteFields
from mcproxy.config.jsonc import Object, line_of
from mcproxy.config.pools import Pools
from mcproxy.config.source import Reading, Source
from mcproxy.config.tree import TreeBuilder
from mcproxy.host_id import host_id
from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request import OP_CLASSES, Op, OpClass, Request
from mcproxy.routes.background import Background
from mcproxy.routes.base import Located, Pool, RouteHandle
from mcproxy.routes.buckets import Buckets
from mcproxy.routes.context import RouteContext, Timer, new_counters
from mcproxy.routes.prefix_selector import PrefixSelectorRoute
from mcproxy.tick import Tick
from mcproxy.upstream.destination import Destination, Location, Surroundings, TkoCount, UpstreamOptions
from mcproxy.upstream.destination_map import DestinationMap

HITS: dict[OpClass, Result] = {
    OpClass.GET: Result.FOUND,
    OpClass.UPDATE: Result.STORED,
    OpClass.DELETE: Result.DELETED,
    OpClass.ARITHMETIC: Result.STORED,
    OpClass.TOUCH: Result.TOUCHED,
    OpClass.ADMIN: Result.OK,
}
TEXTS: dict[Op, bytes] = {
    Op.GET: b"get %b\r\n",
    Op.SET: b"set %b 0 0 1\r\nx\r\n",
    Op.DELETE: b"delete %b\r\n",
    Op.INCR: b"incr %b 1\r\n",
    Op.TOUCH: b"touch %b 0\r\n",
}
OPERATIONS = {op.name.lower(): op for op in TEXTS}


@dataclass(frozen=True, slots=True)
class Step:
    """A route that a request came through, or the server at which it came out (`destination` is set then)."""

    depth: int
    kind: str
    path: str = ""
    line: int = 0
    pool: Pool | None = None
    hash_name: str = ""
    hashed: bytes = b""
    destination: str = ""
    bucket: int | None = None
    keyspace: str = ""


class Trace:
    """The steps of one request, in order."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.depth = 0
        self.reply = "hit"

    def visit(self, step: Step, go_on: Callable[[], None]) -> None:
        """Write the step down, and what happens below it."""
        self.steps.append(step)
        self.depth += 1
        go_on()
        self.depth -= 1


class OfflineTree:
    """The tree of a configuration, ready to be asked. `answer` is what the client read last. Raises ConfigError."""

    answer: _Answer

    def __init__(self, source: Source | Object, environment: Environment, options: UpstreamOptions) -> None:
        """Of a source that is read now, or of a document that is loaded."""
        self.trace = Trace()
        self.document = load(Reading(source), environment) if isinstance(source, Source) else source
        destinations = _OfflineDestinations(self.trace)
        self.config: ProxyConfig = build_document(
            self.document,
            destinations,
            options,
            offline_context(),
            environment,
            partial(_TracingBuilder, self.trace),
        )

    def way_of(self, key: bytes, op: Op, reply: str = "hit") -> list[Step]:
        """The steps of a request when every server answers with a `hit`, a `miss` or an `error`."""
        self.trace.steps, self.trace.reply = [], reply
        answer = self.answer = _Answer()
        self.config.root.route(Request(op, key, TEXTS[op] % key, answer))
        return self.trace.steps

    def place_of(self, key: bytes, op: Op) -> tuple[str, str]:
        """(pool, server) that a request comes to first; empty texts where there is none."""
        pool = ""
        for step in self.way_of(key, op):
            if step.pool is not None:
                pool = step.pool.name
            if step.destination:
                return pool, step.destination
        return pool, ""


class OfflineUpstreams(OfflineTree):
    """The tree over --upstream's servers."""

    def __init__(self, build: Callable[[DestinationMap], ProxyConfig]) -> None:
        self.trace = Trace()
        self.config = build(_OfflineDestinations(self.trace))


def offline_context() -> RouteContext:
    """For trees that are only looked at: timers never fire."""
    counters = new_counters()
    chance = random.Random(0)
    return RouteContext(
        now=time.monotonic,
        wall_time=time.time,
        call_later=lambda seconds, callback: _NeverTimer(),
        rng=chance.random,
        host_id=host_id(),
        worker=0,
        counters=counters,
        background=Background(counters),
    )


class _NeverTimer(Timer):
    def cancel(self) -> None:
        """Nothing is due."""


class _Answer:
    """Takes the reply at the end; `raw` is empty where a route waits for a timer."""

    def __init__(self) -> None:
        self.raw = b""

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        """Of a server it is made up."""
        self.raw = raw


class _OfflineDestination(Destination):
    """Answers at once: it is never ready, so `send` leaves every request to `_send_unready`."""

    __slots__ = ("trace",)

    trace: Trace

    def _send_unready(self, request: Request) -> None:
        trace = self.trace
        trace.visit(Step(trace.depth, "server", destination=self.name), lambda: None)
        op_class = OP_CLASSES[Op(request.op)]
        if trace.reply == "error":
            request.answer(Result.TIMEOUT, OUTCOMES[Result.TIMEOUT].line)
        elif trace.reply == "miss":
            result = Result.NOTSTORED if op_class is OpClass.UPDATE else Result.NOTFOUND
            request.answer(result, END if op_class is OpClass.GET else OUTCOMES[result].line)
        elif op_class is OpClass.GET:
            request.answer(Result.FOUND, b"VALUE %b 0 1\r\nx\r\nEND\r\n" % request.key)
        else:
            request.answer(HITS[op_class], OUTCOMES[HITS[op_class]].line)


class _OfflineDestinations(DestinationMap):
    def __init__(self, trace: Trace) -> None:
        self._offline = Surroundings(
            asyncio.AbstractEventLoop(),  # type: ignore[abstract]  # nobody asks it for anything
            Tick(lambda callback: None),
            TkoCount(),
        )
        super().__init__(self._offline)
        self._trace = trace
        self._made: dict[tuple[str, UpstreamOptions], Destination] = {}

    def get(self, name: str, location: Location, options: UpstreamOptions) -> Destination:
        key = (name, options)
        if key not in self._made:
            made = _OfflineDestination(name, location, options, self._offline)
            made.trace = self._trace
            self._made[key] = made
        return self._made[key]


class _TracingBuilder(TreeBuilder):
    """Puts a tracer before every route that the configuration names."""

    def __init__(self, trace: Trace, pools: Pools, named: Any, context: RouteContext) -> None:
        super().__init__(pools, named, context)
        self._trace = trace

    def finished(self, handle: RouteHandle, fields: RouteFields) -> RouteHandle:
        if isinstance(handle, PrefixSelectorRoute):
            return handle  # known by its type to the route above it
        pool = fields.pool("pool") if fields.has("pool") else None
        hash_name = fields.hash("hash", pool.default_hash)[0] if pool else ""
        if fields.kind == "HashRoute":
            hash_name = fields.hash("", "Ch3")[0]
        start = partial(Step, kind=fields.kind, path=fields.path, line=line_of(fields.origin), pool=pool)
        buckets = Buckets.of(fields) if fields.kind == "PoolRoute" else None
        return _Traced(handle, self._trace, partial(start, hash_name=hash_name), buckets)


class _Traced(RouteHandle):
    __slots__ = ("_buckets", "_handle", "_step", "_trace", "member_of")

    def __init__(self, handle: RouteHandle, trace: Trace, step: Callable[..., Step], buckets: Buckets | None) -> None:
        """`step` is a step through the handle, but for the request."""
        self._handle = handle
        self._trace = trace
        self._step = step
        self._buckets = buckets
        self.member_of = handle.member_of  # type: ignore[method-assign]

    def route(self, request: Request) -> None:
        step, buckets = self._step(self._trace.depth, hashed=bytes(request.key)), self._buckets
        if buckets is not None:
            step = replace(step, bucket=buckets.bucket_of(request.key), keyspace=buckets.keyspace)
        self._trace.visit(step, lambda: self._handle.route(request))

    def locate(self, keys: Sequence[bytes]) -> Located:
        return self._handle.locate(keys)

    def destinations(self) -> Sequence[Destination]:
        return self._handle.destinations()
