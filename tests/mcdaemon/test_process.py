from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcdaemon.errors import StartError
from mcdaemon.process import PidFile, switch_user


def test_pid_file(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    file = PidFile(str(path))
    path.write_text("another's")
    file.remove()  # not ours yet
    assert path.read_text() == "another's"
    file.write()
    assert path.read_text() == f"{os.getpid()}\n"
    assert list(tmp_path.iterdir()) == [path]
    file.remove()
    assert not path.exists()
    file.remove()


def test_pid_file_where_none_can_be(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        PidFile(str(tmp_path / "no" / "pid")).write()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can switch the user")
def test_no_such_user() -> None:
    with pytest.raises(StartError) as failure:
        switch_user("no-such-user")
    assert (failure.value.text, failure.value.exit_code) == ("can't find the user no-such-user to switch to", 67)
    switch_user("root")
