"""Logging in by text (-Y), beside the original."""

from __future__ import annotations

import signal
import subprocess
from os import kill
from pathlib import Path

import pytest

from memcache_server.auth import PasswordFile
from tests.memcache_server.serving import MEMCACHE_SERVER, Raw, serving
from tests.support.processes import memcached_command, running
from tests.support.waiting import wait_until

LOGIN = b"set x 0 0 3\r\na b\r\n"
# One request each, sent on its own connection, and what both answer.
ANSWERS = {
    LOGIN: b"STORED",
    b"set x abc def 3\r\na b\r\n": b"STORED",
    b"set x 0 0 3 noreply\r\na b\r\n": b"STORED",
    b" set  x 0 0 3\r\na b\r\n": b"STORED",
    b"set x 0 0 3\na b\r\n": b"STORED",
    b"set %b 0 0 3\r\na b\r\n" % (b"k" * 251): b"STORED",
    b"set x 0 0 6\r\n a  b \r\n": b"STORED",
    b"version\r\n": b"CLIENT_ERROR unauthenticated",
    b"quit\r\n": b"CLIENT_ERROR unauthenticated",
    b"mn\r\n": b"CLIENT_ERROR unauthenticated",
    b"stats\r\n": b"CLIENT_ERROR unauthenticated",
    b"\r\n": b"CLIENT_ERROR unauthenticated",
    b"foo noreply\r\n": b"CLIENT_ERROR unauthenticated",
    b"set x 0 0 -1\r\n": b"CLIENT_ERROR unauthenticated",
    b"set x 0 0 abc\r\n": b"CLIENT_ERROR unauthenticated",
    b"set x 0 0 3\r\na c\r\n": b"CLIENT_ERROR authentication failure",
    b"set x 0 0 3\r\nc b\r\n": b"CLIENT_ERROR authentication failure",
    b"set x 0 0 11\r\nfoo bar baz\r\n": b"CLIENT_ERROR authentication failure",
    b"set x 0 0 2\r\nab\r\n": b"CLIENT_ERROR bad authentication token format",
    b"set x 0 0 0\r\n\r\n": b"CLIENT_ERROR bad authentication token format",
    b"set x 0 0 3\r\na bXX": b"CLIENT_ERROR bad command line termination",
}


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    path.write_text("a:b\nfoo:bar baz\n")
    return path


@pytest.mark.memcached
def test_answers_are_the_originals(users: Path) -> None:
    theirs = running(lambda port: [*memcached_command(port), "-u", "root", "-Y", str(users)])
    with theirs as original, serving("-u", "root", "-Y", str(users)) as ours:
        for request, answer in ANSWERS.items():
            for server in (original, ours):
                with Raw(server.address) as client:
                    assert client.ask(request) == answer + b"\r\n", request
        counted = ("auth_cmds", "auth_errors")
        seen = []
        for server in (original, ours):
            with Raw(server.address) as client:
                client.ask(LOGIN)
                lines = client.ask(b"stats\r\n", b"END\r\n").decode().split("\r\n")
                seen.append([line for line in lines if any(name in line for name in counted)])
        assert seen[0] == seen[1] == ["STAT auth_cmds 11", "STAT auth_errors 3"]


def test_in_pieces_and_then_as_ever(users: Path) -> None:
    with serving("-Y", str(users), "-u", "root") as server, Raw(server.address) as client:
        for piece in (b"se", b"t x 0 0 3\r", b"\na", b" b\r"):
            client.send(piece)
        assert client.ask(b"\nset k 0 0 1\r\n1\r\nget k\r\n", b"END\r\n") == (
            b"STORED\r\nSTORED\r\nVALUE k 0 1\r\n1\r\nEND\r\n"
        )
        assert client.ask(b"set x 0 0 3\r\na c\r\n") == b"STORED\r\n"


def test_what_is_too_long_closes(users: Path) -> None:
    with serving("-Y", str(users), "-u", "root") as server:
        with Raw(server.address) as client:
            assert client.send(b"set x 0 0 2049\r\n").read_all() == b"CLIENT_ERROR auth token too long\r\n"
        with Raw(server.address) as client:
            assert client.send(b"x" * 2049).read_all() == b""


def test_reload(users: Path) -> None:
    with serving("-Y", str(users), "-u", "root") as server:

        def answer() -> bytes:
            with Raw(server.address) as client:
                return client.ask(LOGIN)

        assert answer() == b"STORED\r\n"
        users.write_text("a:c\n")
        kill(server.pid, signal.SIGHUP)
        wait_until(lambda: answer() == b"CLIENT_ERROR authentication failure\r\n", 5, "the new file counts")
        users.write_text("nonsense\n")
        kill(server.pid, signal.SIGHUP)
        wait_until(lambda: "reload failed" in server.stderr, 5, "it says that the file is bad")
        with Raw(server.address) as client:
            assert client.ask(b"set x 0 0 3\r\na c\r\n") == b"STORED\r\n"
            assert b"STAT auth_enabled_ascii %b\r\n" % bytes(users) in client.ask(b"stats settings\r\n", b"END\r\n")


@pytest.mark.parametrize("text", ["nocolon\n", "a:b\n\nc:d\n"])
def test_a_malformed_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad"
    path.write_text(text)
    for name in (path, tmp_path / "missing"):
        words = [*MEMCACHE_SERVER, "-u", "root", "-l", "127.0.0.1", "-p", "-1", "-Y", str(name)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


def test_eight_users_at_most(tmp_path: Path) -> None:
    path = tmp_path / "many"
    path.write_text("".join(f"u{number}:p\n" for number in range(9)))
    known = PasswordFile(str(path))
    assert [number for number in range(9) if known.match(b"u%d" % number, b"p")] == list(range(8))
