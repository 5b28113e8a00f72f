from mcproxy.token_bucket import TokenBucket


def taken(bucket, now, tries=100):
    return sum(bucket.take(now) for _ in range(tries))


def test_it_begins_full_and_fills_at_its_rate():
    bucket = TokenBucket(rate=10, burst=20, now=5.0)
    assert taken(bucket, 5.0) == 20
    assert taken(bucket, 5.05) == 0
    assert taken(bucket, 5.11) == 1
    assert taken(bucket, 6.12) == 10


def test_no_more_than_the_burst_is_kept():
    bucket = TokenBucket(rate=10, burst=3, now=0.0)
    assert taken(bucket, 1000.0) == 3


def test_refusals_do_not_keep_it_from_filling():
    bucket = TokenBucket(rate=1, burst=1, now=0.0)
    assert bucket.take(0.0)
    assert sum(bucket.take(0.01 * step) for step in range(1, 301)) in (2, 3)


def test_nothing_at_all():
    assert taken(TokenBucket(rate=0, burst=0, now=0.0), 1e9) == 0
