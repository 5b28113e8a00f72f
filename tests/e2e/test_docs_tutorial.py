"""docs/tutorial.md does what it says: its blocks are run in order, on other ports, and shown results compared.

`sh` blocks are typed into one shell, `make run` into another; `console` blocks are telnet sessions; `python` blocks
are programs in which an expression with a comment has to be what the comment says.
"""

from __future__ import annotations

import ast
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import pytest

from tests.e2e.test_make_run import REPOSITORY, command_of_make_run, on_port
from tests.support import telnet
from tests.support.processes import free_port
from tests.support.waiting import wait_until

TUTORIAL = REPOSITORY / "docs" / "tutorial.md"
TYPED = ("set ", "get ", "quit")
STOP_S, START_S = 10.0, 15.0

pytestmark = pytest.mark.skipif(telnet.PROGRAM is None, reason="telnet is not installed")


class Block(NamedTuple):
    language: str
    text: str


def blocks() -> list[Block]:
    return [
        Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", TUTORIAL.read_text(), re.DOTALL | re.MULTILINE)
    ]


def accepts(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


class Terminals:
    """The reader's: one for `make run`, a shell for the other commands."""

    def __init__(self) -> None:
        self.server_port, self.proxy_port = free_port(), free_port()
        self._run: subprocess.Popen[bytes] | None = None
        self._shell = subprocess.Popen(
            ["bash", "-m"], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def elsewhere(self, text: str) -> str:
        """With our ports, and our Python."""
        text = text.replace("11211", str(self.server_port)).replace("5000", str(self.proxy_port))
        return text.replace(".venv/bin/python", sys.executable)

    def perform(self, block: Block) -> None:
        if block.text == "make run\n":
            self._run = subprocess.Popen(on_port(command_of_make_run(), self.proxy_port), stderr=subprocess.DEVNULL)
            wait_until(lambda: accepts("127.0.0.1", self.proxy_port), START_S, "the proxy accepts")
        elif block.language == "sh":
            self._interrupt_run()
            self._type(self.elsewhere(block.text))
        elif block.language == "console":
            self._converse(self.elsewhere(block.text))
        else:
            assert block.language == "python"
            run_python(self.elsewhere(block.text))

    def _interrupt_run(self) -> None:
        if self._run is not None:
            self._run.send_signal(signal.SIGINT)
            assert self._run.wait(STOP_S) == 0
            self._run = None

    def _type(self, commands: str) -> None:
        assert self._shell.stdin and self._shell.stdout
        self._shell.stdin.write(commands.encode() + b"echo; echo typed\n")
        self._shell.stdin.flush()
        while self._shell.stdout.readline() != b"typed\n":
            assert self._shell.poll() is None
        hosts = re.findall(r" -l (\S+)", commands) + ["127.0.0.1"] * commands.count("--listen")
        for host in hosts:
            port = self.proxy_port if host == "127.0.0.1" else self.server_port
            wait_until(partial(accepts, host, port), START_S, f"{host}:{port} accepts")

    @staticmethod
    def _converse(text: str) -> None:
        command, *lines = text.splitlines()
        script, previous = "", ""
        for line in lines:
            is_typed = line.startswith(TYPED) or previous.startswith("set ")
            script += (line if is_typed else telnet.ARROW + line) + "\n"
            previous = line
        seen, wanted = telnet.converse(script, command.removeprefix("$ ").split())
        assert seen == wanted

    def close(self) -> None:
        """The shell's jobs are told to end as when a terminal is closed."""
        if self._run is not None:
            self._run.kill()
            self._run.wait()
        assert self._shell.stdin and self._shell.stdout
        self._shell.stdin.write(b"kill $(jobs -p); wait\n")
        self._shell.stdin.close()
        self._shell.wait(STOP_S)
        self._shell.stdout.close()


def run_python(text: str) -> None:
    """As a program: `expression  # result` becomes an assertion."""
    lines, program = text.splitlines(), []
    for statement in ast.parse(text).body:
        source = ast.unparse(statement)
        _, comment, result = lines[(statement.end_lineno or 1) - 1].partition("  # ")
        program.append(f"assert repr({source}) == {result.strip()!r}, repr({source})" if comment else source)
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def terminals(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminals]:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    opened = Terminals()
    yield opened
    opened.close()


def test_every_block_does_what_it_shows(terminals: Terminals) -> None:
    performed = blocks()
    assert [block.language for block in performed].count("console") == 3
    for block in performed:
        terminals.perform(block)
    wait_until(lambda: not accepts("127.0.0.1", terminals.proxy_port), STOP_S, "the last block ends all")


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TUTORIAL.read_text())
    assert links
    assert [link for link in links if not (TUTORIAL.parent / link).exists()] == []
