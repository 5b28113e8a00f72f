"""What the normaliser takes out, and what it must not."""

from __future__ import annotations

import pytest

from tests.conformance.normalise import Normaliser, agree


def same(ours: bytes, theirs: bytes) -> bool:
    return agree(Normaliser().pieces(ours), Normaliser().pieces(theirs))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (b"VALUE a 0 1 17\r\nx\r\nEND\r\n", b"VALUE a 0 1 4\r\nx\r\nEND\r\n"),
        (b"VERSION 1.6.42\r\n", b"VERSION 1.6.18\r\n"),
        (b"HD t30 l0\r\n", b"HD t29 l1\r\n"),
        (b"ME a exp=100 la=3 cas=9 fetch=no cls=1 size=63\r\n", b"ME a exp=99 la=3 cas=5 fetch=no cls=2 size=64\r\n"),
    ],
)
def test_alike(ours: bytes, theirs: bytes) -> None:
    assert same(ours, theirs)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (b"STORED\r\n", b"STORED\n"),
        (b"STORED\r\n", b"NOT_STORED\r\n"),
        (b"STORED\r\n", b""),
        (b"END\r\n", b"END\r\nEND\r\n"),
        (b"VALUE a 0 1\r\nx\r\nEND\r\n", b"VALUE a 0 1 9\r\nx\r\nEND\r\n"),
        (b"VALUE a 0 2\r\nx \r\nEND\r\n", b"VALUE a 0 1\r\nx\r\nEND\r\n"),
        (b"VALUE a 0 20\r\nVERSION 1\r\n123456789\r\n", b"VALUE a 0 20\r\nVERSION 2\r\n123456789\r\n"),
        (
            b"VALUE a 0 1 5\r\nx\r\nVALUE b 0 1 5\r\nx\r\nEND\r\n",
            b"VALUE a 0 1 5\r\nx\r\nVALUE b 0 1 6\r\nx\r\nEND\r\n",
        ),
        (b"HD t30\r\n", b"HD t28\r\n"),
        (b"HD t-1\r\n", b"HD t1\r\n"),
        (b"HD c0\r\n", b"HD c5\r\n"),
        (b"END", b"END\r\n"),
    ],
)
def test_different(ours: bytes, theirs: bytes) -> None:
    assert not same(ours, theirs)


def test_cas_ids_are_numbered_over_a_whole_script() -> None:
    ours, theirs = Normaliser(), Normaliser()
    ours.pieces(b"VALUE a 0 0 10\r\n\r\n")
    theirs.pieces(b"VALUE a 0 0 10\r\n\r\n")
    assert not agree(ours.pieces(b"VALUE a 0 0 11\r\n\r\n"), theirs.pieces(b"VALUE a 0 0 10\r\n\r\n"))
