"""The recorded replies of memcached 1.6.42, as far as they use the commands that exist here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.golden import ALL_COMMANDS, KNOWN_DIFFERENCES, Case, Replay, cases
from tests.support.processes import memcache_server_command, memcached_command, running

CASES = list(cases())
KINDS = sorted({case.kind for case in CASES})


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    """Plays on a server of its own: some cases leave a flush pending."""
    with running(memcache_server_command) as server:
        player = Replay(server.address)
        yield player
        player.close()


@pytest.mark.parametrize("kind", KINDS)
def test_recorded_replies(kind: str, replay: Replay) -> None:
    played = [case for case in CASES if case.kind == kind]
    wrong = [mismatch for mismatch in map(replay.play, played) if mismatch is not None]
    assert not wrong, f"{len(wrong)} of {len(played)} cases:\n" + "\n".join(map(str, wrong[:5]))


@pytest.mark.memcached
def test_the_player_agrees_with_the_original_on_portable_cases() -> None:
    """Whatever 1.6.18 was recorded to answer alike, it must still answer alike when we replay it."""
    with running(memcached_command) as server:
        player = Replay(server.address)
        wrong = [player.play(case) for case in cases(ALL_COMMANDS, portable=True)]
        player.close()
    assert [str(mismatch) for mismatch in wrong if mismatch is not None] == []


def test_enough_cases_are_played() -> None:
    assert len(CASES) >= 4500
    assert len(KNOWN_DIFFERENCES) <= 5
    assert all(isinstance(case, Case) and case.script.steps for case in CASES)
