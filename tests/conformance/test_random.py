"""Thousands of random scripts against both servers; a mismatch is printed shrunk, with its seed and number."""

from __future__ import annotations

import pytest

from tests.conformance.compare import Comparison
from tests.conformance.generator import scripts

pytestmark = [pytest.mark.memcached, pytest.mark.timeout(400)]

SEQUENCES = 1300
SEEDS = range(1, 17)  # one case each, so that parallel workers share them evenly


@pytest.mark.parametrize("seed", SEEDS)
def test_random_scripts_get_the_same_replies(seed: int, comparison: Comparison) -> None:
    mismatch = comparison.first_mismatch(scripts(seed, SEQUENCES))
    assert mismatch is None, str(comparison.shrunk(mismatch))
    assert comparison.stalled == 0, "the generator leaves requests unfinished"


def test_the_budget_is_twenty_thousand_sequences() -> None:
    assert SEQUENCES * len(SEEDS) >= 20_000
