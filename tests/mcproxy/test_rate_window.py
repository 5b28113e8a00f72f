from mcproxy.rate_window import WINDOW_S, RateWindow


def test_since_the_start_until_the_window_is_full():
    window = RateWindow(2, 50.0)
    assert window.rates([0, 0], 50.0) == [0, 0]
    assert window.rates([10, 1], 60.0) == [1000, 100]


def test_what_was_before_the_window_does_not_count():
    window = RateWindow(1, 0.0)
    for second in range(1, 301):
        rates = window.rates([1000 + second], float(second))
    assert rates == [1000]  # the thousand of the first second are gone
    assert len(window._samples) == WINDOW_S + 1


def test_looks_in_quick_succession_are_no_samples():
    window = RateWindow(1, 0.0)
    for tenth in range(1, 21):
        window.rates([tenth], tenth / 10)
    assert len(window._samples) == 3


def test_after_a_long_silence_the_last_sample_counts():
    window = RateWindow(1, 0.0)
    window.rates([100], 1.0)
    assert window.rates([340], 1001.0) == [240]
    assert window.rates([340], 2001.0) == [0]


def test_one_that_goes_back_is_no_rate():
    window = RateWindow(1, 0.0)
    window.rates([500], 240.0)
    assert window.rates([400], 480.0) == [0]


def test_the_first_second_is_a_whole_one():
    assert RateWindow(1, 0.0).rates([3], 0.001) == [3000]
