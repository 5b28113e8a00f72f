from mcproxy.outcome import Result
from mcproxy.rate_window import WINDOW_S
from mcproxy.request import Op
from mcproxy.stats import COUNTERS, GAUGES, RATES, Stats, new_counters


class Destination:
    single_flight = None
    latency_s = 0.0

    def __init__(self, state="up", **results):
        self.state = state
        self.pending_count, self.inflight_count = 2, 3
        self.results = [0] * len(Result)
        for name, count in results.items():
            self.results[Result[name]] = count
        self.tracker = type("Tracker", (), {"failures": state == "down"})


def test_every_column_is_there_once():
    assert len({*COUNTERS, *GAUGES}) == len(COUNTERS) + len(GAUGES)


def test_what_is_published(service):
    counters = new_counters(1)
    stats = Stats(counters, 0)
    service.commands[Op.GET] = 7
    service.commands[Op.VERSION] = 1
    service.errors[Result.TKO] = 2
    service.refused["tls"] = 4
    stats.route_counters["failover_all"] = 6
    servers = [Destination(FOUND=4, TIMEOUT=1), Destination("down", TKO=2)]
    stats.publish(service, servers, pid=99, ready=True)
    totals = Stats.totals_of(counters)
    assert totals["cmd_get_count"] == 7
    assert (totals["result_tko_count"], totals["result_error_count"]) == (2, 2)
    assert (totals["result_data_timeout_all_count"], totals["result_error_all_count"]) == (1, 3)
    assert totals["request_sent_count"] == 4 + 1 + 6  # answered, without those refused here, and under way
    assert (totals["request_replied_count"], totals["request_success_count"]) == (7, 5)
    assert (totals["num_servers"], totals["num_servers_up"], totals["num_servers_down"]) == (2, 1, 1)
    assert (totals["destination_inflight_reqs"], totals["num_suspect_servers"]) == (6, 1)
    assert (totals["refused_tls"], totals["pid"], totals["ready"]) == (4, 99, 1)
    assert (totals["failover_all"], totals["dev_null_requests"]) == (6, 0)


def test_rates_are_published_beside_their_counters_and_add_up(service):
    now = 100.0
    counters = new_counters(2)
    workers = [Stats(counters, worker, lambda: now) for worker in range(2)]
    service.commands[Op.GET], service.errors[Result.TKO] = 30, 5
    server = Destination(FOUND=20)
    server.latency_s = 0.002
    now = 110.0
    for stats in workers:
        stats.publish(service, [server], 1, True)
    totals = Stats.totals_of(counters)
    assert (totals[RATES["cmd_get_count"]], totals[RATES["result_tko_count"]]) == (6000, 1000)
    assert totals[RATES["server_us"]] / totals[RATES["server_replies"]] == 2000
    now = 110.0 + WINDOW_S
    workers[0].publish(service, [server], 1, True)
    now += 1.0
    workers[0].publish(service, [server], 1, True)
    assert Stats.totals_of(counters)[RATES["cmd_get_count"]] == 3000  # the other worker's


def test_what_waits_and_what_came_from_disk(service):
    counters = new_counters(2)
    for worker in range(2):
        stats = Stats(counters, worker)
        stats.waiting, stats.configs_from_disk = lambda: 7, 1
        stats.publish(service, [], 1, True)
    totals = Stats.totals_of(counters)
    assert (totals["proxy_reqs_waiting"], totals["configs_from_disk"]) == (14, 1)


def test_counters_are_summed_over_workers_and_servers_are_not(service):
    counters = new_counters(2)
    service.commands[Op.SET] = 3
    for worker in range(2):
        Stats(counters, worker).publish(service, [Destination()], 1, True)
    totals = Stats.totals_of(counters)
    assert totals["cmd_set_count"] == 6
    assert totals["num_servers_up"] == 1


def test_a_restarted_worker_goes_on_counting_where_the_last_one_ended(service):
    counters = new_counters(1)
    service.commands[Op.GET] = 5
    Stats(counters, 0).publish(service, [], 1, True)
    Stats(counters, 0).publish(service, [], 2, True)
    assert Stats.totals_of(counters)["cmd_get_count"] == 10


def test_a_removed_servers_counts_stay(service):
    counters = new_counters(1)
    stats = Stats(counters, 0)
    stats.on_removed(Destination(TIMEOUT=5))
    stats.publish(service, [], 1, True)
    assert Stats.totals_of(counters)["result_data_timeout_all_count"] == 5
