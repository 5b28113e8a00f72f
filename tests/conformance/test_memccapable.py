"""libmemcached's own conformance program, ASCII part."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.support.processes import memcache_server_command, running

ASCII_TESTS = 27


@pytest.mark.skipif(shutil.which("memccapable") is None, reason="libmemcached-tools is not installed")
def test_all_ascii_tests_pass() -> None:
    with running(memcache_server_command) as server:
        host, port = server.address
        program = ["memccapable", "-a", "-h", host, "-p", str(port)]
        result = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    verdicts = [line for line in result.stdout.splitlines() if line.startswith("ascii ")]
    assert [line for line in verdicts if not line.endswith("[pass]")] == [], result.stdout + result.stderr
    assert len(verdicts) == ASCII_TESTS
    assert result.returncode == 0
