from mcproxy.durations import SUMS, Durations
from mcproxy.outcome import Result


class Server:
    def __init__(self, latency_s, **results):
        self.latency_s = latency_s
        self.results = [0] * len(Result)
        for name, count in results.items():
            self.results[Result[name]] = count


def test_each_servers_latency_counts_as_often_as_it_replied():
    durations = Durations(iter((300_000_000, 305_000_000)).__next__)
    fast, slow = Server(0.001, FOUND=2, NOTFOUND=1), Server(0.01, STORED=1, TIMEOUT=50)
    sums = durations.sums([fast, slow])
    assert set(sums) == set(SUMS)
    assert (sums["server_us"], sums["server_replies"]) == (3 * 1000 + 10_000, 4)  # a timeout is no reply
    assert (sums["server_get_us"], sums["server_gets"]) == (3000, 3)
    assert (sums["server_update_us"], sums["server_updates"]) == (10_000, 1)
    assert sums["cpu_us"] == 5000


def test_only_what_is_new_is_added_at_the_latency_of_now():
    durations = Durations(lambda: 0)
    server = Server(0.001, FOUND=10)
    durations.sums([server])
    server.results[Result.FOUND] += 5
    server.latency_s = 0.003
    sums = durations.sums([server])
    assert (sums["server_us"], sums["server_replies"]) == (10_000 + 15_000, 15)
    assert durations.sums([])["server_us"] == 25_000  # it is gone, its sum stays
    assert durations.sums([server])["server_replies"] == 30  # as a new one
