from __future__ import annotations

import asyncio
import os
from pathlib import Path

from mcdaemon.lifeline import VARIABLE, Lifeline, inherited, watch


async def test_watch_calls_once_at_the_end_only() -> None:
    read_fd, write_fd = os.pipe()
    gone = asyncio.Event()
    watch(asyncio.get_running_loop(), read_fd, gone.set)
    os.write(write_fd, b"bytes are no end")
    await asyncio.sleep(0.02)
    assert not gone.is_set()
    os.close(write_fd)
    await asyncio.wait_for(gone.wait(), 5)
    assert not asyncio.get_running_loop().remove_reader(read_fd)  # it is no longer watched
    os.close(read_fd)


def test_only_a_pipe_is_taken_as_inherited() -> None:
    line = Lifeline()
    assert inherited(line.environment) == line.read_fd
    with Path(os.devnull).open() as other:
        assert inherited({VARIABLE: str(other.fileno())}) is None
    line.close()
    assert inherited({}) is None
    assert inherited({VARIABLE: "x"}) is None
    assert inherited({VARIABLE: "2000"}) is None


def test_descriptors_are_not_passed_on_by_accident() -> None:
    line = Lifeline()
    assert not os.get_inheritable(line.read_fd)
    line.close()
    line.close()
