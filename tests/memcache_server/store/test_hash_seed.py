"""When an interpreter is started anew for the seed of its hashes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from memcache_server.store import hash_seed


def test_an_interpreter_is_started_anew_only_for_another_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, str]] = []
    monkeypatch.setattr(os, "execve", lambda program, words, environment: started.append(environment))
    monkeypatch.setenv(hash_seed.VARIABLE, "7")
    hash_seed.keep(None)
    hash_seed.keep("7")
    assert started == []
    hash_seed.keep("8")
    monkeypatch.setenv(hash_seed.VARIABLE, "random")
    hash_seed.keep(None)
    monkeypatch.delenv(hash_seed.VARIABLE)
    hash_seed.keep(None)
    hash_seed.keep("")  # a file written by a process that did not know its seed
    seeds = [environment[hash_seed.VARIABLE] for environment in started]
    assert seeds[0] == "8"
    assert all(seed.isdigit() and 0 < int(seed) < 1 << 32 for seed in seeds)
    assert len(set(seeds)) == 4


def test_probes_are_the_same_with_one_seed_only() -> None:
    code = "from memcache_server.store.hash_seed import hash_probes; print(hash_probes())"
    seen = [
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, hash_seed.VARIABLE: seed}, capture_output=True, check=True
        ).stdout
        for seed in ("11", "11", "12")
    ]
    assert seen[0] == seen[1] != seen[2]
