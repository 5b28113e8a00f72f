"""What holds for all tests."""

import gc

import hypothesis
import pytest

# A deadline for each example is one for the machine's other work: the tests that are about time say so themselves.
hypothesis.settings.register_profile("mcfleet", deadline=None)
hypothesis.settings.load_profile("mcfleet")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Eleven thousand tests are a heap that the cyclic collector need not walk again and again."""
    gc.collect()
    gc.freeze()
