"""How servers are treated, and what all of a process's destinations share."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from mcproxy.tick import Tick
from mcproxy.upstream.arrivals import Arrivals
from mcproxy.upstream.location import KeepAlive
from mcproxy.upstream.single_flight import Flights
from mcproxy.upstream.tko import FailOpenBounds, FailOpens, TkoCount
from mcproxy.upstream.tls import ClientTls


@dataclass(frozen=True, slots=True)
class UpstreamOptions:
    """How servers are treated. Durations in seconds; `timeouts_until_tko` counts timeouts in a row."""

    timeout_s: float = 1.0
    connect_timeout_s: float = 1.0
    timeouts_until_tko: int = 3
    tko_enabled: bool = True
    probe_initial_s: float = 0.1
    probe_max_s: float = 0.6
    inflight_max: int = 0
    """Requests on their way, 0 for any number; `pending_max` more wait for their turn."""
    pending_max: int = 100_000
    single_flight: bool = False
    keepalive: KeepAlive | None = None
    fail_open: FailOpenBounds | None = None
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all destinations of a process share."""

    loop: asyncio.AbstractEventLoop
    tick: Tick
    tko_count: TkoCount
    on_unreachable: Callable[[], None] = lambda: None
    """Told when a server cannot be connected to or has hung up: its name may lead elsewhere by now."""
    rng: Callable[[], float] = random.random
    flights: dict[str, Flights] = field(default_factory=dict)
    """Gets that others may join, by the server's name."""
    fail_opens: FailOpens = field(default_factory=FailOpens)
    client_tls: Callable[[], ClientTls] = ClientTls
    """What connections to servers with TLS are made with."""
    arrivals: Arrivals = field(default_factory=Arrivals)
