from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mcproxy.upstream.inflight import Inflight


def filled(*groups):
    """Groups of requests, each flushed with its deadline."""
    inflight = Inflight()
    for deadline, requests in groups:
        inflight.slots.extend(requests)
        inflight.set_deadline(deadline)
    return inflight


def read(inflight, count=1):
    got = [inflight.slots.popleft() for _ in range(count)]
    inflight.answered += count
    return got


def test_overdue_requests_keep_their_slots():
    inflight = filled((1.0, "ab"), (2.0, "c"))
    assert inflight.take_overdue(1.0, unsent=0) == (["a", "b"], [])
    assert inflight.take_overdue(1.5, unsent=0) == ([], [])
    assert read(inflight, 3) == [None, None, "c"]


def test_answered_ones_are_not_overdue():
    inflight = filled((1.0, "abc"))
    read(inflight, 2)
    assert inflight.take_overdue(1.0, unsent=0) == (["c"], [])


def test_unsent_ones_leave_the_line():
    inflight = filled((1.0, "ab"), (2.0, "cd"), (3.0, "e"))
    assert inflight.take_overdue(2.0, unsent=4) == (["a"], ["b", "c", "d"])
    assert list(inflight.slots) == [None, "e"]
    assert inflight.next_deadline() == 3.0
    assert inflight.take_overdue(3.0, unsent=1) == ([], ["e"])
    assert list(inflight.slots) == [None]


def test_deadlines_are_forgotten_when_met():
    inflight = filled((1.0, "a"), (2.0, "b"))
    assert inflight.settle() is None
    read(inflight)
    assert inflight.settle() == 1.0
    assert inflight.next_deadline() == 2.0
    read(inflight)
    assert inflight.next_deadline() is None


def test_a_lost_connection_returns_what_was_not_given_up():
    inflight = filled((1.0, "a"), (2.0, "bcd"))
    inflight.take_overdue(1.0, unsent=0)
    assert inflight.take_all(unsent=1) == (["b", "c"], ["d"])
    assert not inflight.slots
    assert inflight.next_deadline() is None


class InflightMachine(RuleBasedStateMachine):
    """Against a model: a list of [number, deadline, given up]. Every request ends exactly once."""

    def __init__(self):
        super().__init__()
        self.inflight = Inflight()
        self.model = []
        self.unsent = 0
        self.now = 0.0
        self.count = 0
        self.ended = []

    @rule(count=st.integers(1, 4), written=st.booleans())
    def send(self, count, written):
        for _ in range(count):
            self.inflight.slots.append(self.count)
            self.model.append([self.count, self.now + 1.0, False])
            self.count += 1
        self.inflight.set_deadline(self.now + 1.0)
        self.unsent = 0 if written else self.unsent + count

    @precondition(lambda self: len(self.model) > self.unsent)
    @rule()
    def reply(self):
        number, _, given_up = self.model.pop(0)
        got = self.inflight.slots.popleft()
        self.inflight.answered += 1
        assert got == (None if given_up else number)
        if got is not None:
            self.ended.append(got)
        self.inflight.settle()

    @rule(step=st.sampled_from([0.0, 0.3, 1.0]))
    def time_passes(self, step):
        self.now += step
        sent_count = len(self.model) - self.unsent
        sent, unsent = self.inflight.take_overdue(self.now, self.unsent)
        overdue = [row for row in self.model if row[1] <= self.now and not row[2]]
        assert sent == [row[0] for row in self.model[:sent_count] if row in overdue]
        assert unsent == [row[0] for row in self.model[sent_count:] if row in overdue]
        self.unsent -= len(unsent)
        self.model = self.model[:sent_count] + [r for r in self.model[sent_count:] if r not in overdue]
        for row in self.model:
            row[2] = row[2] or row in overdue
        self.ended += sent + unsent

    @invariant()
    def lengths_agree(self):
        assert len(self.inflight.slots) == len(self.model)
        due = [row[1] for row in self.model if not row[2]]
        if due:
            assert self.inflight.next_deadline() <= min(due)

    def teardown(self):
        sent, unsent = self.inflight.take_all(self.unsent)
        assert sorted(self.ended + sent + unsent) == list(range(self.count))


InflightMachine.TestCase.settings = settings(max_examples=150, deadline=None)
TestInflight = InflightMachine.TestCase
