"""Options of the connections to clients and servers; those of every day are in settings.py."""

from __future__ import annotations

from dataclasses import dataclass

from mcdaemon.option_values import integer, one_of
from mcdaemon.options import FieldError, option

ON_UNAVAILABLE = ("error", "miss", "next")


@dataclass(frozen=True, kw_only=True)
class WireOptions:
    """Durations are in milliseconds."""

    on_unavailable: str = option(
        "error",
        "--on-unavailable",
        metavar="error|miss|next",
        parse=one_of(*ON_UNAVAILABLE),
        help="what clients see while an --upstream server is away; next: another one, with a short TTL",
    )
    client_timeout: int = option(
        1000,
        "--client-timeout",
        metavar="MS",
        parse=integer(0),
        help="a client that takes none of its replies for so long is dropped (0: never)",
    )
    max_conns: int = option(
        0,
        "--max-conns",
        metavar="N",
        parse=integer(0),
        help="connections from which on one more client ends the longest idle one (0: never, 1: what files allow)",
    )
    target_max_inflight_requests: int = option(
        0,
        "--target-max-inflight-requests",
        metavar="N",
        parse=integer(0),
        help="of one server; more wait for their turn (0: no limit)",
    )
    target_max_pending_requests: int = option(
        100_000,
        "--target-max-pending-requests",
        metavar="N",
        parse=integer(0),
        help="that wait so; more are answered busy",
    )
    proxy_max_inflight_requests: int = option(
        0,
        "--proxy-max-inflight-requests",
        metavar="N",
        parse=integer(0),
        help="clients' requests under way in one worker; more wait for their turn (0: no limit)",
    )
    proxy_max_throttled_requests: int = option(
        0,
        "--proxy-max-throttled-requests",
        metavar="N",
        parse=integer(0),
        help="that wait so; more are answered busy (0: no limit)",
    )
    waiting_request_timeout_ms: int = option(
        0,
        "--waiting-request-timeout-ms",
        metavar="MS",
        parse=integer(0),
        help="one that has waited so for longer is answered busy (0: never)",
    )
    reset_inactive_connection_interval: int = option(
        60_000,
        "--reset-inactive-connection-interval",
        metavar="MS",
        parse=integer(0),
        help="a connection to a server that is idle for so long is closed (0: never)",
    )
    single_flight: bool = option(
        False,
        "--single-flight",
        help="send identical gets that are under way to a server once; a reply can be one round trip older",
    )
    allow_stale: bool = option(
        False,
        "--allow-stale",
        help="--single-flight with several processes: a get may miss a write that another one has acknowledged",
    )

    def refuse_stale(self, num_proxies: int) -> None:
        """Raises FieldError where single-flight would need to know of other processes' writes."""
        if self.single_flight and num_proxies > 1 and not self.allow_stale:
            raise FieldError("single_flight", "several processes do not see each other's writes: add --allow-stale")
