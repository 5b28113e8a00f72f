import pytest

from mcproxy.upstream.probe_schedule import ProbeSchedule


def test_delays_grow_by_half_up_to_the_longest():
    schedule = ProbeSchedule(0.1, 0.6)
    delays = [schedule.next_delay(0.0) / 1.05 for _ in range(7)]
    assert delays == pytest.approx([0.1, 0.15, 0.225, 0.3375, 0.50625, 0.6, 0.6])
    schedule.reset()
    assert schedule.next_delay(0.0) == pytest.approx(0.105)


def test_chance_adds_5_to_50_percent():
    assert ProbeSchedule(10, 60).next_delay(0.0) == pytest.approx(10.5)
    assert ProbeSchedule(10, 60).next_delay(0.9999999) == pytest.approx(15.0)


def test_the_longest_is_never_less_than_the_first():
    schedule = ProbeSchedule(5, 1)
    assert [schedule.next_delay(0) for _ in range(2)] == pytest.approx([5.25, 5.25])
