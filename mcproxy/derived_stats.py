"""Statistics that are made of others: rates, mean durations, and what was sent for each command. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from mcproxy.durations import MEANS
from mcproxy.stats import OPERATION_NAMES, RATED, RATES


def derived_stats(totals: Mapping[str, int]) -> dict[str, float]:
    """By mcrouter's names, from every column over all workers; rates are per second, over the last minutes."""
    rates = {name: totals[RATES[name]] / 1000 for name in RATED}
    shown = {name.removesuffix("_count"): rate for name, rate in rates.items() if name.endswith("_count")}
    shown["asynclog_requests_rate"] = rates["asynclog_requests"]
    asked = {name: rates[f"cmd_{name}_count"] for name in OPERATION_NAMES.values()}
    for mean, (us, count) in MEANS.items():
        shown[mean] = _ratio(rates[us], rates[count])
    shown["processing_time_us"] = _ratio(rates["cpu_us"], sum(asked.values()))
    return {name: round(value, 3) for name, value in (shown | _sent(asked, rates["request_sent_count"])).items()}


def _sent(asked: Mapping[str, float], sent: float) -> dict[str, float]:
    """Servers' requests by command. Nobody counts those: they are spread as the clients' own requests are.

    `_out` are first-hand, so no more than clients have asked for; `_out_all` are all, with every copy.
    """
    share = _ratio(sent, sum(asked.values()))
    first_hand = {f"cmd_{name}_out": rate * min(share, 1.0) for name, rate in asked.items()}
    return first_hand | {f"cmd_{name}_out_all": rate * share for name, rate in asked.items()}


def _ratio(value: float, count: float) -> float:
    return value / count if count else 0.0
