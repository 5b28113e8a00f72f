"""The proxy's counters: one table gives their places in shared memory, `stats`, and the metrics.

On the hot path counters are plain lists of one process (service.py, destination.py). `publish` copies them
into this worker's row of shared memory, once a second and before they are shown here; whoever shows them
sums the rows of all workers. Rates are columns too: each worker's own over its last minutes, so that they add up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from mcdaemon.shared_counters import SharedCounters
from mcproxy.durations import SUMS, Durations
from mcproxy.outcome import FIRST_ERROR, Result
from mcproxy.rate_window import RateWindow
from mcproxy.request import Op
from mcproxy.routes.context import ROUTE_COUNTERS
from mcproxy.routes.context import new_counters as new_route_counters
from mcproxy.service import Service
from mcproxy.upstream.destination import Destination

OPERATIONS = tuple(op for op in Op if op is not Op.VERSION)
OPERATION_NAMES = {op: op.name.lower().replace("meta_", "meta").replace("flush_", "flush") for op in OPERATIONS}

# mcrouter's words for groups of error results
ERROR_GROUPS: dict[str, tuple[Result, ...]] = {
    "error": tuple(result for result in Result if result >= FIRST_ERROR),
    "busy": (Result.BUSY,),
    "tko": (Result.TKO,),
    "connect_error": (Result.CONNECT_ERROR,),
    "connect_timeout": (Result.CONNECT_TIMEOUT,),
    "data_timeout": (Result.TIMEOUT,),
    "client_error": (Result.CLIENT_ERROR, Result.BAD_KEY, Result.BAD_COMMAND),
    "local_error": (Result.LOCAL_ERROR,),
    "remote_error": (Result.REMOTE_ERROR,),
}
REFUSALS = ("binary", "tls", "http", "malformed", "unread", "handshake", "idle")

# Columns of a worker's row. `_all` counts what came back from servers.
COUNTERS = (
    *(f"cmd_{name}_count" for name in OPERATION_NAMES.values()),
    *(f"result_{group}_count" for group in ERROR_GROUPS),
    *(f"result_{group}_all_count" for group in ERROR_GROUPS),
    *(f"refused_{why}" for why in REFUSALS),
    "request_sent_count",
    "request_replied_count",
    "request_success_count",
    "request_error_count",
    "config_failures",
    "single_flight_joined_count",
    "asynclog_requests",
    *ROUTE_COUNTERS,
    *SUMS,
)
RATED = (
    *(name for name in COUNTERS if name.startswith(("cmd_", "result_", "request_"))),
    "asynclog_requests",
    *SUMS,
)
RATES = {name: f"{name}_per_1000_s" for name in RATED}
"""The column of a counter's rate."""
GAUGES = (
    *RATES.values(),
    "num_client_connections",
    "proxy_reqs_processing",
    "proxy_reqs_waiting",
    "num_servers",
    "num_servers_new",
    "num_servers_up",
    "num_servers_down",
    "num_servers_closed",
    "num_suspect_servers",
    "destination_pending_reqs",
    "destination_inflight_reqs",
    "config_last_attempt",
    "config_last_success",
    "configs_from_disk",
    "pid",
    "ready",
)
# Not sums over workers, but the greatest.
_MAXIMA = frozenset({name for name in GAUGES if name.startswith(("num_servers", "num_suspect", "config"))})


def new_counters(workers: int) -> SharedCounters:
    """The shared memory behind COUNTERS and GAUGES; to be made before workers are forked."""
    return SharedCounters((*COUNTERS, *GAUGES), workers, gauges=GAUGES)


