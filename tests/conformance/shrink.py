"""Makes a failing script small: fewer steps, fewer requests, no cuts, as long as it still fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.conformance.exclusions import exclusion_of_script
from tests.conformance.framing import requests
from tests.conformance.script import Script, Step

MAX_TRIALS = 300


def _smaller(script: Script) -> Iterator[Script]:
    """All scripts that are one thing smaller, the largest savings first."""
    steps = script.steps
    for number in range(len(steps)):
        yield script.with_steps(steps[:number] + steps[number + 1 :])
    for number, step in enumerate(steps):
        for smaller in _smaller_steps(step):
            yield script.with_steps((*steps[:number], smaller, *steps[number + 1 :]))


def _smaller_steps(step: Step) -> Iterator[Step]:
    if step.cuts:
        yield replace(step, cuts=())
    if step.conn:
        yield replace(step, conn=0)
    parts = [request.data for request in requests(step.data)]
    if len(parts) > 1:
        for number in range(len(parts)):
            yield replace(step, data=b"".join(parts[:number] + parts[number + 1 :]))


def shrink(script: Script, fails: Callable[[Script], bool]) -> Script:
    """The smallest script found that still fails, within MAX_TRIALS. Never one with an excluded input."""
    trials = 0
    progress = True
    while progress:
        progress = False
        for candidate in _smaller(script):
            if trials == MAX_TRIALS:
                return script
            if not candidate.steps or exclusion_of_script(candidate) is not None:
                continue
            trials += 1
            if fails(candidate):
                script, progress = candidate, True
                break
    return script
