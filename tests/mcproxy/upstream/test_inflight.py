import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mcproxy.upstream.inflight import GROUP_S, Inflight

LATER = GROUP_S  # a deadline is at most so late


def filled(*groups, unsent=0):
    """Groups of requests, each flushed with its deadline; the last `unsent` of them are held back."""
    inflight = Inflight()
    for deadline, requests in groups:
        inflight.slots.extend(requests)
        inflight.out.extend(request.encode() for request in requests)
        inflight.set_deadline(deadline)
    held = inflight.out[len(inflight.out) - unsent :]
    del inflight.out[len(inflight.out) - unsent :]
    inflight.take_out()
    inflight.out.extend(held)
    return inflight


def read(inflight, count=1):
    return [inflight.slots.popleft() for _ in range(count)]


def test_what_is_taken_out_counts_as_sent():
    inflight = Inflight()
    inflight.slots.extend("abc")
    inflight.out.extend([b"a", b"b", b"c"])
    assert inflight.take_out() == b"abc"
    assert (inflight.sent, inflight.answered, inflight.out) == (3, 0, [])
    read(inflight, 2)
    assert inflight.answered == 2


def test_overdue_requests_keep_their_slots():
    inflight = filled((1.0, "ab"), (2.0, "c"))
    assert inflight.take_overdue(1.0 + LATER) == (["a", "b"], [])
    assert inflight.take_overdue(1.5) == ([], [])
    assert read(inflight, 3) == [None, None, "c"]


def test_never_early():
    inflight = filled((1.0, "a"), (1.0 + GROUP_S / 2, "b"))
    assert inflight.take_overdue(1.0) == ([], [])
    assert inflight.take_overdue(1.0 + LATER) == (["a", "b"], [])


def test_answered_ones_are_not_overdue():
    inflight = filled((1.0, "abc"))
    read(inflight, 2)
    assert inflight.take_overdue(1.0 + LATER) == (["c"], [])


def test_unsent_ones_leave_the_line():
    inflight = filled((1.0, "ab"), (2.0, "cd"), (3.0, "e"), unsent=4)
    assert inflight.take_overdue(2.0 + LATER) == (["a"], ["b", "c", "d"])
    assert list(inflight.slots) == [None, "e"]
    assert inflight.out == [b"e"]
    assert inflight.next_deadline() == pytest.approx(3.0 + LATER)
    assert inflight.take_overdue(3.0 + LATER) == ([], ["e"])
    assert list(inflight.slots) == [None]


def test_deadlines_are_forgotten_when_met():
    inflight = filled((1.0, "a"), (2.0, "b"))
    assert inflight.next_deadline() == pytest.approx(1.0 + LATER)
    read(inflight)
    assert inflight.next_deadline() == pytest.approx(2.0 + LATER)
    read(inflight)
    assert inflight.next_deadline() is None


def test_a_group_that_was_met_takes_no_more():
    inflight = filled((1.0, "a"))
    read(inflight)
    assert inflight.next_deadline() is None
    inflight.slots.append("b")
    inflight.out.append(b"b")
    inflight.set_deadline(1.0 + GROUP_S / 2)
    assert inflight.next_deadline() == pytest.approx(1.0 + 1.5 * GROUP_S)


def test_deadlines_are_few_however_many_flushes():
    inflight = filled(*[(1.0 + n * 1e-5, "x") for n in range(10_000)])
    assert len(inflight._deadlines) <= 0.1 / GROUP_S + 1


def test_a_lost_connection_returns_what_was_not_given_up():
    inflight = filled((1.0, "a"), (2.0, "bcd"), unsent=1)
    inflight.take_overdue(1.0 + LATER)
    assert inflight.take_all() == (["b", "c"], ["d"])
    assert not inflight.slots
    assert not inflight.out
    assert inflight.next_deadline() is None


class InflightMachine(RuleBasedStateMachine):
    """Against a model: rows of [number, deadline, given up]. Every request ends exactly once."""

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
            self.inflight.out.append(b"%d" % self.count)
            self.model.append([self.count, self.now + 1.0, False])
            self.count += 1
        if written:
            self.inflight.take_out()
        self.inflight.set_deadline(self.now + 1.0)
        self.unsent = 0 if written else self.unsent + count

    @precondition(lambda self: len(self.model) > self.unsent)
    @rule()
    def reply(self):
        number, _, given_up = self.model.pop(0)
        got = self.inflight.slots.popleft()
        assert got == (None if given_up else number)
        if got is not None:
            self.ended.append(got)

    @rule(step=st.sampled_from([0.0, 0.001, 0.3, 1.0]))
    def time_passes(self, step):
        self.now += step
        sent_count = len(self.model) - self.unsent
        sent, unsent = self.inflight.take_overdue(self.now)
        for overdue, rows in ((sent, self.model[:sent_count]), (unsent, self.model[sent_count:])):
            certainly = [row[0] for row in rows if row[1] + GROUP_S <= self.now and not row[2]]
            possibly = [row[0] for row in rows if row[1] <= self.now and not row[2]]
            assert set(certainly) <= set(overdue) <= set(possibly)
            assert overdue == sorted(overdue)
        self.unsent -= len(unsent)
        self.model = [row for row in self.model if row[0] not in unsent]
        for row in self.model:
            row[2] = row[2] or row[0] in sent
        self.ended += sent + unsent

    @invariant()
    def lengths_agree(self):
        assert len(self.inflight.slots) == len(self.model)
        assert len(self.inflight.out) == self.unsent
        due = [row[1] for row in self.model if not row[2]]
        if due:
            assert self.inflight.next_deadline() <= min(due) + GROUP_S + 1e-9

    def teardown(self):
        sent, unsent = self.inflight.take_all()
        assert sorted(self.ended + sent + unsent) == list(range(self.count))


InflightMachine.TestCase.settings = settings(max_examples=150, deadline=None)
TestInflight = InflightMachine.TestCase
