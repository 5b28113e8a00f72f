"""Timing, and which vanished names keep their place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.endpoint import Endpoint, EndpointSet
from discovery.refresh_policy import Membership, RefreshPolicy, merge
from tests.discovery.test_endpoint import bare, pod

GRACE_S = 60.0
CHANCE = st.floats(0, 1, exclude_max=True)


def slots(membership: Membership) -> list[int | None]:
    return [endpoint.slot for endpoint in membership.endpoints]


def members(*endpoints: Endpoint, expect: int | None = None) -> Membership:
    return merge(Membership(), endpoints, 0.0, GRACE_S, expect)


# When.


@given(st.floats(0, 1e6), CHANCE)
def test_a_success_is_repeated_between_floor_and_cap(ttl_s: float, chance: float) -> None:
    policy = RefreshPolicy(floor_s=5, cap_s=30, jitter=0.2)
    assert 5 <= policy.delay_after_success(ttl_s, chance) <= 30


@given(st.floats(5, 25), CHANCE)
def test_a_record_is_never_asked_for_before_its_ttl_is_over(ttl_s: float, chance: float) -> None:
    policy = RefreshPolicy(floor_s=5, cap_s=30, jitter=0.1)
    assert ttl_s <= policy.delay_after_success(ttl_s, chance) <= ttl_s * 1.1


def test_jitter_spreads_also_at_the_cap() -> None:
    policy = RefreshPolicy(cap_s=30, jitter=0.1)
    assert policy.delay_after_success(3600, 0.0) < policy.delay_after_success(3600, 0.9) <= 30


def test_an_untold_ttl_counts_as_the_cap() -> None:
    policy = RefreshPolicy()
    assert policy.delay_after_success(None, 0.5) == policy.delay_after_success(3600, 0.5)


def test_failures_back_off_to_the_cap() -> None:
    policy = RefreshPolicy(retry_s=1, cap_s=30, jitter=0)
    assert [policy.delay_after_failure(n, 0.3) for n in (1, 2, 3, 4, 5, 6, 5000)] == [1, 2, 4, 8, 16, 30, 30]


@given(st.integers(1, 10**6), CHANCE)
def test_a_retry_never_waits_longer_than_the_cap(failures: int, chance: float) -> None:
    assert 0 < RefreshPolicy().delay_after_failure(failures, chance) <= 30


@pytest.mark.parametrize(
    "wrong",
    [
        {"floor_s": 0},
        {"floor_s": 31},
        {"jitter": 1},
        {"jitter": -0.1},
        {"retry_s": 0},
        {"spacing_s": -1},
        {"grace_s": -1},
        {"expect": 0},
    ],
)
def test_wrong_policies_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        RefreshPolicy(**wrong)  # type: ignore[arg-type]


# Who.


def test_a_vanished_name_keeps_its_slot_for_the_grace_time() -> None:
    three = members(pod(0), pod(1), pod(2))
    gone = merge(three, [pod(0), pod(2)], 100.0, GRACE_S)
    assert gone.endpoints == three.endpoints
    assert gone.absent_since == {"mycache-memcached-1": 100.0}
    assert merge(gone, [pod(0), pod(2)], 159.9, GRACE_S).endpoints == three.endpoints
    after = merge(gone, [pod(0), pod(2)], 160.0, GRACE_S)
    assert after.endpoints.slots() == (pod(0), None, pod(2))
    assert not after.absent_since


def test_a_pod_that_is_back_starts_a_new_grace_time() -> None:
    gone = merge(members(pod(0), pod(1)), [pod(0)], 100.0, GRACE_S)
    back = merge(gone, [pod(0), pod(1)], 150.0, GRACE_S)
    assert not back.absent_since
    again = merge(back, [pod(0)], 170.0, GRACE_S)
    assert slots(merge(again, [pod(0)], 229.0, GRACE_S)) == [0, 1]
    assert slots(merge(again, [pod(0)], 230.0, GRACE_S)) == [0]


def test_a_new_address_is_the_same_member() -> None:
    moved = pod(1, "10.7.7.7")
    after = merge(members(pod(0), pod(1)), [pod(0), moved], 1.0, GRACE_S)
    assert after.endpoints.slots() == (pod(0), moved)


def test_three_four_three() -> None:
    four = merge(members(pod(0), pod(1), pod(2)), map(pod, range(4)), 10.0, GRACE_S)
    assert slots(four) == [0, 1, 2, 3]
    three = merge(four, map(pod, range(3)), 20.0, GRACE_S)
    assert slots(three) == [0, 1, 2, 3]
    assert slots(merge(three, map(pod, range(3)), 80.0, GRACE_S)) == [0, 1, 2]


def test_expect_holds_a_place_for_good_and_refuses_others() -> None:
    held = members(pod(0), pod(2), expect=3)
    held = merge(held, [pod(0)], 1e3, GRACE_S, 3)
    held = merge(held, [pod(0)], 1e9, GRACE_S, 3)
    assert held.endpoints.slots() == (pod(0), None, pod(2))
    grown = merge(held, map(pod, range(5)), 2e9, GRACE_S, 3)
    assert slots(grown) == [0, 1, 2]
    assert grown.ignored == (pod(3), pod(4))


def test_without_names_a_newcomer_takes_the_place_of_the_longest_absent() -> None:
    three = members(bare("10.0.0.1"), bare("10.0.0.2"), bare("10.0.0.3"))
    two = merge(three, [bare("10.0.0.1"), bare("10.0.0.2")], 10.0, GRACE_S)
    assert len(two.endpoints) == 3
    one = merge(two, [bare("10.0.0.1")], 20.0, GRACE_S)
    assert len(one.endpoints) == 3
    replaced = merge(one, [bare("10.0.0.1"), bare("10.0.0.9")], 30.0, GRACE_S)
    assert [e.address for e in replaced.endpoints] == ["10.0.0.1", "10.0.0.2", "10.0.0.9"]
    assert replaced.absent_since == {"10.0.0.2:11211": 20.0}
    late = merge(replaced, [bare("10.0.0.1"), bare("10.0.0.9")], 80.0, GRACE_S)
    assert [e.address for e in late.endpoints] == ["10.0.0.1", "10.0.0.9"]


def test_without_names_expect_holds_the_number() -> None:
    three = members(*map(bare, ["10.0.0.1", "10.0.0.2", "10.0.0.3"]), expect=3)
    late = merge(merge(three, [bare("10.0.0.3")], 10.0, GRACE_S, 3), [bare("10.0.0.3")], 1e6, GRACE_S, 3)
    assert len(late.endpoints) == 3
    swapped = merge(late, [bare("10.0.0.3"), bare("10.0.0.4"), bare("10.0.0.5")], 1e6, GRACE_S, 3)
    assert [e.address for e in swapped.endpoints] == ["10.0.0.3", "10.0.0.4", "10.0.0.5"]
    crowded = merge(three, map(bare, ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"]), 5.0, GRACE_S, 3)
    assert crowded.endpoints == three.endpoints
    assert crowded.ignored == (bare("10.0.0.0"),)


@given(st.permutations(range(8)))
def test_a_shuffled_answer_gives_the_identical_set(ordinals: list[int]) -> None:
    before = members(*map(pod, range(5)))
    assert merge(before, map(pod, ordinals), 1.0, GRACE_S) == merge(before, map(pod, range(8)), 1.0, GRACE_S)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.sets(st.integers(0, 6))), max_size=30),
    st.sampled_from([None, 1, 3, 7]),
    st.booleans(),
)
def test_any_history_keeps_the_promises(
    history: list[tuple[float, set[int]]], expect: int | None, is_named: bool
) -> None:
    """Never empty again, all that was answered is in (or ignored), nothing overdue is held."""
    make = pod if is_named else lambda n: bare(f"10.0.0.{n}")
    now, state = 0.0, Membership(EndpointSet((), expect))
    for passed_s, answer in history:
        now += passed_s
        before, state = state, merge(state, map(make, answer), now, GRACE_S, expect)
        assert len(state.endpoints) > 0 or len(before.endpoints) == 0
        if not answer:
            assert state is before
            continue
        names = {endpoint.name for endpoint in state.endpoints}
        answered = {make(n).name for n in answer}
        assert answered <= names | {endpoint.name for endpoint in state.ignored}
        assert set(state.absent_since) == names - answered
        if expect is None:
            assert all(now - since < GRACE_S for since in state.absent_since.values())
        elif is_named:
            assert len(state.endpoints.slots()) in (0, expect)
        if is_named and expect is None:
            fresh = {e.name for e in before.endpoints if now - before.absent_since.get(e.name, now) < GRACE_S}
            assert fresh <= names
