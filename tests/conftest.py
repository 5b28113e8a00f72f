"""What holds for all tests."""

import hypothesis

# A deadline for each example is one for the machine's other work: the tests that are about time say so themselves.
hypothesis.settings.register_profile("mcfleet", deadline=None)
hypothesis.settings.load_profile("mcfleet")
