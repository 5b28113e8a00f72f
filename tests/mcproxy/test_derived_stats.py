import pytest

from mcproxy.derived_stats import derived_stats
from mcproxy.stats import RATED, RATES


def totals(**per_second):
    """Every rate, 0 unless given."""
    return {RATES[name]: round(per_second.pop(name, 0) * 1000) for name in RATED} | per_second


def test_rates_have_the_counters_names_without_count():
    shown = derived_stats(totals(cmd_get_count=1.5, result_tko_all_count=0.25, request_error_count=2))
    assert (shown["cmd_get"], shown["result_tko_all"], shown["request_error"]) == (1.5, 0.25, 2.0)
    assert shown["asynclog_requests_rate"] == 0
    assert not any(name.endswith(("_count", "_per_1000_s")) for name in shown)


def test_means():
    shown = derived_stats(
        totals(server_us=5000, server_replies=10, server_get_us=900, server_gets=3, cpu_us=800, cmd_get_count=8)
    )
    assert (shown["duration_us"], shown["duration_get_us"], shown["duration_update_us"]) == (500, 300, 0)
    assert shown["processing_time_us"] == 100


@pytest.mark.parametrize(
    ("sent", "first_hand", "all_of_them"),
    [
        (40, (30, 10), (30, 10)),  # one for each
        (20, (15, 5), (15, 5)),  # half of the servers are out
        (80, (30, 10), (60, 20)),  # and copies for a shadow
    ],
)
def test_what_was_sent_is_spread_as_clients_ask(sent, first_hand, all_of_them):
    shown = derived_stats(totals(cmd_get_count=30, cmd_set_count=10, request_sent_count=sent))
    assert (shown["cmd_get_out"], shown["cmd_set_out"]) == first_hand
    assert (shown["cmd_get_out_all"], shown["cmd_set_out_all"]) == all_of_them
    assert shown["cmd_delete_out_all"] == 0


def test_an_idle_proxy():
    assert set(derived_stats(totals()).values()) == {0.0}
