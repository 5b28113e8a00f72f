"""Every hand-written script, sent whole, cut at random places, and (when short) byte by byte."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.conformance.compare import Comparison
from tests.conformance.corpus import CORPUS
from tests.conformance.exclusions import exclusion_of_script
from tests.conformance.script import Script

pytestmark = pytest.mark.memcached

SCRIPTS = [pytest.param(script, id=script.name) for topic in CORPUS.values() for script in topic]
SHORT = 150  # bytes of a script that is also sent byte by byte


def cut_at_random(script: Script) -> Script:
    draw = random.Random(script.name)
    steps = [
        replace(step, cuts=tuple(draw.randint(1, max(1, len(step.data))) for _ in range(3))) for step in script.steps
    ]
    return replace(script, name=f"{script.name} (cut)", steps=tuple(steps))


def byte_by_byte(script: Script) -> Script:
    steps = [replace(step, cuts=tuple(range(1, len(step.data)))) for step in script.steps]
    return replace(script, name=f"{script.name} (byte by byte)", steps=tuple(steps))


def ways_to_send(script: Script) -> Iterator[Script]:
    yield script
    yield cut_at_random(script)
    if sum(len(step.data) for step in script.steps) <= SHORT:
        yield byte_by_byte(script)


@pytest.mark.parametrize("script", SCRIPTS)
def test_same_replies_as_the_original(script: Script, comparison: Comparison) -> None:
    mismatch = comparison.first_mismatch(ways_to_send(script))
    assert mismatch is None, str(mismatch)
    assert comparison.stalled == 0, "the script leaves a request unfinished"


def test_corpus_is_large_and_portable() -> None:
    scripts = [script for topic in CORPUS.values() for script in topic]
    assert len(scripts) >= 250
    assert len({script.name for script in scripts}) == len(scripts)
    assert [script.name for script in scripts if exclusion_of_script(script)] == []
