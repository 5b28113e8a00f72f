"""The generator is deterministic, keeps to its exclusions and leaves no request unfinished; the shrinker shrinks."""

from __future__ import annotations

from tests.conformance.exclusions import exclusion_of_script
from tests.conformance.framing import requests
from tests.conformance.generator import PRODUCERS, script, scripts
from tests.conformance.script import Script, Step
from tests.conformance.shrink import shrink

SAMPLE = list(scripts(seed=99, count=400))


def test_same_seed_same_scripts() -> None:
    assert script(99, 17) == SAMPLE[17]
    assert script(98, 17) != SAMPLE[17]


def test_nothing_excluded_and_nothing_unfinished() -> None:
    for one in SAMPLE:
        assert exclusion_of_script(one) is None
        assert all(request.complete for step in one.steps for request in requests(step.data))


def test_every_command_and_kind_of_input_occurs() -> None:
    sent = b"".join(step.data for one in SAMPLE for step in one.steps)
    words = {request.words[0] for request in requests(sent) if request.words}
    storage = {b"set", b"add", b"replace", b"append", b"prepend", b"cas"}
    other = {b"get", b"gets", b"gat", b"gats", b"delete", b"incr", b"decr", b"touch", b"flush_all", b"version"}
    meta = {b"mg", b"ms", b"md", b"ma", b"me", b"mn"}
    assert storage | other | meta | {b"verbosity", b"stats", b"quit"} <= words
    assert len(PRODUCERS) > 15
    assert any(step.cuts for one in SAMPLE for step in one.steps)
    assert any(step.conn for one in SAMPLE for step in one.steps)
    assert max(len(step.data) for one in SAMPLE for step in one.steps) > 1_048_576


def test_shrinking_finds_the_one_request_that_matters() -> None:
    steps = (
        Step(b"get PREFIXa\r\nversion\r\n", cuts=(3,)),
        Step(b"set PREFIXa 0 0 1\r\nx\r\ntouch PREFIXa 5\r\nget PREFIXb\r\n", conn=1, cuts=(5, 9)),
        Step(b"gets PREFIXa\r\n"),
    )
    small = shrink(Script("big", steps), lambda one: any(b"touch" in step.data for step in one.steps))
    assert small.steps == (Step(b"touch PREFIXa 5\r\n"),)
