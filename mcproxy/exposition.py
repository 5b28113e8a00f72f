"""METRICS: what /metrics shows, by the names of mcrouter_exporter; a few of our own where it has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from mcdaemon.metrics import MetricRow, Values, families, process_families
from mcproxy.admin import View
from mcproxy.derived_stats import derived_stats
from mcproxy.outcome import Result
from mcproxy.routes.context import ROUTE_COUNTERS
from mcproxy.snapshot import ServerSnapshot
from mcproxy.stats import ERROR_GROUPS, OPERATION_NAMES, REFUSALS
from mcproxy.upstream.tko import Health

if TYPE_CHECKING:
    from prometheus_client import Metric

METRICS = (
    MetricRow("mcrouter_up", "gauge", "Always 1: the proxy answers for itself."),
    MetricRow("mcrouter_start_time_seconds", "counter", "Start, in seconds of Unix time."),
    MetricRow("mcrouter_version", "gauge", "Always 1; the label says what runs.", ("version",)),
    MetricRow("mcrouter_commandargs", "gauge", "Always 1; the label is the command line.", ("commandargs",)),
    MetricRow("mcrouter_commands", "gauge", "Requests of clients a second, by command.", ("cmd",)),
    MetricRow("mcrouter_command_count", "counter", "Requests of clients, by command.", ("cmd",)),
    MetricRow("mcrouter_command_out", "gauge", "Requests to servers a second, without copies.", ("cmd",)),
    MetricRow("mcrouter_command_out_all", "gauge", "Requests to servers a second.", ("cmd",)),
    MetricRow("mcrouter_results", "gauge", "Errors sent to clients a second, by kind.", ("reply",)),
    MetricRow("mcrouter_result_all", "gauge", "Errors that came from servers a second, by kind.", ("reply",)),
    MetricRow("mcrouter_request", "gauge", "Requests a second, by what became of them.", ("type",)),
    MetricRow("mcrouter_duration_us", "gauge", "Mean time until servers reply, in microseconds."),
    MetricRow("mcrouter_result_count", "counter", "Errors sent to clients, by kind.", ("reply",)),
    MetricRow("mcrouter_result_all_count", "counter", "Errors that came from servers, by kind.", ("reply",)),
    MetricRow("mcrouter_request_count", "counter", "Requests, by what became of them.", ("type",)),
    MetricRow("mcrouter_config_failures", "counter", "Configurations that were refused."),
    MetricRow("mcrouter_config_last_attempt", "gauge", "Last reading of a configuration, Unix time."),
    MetricRow("mcrouter_config_last_success", "gauge", "Last configuration put in force, Unix time."),
    MetricRow("mcrouter_dev_null_requests", "counter", "Requests that a DevNullRoute took."),
    MetricRow("mcrouter_asynclog_requests", "counter", "Deletes that were spooled."),
    MetricRow("mcrouter_asynclog_requests_rate", "gauge", "Deletes that were spooled a second."),
    MetricRow("mcrouter_proxy_reqs_processing", "gauge", "Requests of clients without their reply."),
    MetricRow("mcrouter_proxy_reqs_waiting", "gauge", "Requests not yet written to a server."),
    MetricRow("mcrouter_clients", "gauge", "Client connections."),
    MetricRow("mcrouter_num_client_connections", "gauge", "Client connections."),
    MetricRow("mcrouter_servers", "gauge", "Servers, by state.", ("state",)),
    MetricRow("mcrouter_cpu_seconds_total", "counter", "User and system CPU time, in seconds."),
    MetricRow("mcrouter_resident_memory_bytes", "gauge", "Resident memory, in bytes."),
    MetricRow("mcrouter_virtual_memory_bytes", "gauge", "Virtual memory, in bytes."),
    MetricRow("mcrouter_server_duration_us", "gauge", "Mean time to a reply, in microseconds.", ("server",)),
    MetricRow("mcrouter_server_proxy_reqs_processing", "gauge", "Requests not yet written.", ("server",)),
    MetricRow("mcrouter_server_proxy_reqs_waiting", "gauge", "Requests without their reply.", ("server",)),
    MetricRow("mcrouter_server_memcached_soft_tko", "gauge", "1 while out for timeouts.", ("server",)),
    MetricRow("mcrouter_server_memcached_hard_tko", "gauge", "1 while out, not reachable.", ("server",)),
    MetricRow("mcproxy_route_events_total", "counter", "What routes did beside choosing, by what.", ("event",)),
    MetricRow("mcproxy_clients_refused_total", "counter", "Client connections closed, by why.", ("why",)),
)

SERVER_RESULTS = {
    "found": Result.FOUND,
    "not_found": Result.NOTFOUND,
    "stored": Result.STORED,
    "not_stored": Result.NOTSTORED,
    "deleted": Result.DELETED,
    "touched": Result.TOUCHED,
    "exists": Result.EXISTS,
    "remote_error": Result.REMOTE_ERROR,
    "connect_timeout": Result.CONNECT_TIMEOUT,
    "timeout": Result.TIMEOUT,
}

SERVER_METRICS = tuple(
    MetricRow(f"mcrouter_server_memcached_{name}_count", "counter", f"Replies: {name}.", ("server",))
    for name in SERVER_RESULTS
)

_STATES = ("new", "up", "down", "closed")
_REQUESTS = ("error", "replied", "sent", "success")
_EXPORTED_GROUPS = ("busy", "connect_error", "connect_timeout", "data_timeout", "error", "local_error", "tko")


def collect(view: View) -> Iterator[Metric]:
    """One scrape, over all workers."""
    yield from families((*METRICS, *SERVER_METRICS), {**_values(view), **_server_values(view)})
    yield from process_families(view.pids(), prefix="mcproxy_")


def _values(view: View) -> Values:
    totals, facts = view.totals(), view.facts
    process = {sample.name: sample.value for family in process_families(view.pids()) for sample in family.samples}
    assert set(_EXPORTED_GROUPS) <= ERROR_GROUPS.keys()
    return {
        "mcrouter_up": 1,
        "mcrouter_start_time_seconds": facts.started_at,
        "mcrouter_version": {(facts.version,): 1},
        "mcrouter_commandargs": {(facts.command_line,): 1},
        "mcrouter_command_count": {(n,): totals[f"cmd_{n}_count"] for n in OPERATION_NAMES.values()},
        "mcrouter_result_count": {(g,): totals[f"result_{g}_count"] for g in _EXPORTED_GROUPS},
        "mcrouter_result_all_count": {(g,): totals[f"result_{g}_all_count"] for g in _EXPORTED_GROUPS},
        "mcrouter_request_count": {(kind,): totals[f"request_{kind}_count"] for kind in _REQUESTS},
        **_rates(derived_stats(totals)),
        **{
            f"mcrouter_{name}": totals[name]
            for name in (
                "config_failures",
                "config_last_attempt",
                "config_last_success",
                "dev_null_requests",
                "asynclog_requests",
                "proxy_reqs_processing",
                "num_client_connections",
            )
        },
        "mcrouter_proxy_reqs_waiting": totals["proxy_reqs_waiting"] + totals["destination_pending_reqs"],
        "mcrouter_clients": totals["num_client_connections"],
        "mcrouter_servers": {(state,): totals[f"num_servers_{state}"] for state in _STATES},
        "mcrouter_cpu_seconds_total": process.get("process_cpu_seconds_total", 0.0),
        "mcrouter_resident_memory_bytes": process.get("process_resident_memory_bytes", 0.0),
        "mcrouter_virtual_memory_bytes": process.get("process_virtual_memory_bytes", 0.0),
        "mcproxy_route_events_total": {(name,): totals[name] for name in ROUTE_COUNTERS},
        "mcproxy_clients_refused_total": {(why,): totals[f"refused_{why}"] for why in REFUSALS},
    }


def _rates(derived: Mapping[str, float]) -> Values:
    commands = OPERATION_NAMES.values()
    return {
        "mcrouter_commands": {(name,): derived[f"cmd_{name}"] for name in commands},
        "mcrouter_command_out": {(name,): derived[f"cmd_{name}_out"] for name in commands},
        "mcrouter_command_out_all": {(name,): derived[f"cmd_{name}_out_all"] for name in commands},
        "mcrouter_results": {(group,): derived[f"result_{group}"] for group in _EXPORTED_GROUPS},
        "mcrouter_result_all": {(group,): derived[f"result_{group}_all"] for group in _EXPORTED_GROUPS},
        "mcrouter_request": {(kind,): derived[f"request_{kind}"] for kind in _REQUESTS},
        "mcrouter_duration_us": derived["duration_us"],
        "mcrouter_asynclog_requests_rate": derived["asynclog_requests_rate"],
    }


def _server_values(view: View) -> Values:
    servers = view.servers()
    if not servers:
        return {}

    def each(value: Iterable[float]) -> dict[tuple[str, ...], float]:
        return {(name,): number for name, number in zip(servers, value, strict=True)}

    seen: list[ServerSnapshot] = list(servers.values())
    return {
        "mcrouter_server_duration_us": each(s.latency_us for s in seen),
        "mcrouter_server_proxy_reqs_processing": each(s.pending for s in seen),
        "mcrouter_server_proxy_reqs_waiting": each(s.inflight for s in seen),
        "mcrouter_server_memcached_soft_tko": each(s.health == Health.SOFT.value for s in seen),
        "mcrouter_server_memcached_hard_tko": each(s.health == Health.HARD.value for s in seen),
        **{
            f"mcrouter_server_memcached_{name}_count": each(s.results[result] for s in seen)
            for name, result in SERVER_RESULTS.items()
        },
    }
