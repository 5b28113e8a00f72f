from hypothesis import given
from hypothesis import strategies as st

from mcproxy.reply_queue import Ready, ReplyQueue


class Place:
    def __init__(self):
        self.reply = None


def test_a_reply_waits_for_those_before_it():
    queue = ReplyQueue()
    first, second = Place(), Place()
    queue.places.extend([first, second, Ready(b"3")])
    second.reply = b"2"
    assert queue.take() == b""
    first.reply = b"1"
    assert queue.take() == b"123"
    assert queue.take() == b""


def test_one_place():
    queue = ReplyQueue()
    queue.places.append(Place())
    assert queue.take() == b""
    queue.places[0].reply = b"x"
    assert queue.take() == b"x"
    assert not queue.places


def test_noreply_takes_its_place_without_a_word():
    queue = ReplyQueue()
    queue.places.extend([Ready(b"a"), Ready(b""), Ready(b"b")])
    assert queue.take() == b"ab"


@given(st.permutations(range(12)), st.sets(st.integers(0, 11)))
def test_any_order_of_arrival_gives_the_order_of_the_requests(arrivals, looks):
    queue, out = ReplyQueue(), b""
    places = [Place() for _ in arrivals]
    queue.places.extend(places)
    for step, number in enumerate(arrivals):
        places[number].reply = b"%d," % number
        if step in looks:
            out += queue.take()
    assert out + queue.take() == b"".join(b"%d," % n for n in range(12))