class Stats:
    """One worker's row and the sums of all."""

    def __init__(self, counters: SharedCounters, worker: int, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is a steady clock, in seconds."""
        self.counters = counters
        self._now = now
        self._window = RateWindow(len(RATED), now())
        self._durations = Durations()
        self._row = counters.take_row(worker)
        self._before = {name: self._row[counters.column(name)] for name in COUNTERS}
        self._removed = [0] * len(Result)  # results of destinations that are gone
        self._removed_joined = 0
        self.route_counters = new_route_counters()  # this worker's trees count here
        self.config_failures = 0
        self.config_last_attempt = 0
        self.config_last_success = 0
        self.configs_from_disk = 0  # 1 while an older configuration is in force than the one given
        self.waiting: Callable[[], int] = lambda: 0  # clients' requests that no route has seen yet

    def on_removed(self, destination: Destination) -> None:
        """Its counters stay in the sums."""
        for result, count in enumerate(destination.results):
            self._removed[result] += count
        self._removed_joined += _joined(destination)

    def publish(self, service: Service, destinations: Iterable[Destination], pid: int, ready: bool) -> None:
        """Bring this worker's row up to date."""
        column, row = self.counters.column, self._row
        destinations = list(destinations)
        counts = {**self._counts(service, destinations), **self._durations.sums(destinations)}
        for name, value in counts.items():
            row[column(name)] = self._before[name] + value
        rates = self._window.rates([counts.get(name, 0) for name in RATED], self._now())
        for name, rate in zip(RATED, rates, strict=True):
            row[column(RATES[name])] = rate
        for name, value in self._gauges(service, destinations).items():
            row[column(name)] = value
        row[column("pid")] = pid
        row[column("ready")] = ready

    def _counts(self, service: Service, destinations: list[Destination]) -> dict[str, int]:
        replies = list(self._removed)
        for destination in destinations:
            replies = [a + b for a, b in zip(replies, destination.results, strict=True)]
        asked, errors = sum(service.commands[op] for op in OPERATIONS), service.errors
        failed = sum(errors)
        waiting = sum(destination.inflight_count for destination in destinations)
        answered, waiting_clients = sum(replies), self._processing(service)
        return {
            **{f"cmd_{name}_count": service.commands[op] for op, name in OPERATION_NAMES.items()},
            **{f"result_{g}_count": sum(errors[r] for r in rs) for g, rs in ERROR_GROUPS.items()},
            **{f"result_{g}_all_count": sum(replies[r] for r in rs) for g, rs in ERROR_GROUPS.items()},
            **{f"refused_{why}": service.refused.get(why, 0) for why in REFUSALS},
            "request_sent_count": answered - replies[Result.TKO] - replies[Result.BUSY] + waiting,
            "request_replied_count": max(asked - waiting_clients, failed),
            "request_success_count": max(asked - waiting_clients - failed, 0),
            "request_error_count": failed,
            "config_failures": self.config_failures,
            "single_flight_joined_count": self._removed_joined + sum(map(_joined, destinations)),
            **self.route_counters,
        }

    @staticmethod
    def _processing(service: Service) -> int:
        return sum(client.outstanding for client in service.connections)

    def _gauges(self, service: Service, destinations: list[Destination]) -> dict[str, int]:
        states = [destination.state for destination in destinations]
        return {
            "num_client_connections": len(service.connections),
            "proxy_reqs_processing": self._processing(service),
            "proxy_reqs_waiting": self.waiting(),
            "num_servers": len(destinations),
            **{f"num_servers_{state}": states.count(state) for state in ("new", "up", "down", "closed")},
            "num_suspect_servers": sum(destination.tracker.failures > 0 for destination in destinations),
            "destination_pending_reqs": sum(destination.pending_count for destination in destinations),
            "destination_inflight_reqs": sum(destination.inflight_count for destination in destinations),
            "config_last_attempt": self.config_last_attempt,
            "config_last_success": self.config_last_success,
            "configs_from_disk": self.configs_from_disk,
        }

    @staticmethod
    def totals_of(counters: SharedCounters) -> Mapping[str, int]:
        """Every column over all workers."""
        return {
            name: max(counters.values(name)) if name in _MAXIMA else total for name, total in counters.totals().items()
        }


def _joined(destination: Destination) -> int:
    """Gets that were answered by another's reply."""
    return destination.single_flight.joined if destination.single_flight is not None else 0
