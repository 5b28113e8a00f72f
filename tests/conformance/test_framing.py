"""The tests' own framing model."""

from __future__ import annotations

import pytest

from tests.conformance.framing import Request, requests


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"get a\r\nversion\n", [Request(b"get a\r\n"), Request(b"version\n")]),
        (
            b"set a 0 0 4\r\n\r\n\r\n\r\nget a\r\n",
            [Request(b"set a 0 0 4\r\n", b"\r\n\r\n\r\n"), Request(b"get a\r\n")],
        ),
        (b"set a 0 0 4\r\nab", [Request(b"set a 0 0 4\r\n", b"ab", complete=False)]),
        (b"set a 0 0 x\r\nab\r\n", [Request(b"set a 0 0 x\r\n"), Request(b"ab\r\n")]),
        (b"ms a 1\r\nxyzget b\r\n", [Request(b"ms a 1\r\n", b"xyz"), Request(b"get b\r\n")]),
        (b"get a", [Request(b"get a", complete=False)]),
    ],
)
def test_requests(data: bytes, expected: list[Request]) -> None:
    assert list(requests(data)) == expected


def test_words_are_split_at_blanks_only() -> None:
    assert Request(b"get  a\tb  c \r\n").words == [b"get", b"a\tb", b"c"]
