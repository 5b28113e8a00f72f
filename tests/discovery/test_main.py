"""The command as its users start it."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import IO

import pytest

from discovery.__main__ import main, parse_name
from discovery.service_name import Lookup
from tests.support.fake_dns import FakeDns

SERVICE = "mycache-memcached.default.svc.cluster.local"
SRV = f"dnssrv+_memcache._tcp.{SERVICE}"
PODS = {0: "127.0.0.11", 1: "127.0.0.12", 10: "127.0.0.13"}
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(dns: FakeDns) -> Iterator[Start]:
    """Starts the command against the test's DNS server; whatever still runs afterwards is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "discovery", "--nameserver", dns.nameserver, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def lines(pipe: IO[str] | None, count: int) -> list[str]:
    assert pipe is not None
    return [pipe.readline().rstrip("\n") for _ in range(count)]


def test_a_table_of_a_service(dns: FakeDns, capsys: pytest.CaptureFixture[str]) -> None:
    dns.set_service(SERVICE, PODS, ttl_s=7)
    assert main([SRV, "--nameserver", dns.nameserver]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "NAME                  ADDRESS     PORT   SLOT  TTL",
        "mycache-memcached-0   127.0.0.11  11211  0     7",
        "mycache-memcached-1   127.0.0.12  11211  1     7",
        "mycache-memcached-10  127.0.0.13  11211  10    7",
    ]


def test_a_bare_name_means_its_addresses(dns: FakeDns, capsys: pytest.CaptureFixture[str]) -> None:
    dns.set_service(SERVICE, {0: "127.0.0.11"})
    assert main([SERVICE, "--nameserver", dns.nameserver]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "127.0.0.11:11211  127.0.0.11  11211  -     5"


def test_json(dns: FakeDns, capsys: pytest.CaptureFixture[str]) -> None:
    dns.set_service(SERVICE, {2: "127.0.0.13"})
    assert main([SRV, "--nameserver", dns.nameserver, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "target": SRV,
        "ttl": 5.0,
        "endpoints": [{"name": "mycache-memcached-2", "address": "127.0.0.13", "port": 11211, "slot": 2}],
    }


@pytest.mark.parametrize(
    ("text", "lookup", "port"),
    [
        ("localhost", Lookup.ADDRESSES, 11211),
        ("a.example:1", Lookup.ADDRESSES, 1),
        ("10.0.0.1", Lookup.LITERAL, 11211),
        ("10.0.0.1:1", Lookup.LITERAL, 1),
        ("[::1]", Lookup.LITERAL, 11211),
        ("unix:/run/mc", Lookup.LITERAL, 0),
        ("dns+a.example", Lookup.ADDRESSES, 11211),
        (SRV, Lookup.SERVICE, 0),
    ],
)
def test_names_as_people_write_them(text: str, lookup: Lookup, port: int) -> None:
    target = parse_name(text)
    assert (target.lookup, target.port) == (lookup, port)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["a..b"], "a label of the name is empty"),
        (["::1"], "needs brackets"),
        (["a.example", "--nameserver", "x"], "nameserver 'x'"),
        (["a.example", "--interval", "0"], "floor must be above 0"),
        (["a.example", "--timeout", "-1"], "--timeout must be above 0"),
        (["a.example", "--expect", "0"], "at least 1"),
    ],
)
def test_wrong_command_lines(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err


def test_nothing_found_is_one_line_and_exit_1(start: Start) -> None:
    process = start(SERVICE)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err == f"mcdiscover: dns+{SERVICE}: nothing found: NXDOMAIN: {SERVICE}. A: no such name\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watch_prints_changes_until_told_to_stop(dns: FakeDns, start: Start, number: signal.Signals) -> None:
    dns.set_service(SERVICE, {0: "127.0.0.11", 1: "127.0.0.12"})
    process = start(SRV, "--watch", "--interval", "0.1", "--grace", "0")
    assert lines(process.stdout, 3)[1:] == [
        "mycache-memcached-0  127.0.0.11  11211  0     5",
        "mycache-memcached-1  127.0.0.12  11211  1     5",
    ]
    dns.set_service(SERVICE, {0: "127.0.0.99", 2: "127.0.0.13"})
    assert lines(process.stdout, 3) == [
        "+ mycache-memcached-2 127.0.0.13:11211",
        "- mycache-memcached-1 127.0.0.12:11211",
        "~ mycache-memcached-0 127.0.0.11:11211 -> 127.0.0.99:11211",
    ]
    process.send_signal(number)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def test_watch_waits_for_a_service_that_is_not_there_yet(dns: FakeDns, start: Start) -> None:
    process = start(SRV, "--watch", "--interval", "0.1", "--json")
    assert "NXDOMAIN" in lines(process.stderr, 1)[0]
    dns.set_service(SERVICE, {0: "127.0.0.11"})
    assert json.loads(lines(process.stdout, 1)[0])["endpoints"][0]["address"] == "127.0.0.11"
    dns.set_service(SERVICE, {0: "127.0.0.12"})
    assert json.loads(lines(process.stdout, 1)[0]) == {
        "change": "moved",
        "name": "mycache-memcached-0",
        "address": "127.0.0.12",
        "port": 11211,
        "slot": 0,
    }


def test_watch_ends_with_its_reader(dns: FakeDns, start: Start) -> None:
    dns.set_service(SERVICE, {0: "127.0.0.11"})
    process = start(SRV, "--watch", "--interval", "0.1")
    lines(process.stdout, 2)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    dns.set_service(SERVICE, {0: "127.0.0.12"})
    assert process.wait(timeout=60) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""
