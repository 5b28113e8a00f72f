"""The compatibility pages name everything, name tests that exist and compare, and say what the servers do."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest

from mcdaemon.options import option_rows
from mcproto.meta_flags import META_FLAGS
from memcache_server.commands import COMMANDS, DEBUG_COMMANDS
from memcache_server.commands.stats_commands import GROUPS
from memcache_server.extended import EXTENDED
from memcache_server.settings import Settings
from tests.conformance.corpus import CORPUS
from tests.conformance.framing import requests
from tests.conformance.golden import cases
from tests.conformance.script import Script, Step
from tests.conformance.test_followed_version import EXPECTED
from tests.conformance.test_stat_names import BY_HAND, RAISED, SHOWN
from tests.conformance.test_stat_settings import CHANGED, CHANGED_TOO, CONSTANT
from tests.docs.compatibility_tables import ROWS, Row, under
from tests.memcache_server.serving import MEMCACHE_SERVER, USER, Raw, serving
from tests.memcache_server.test_tls import certificate, options, spoken
from tests.support import original_names
from tests.support.original_names import META_COMMANDS, META_LETTERS, META_MODES, NEWER_STATS, STATS
from tests.support.processes import Server, memcached_command, running

TESTS = Path(__file__).parents[1]
# Tests that compare without the program: with recorded or written replies of 1.6.42.
RECORDED = frozenset(("conformance/test_golden.py", "conformance/test_followed_version.py"))
CORPUS_TEST = "conformance/test_corpus.py::test_same_replies_as_the_original"
GOLDEN_TEST = "conformance/test_golden.py::test_recorded_replies"
FOLLOWED_TEST = "conformance/test_followed_version.py::test_reply"
STAT_TABLES = {
    "conformance/test_stat_names.py::test_changes_alike": set(RAISED),
    "conformance/test_stat_names.py::test_shown_alike": set(SHOWN),
    "conformance/test_stat_settings.py::test_flags_are_shown_alike": {("settings", n) for n in CHANGED | CHANGED_TOO},
    "conformance/test_stat_settings.py::test_unchanged_values_are_the_same": {
        ("settings", name) for name in (*CONSTANT, "tcpport")
    },
}
# Flags that bring out names which are not always there.
REVEALING = "-o idle_timeout=99,temporary_ttl=30"


def ids(rows: Iterable[Row]) -> list[str]:
    return [f"{row.heading}: {row.name}" for row in rows]


def group_of(row: Row) -> str | None:
    """The group of stats of a row, None of other rows."""
    word, _, group = row.heading.partition(" ")
    return group if word == "stats" else None


# --- form ---


def test_rows_say_what_they_must() -> None:
    assert {row.here for row in ROWS} == {"same", "differs", "absent", "ours"}
    assert [name for name, count in Counter(ids(ROWS)).items() if count > 1] == []
    assert ids(row for row in ROWS if row.here == "same" and not row.test) == []
    assert ids(row for row in ROWS if row.here in ("differs", "absent") and not row.notes) == []


@cache
def functions(path: Path) -> dict[str, bool]:
    """Names of the tests of a file (`Class::test` or `test`), and whether each compares with the original."""
    tree = ast.parse(path.read_text())
    whole = any("pytestmark" in ast.unparse(node) and ".memcached" in ast.unparse(node) for node in tree.body)
    found = {}
    for node in tree.body:
        members = [(f"{node.name}::", part) for part in node.body] if isinstance(node, ast.ClassDef) else [("", node)]
        for prefix, part in members:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and part.name.startswith("test"):
                found[prefix + part.name] = whole or any(".memcached" in ast.unparse(d) for d in part.decorator_list)
    return found


def test_the_tests_named_exist_and_compare() -> None:
    missing, alone = [], []
    for row in (row for row in ROWS if row.test):
        path, _, name = row.test.partition("::")
        known = functions(TESTS / path) if (TESTS / path).is_file() else {}
        if name not in known:
            missing.append(f"{row.name}: {row.test}")
        elif row.here == "same" and not known[name] and path not in RECORDED:
            alone.append(f"{row.name}: {row.test}")
    assert missing == []
    assert alone == []


# --- nothing is left out ---


def test_every_command_has_a_row() -> None:
    rows = under("Commands")
    assert rows.keys() == set(original_names.COMMANDS)
    words = {word.decode() for word in (*COMMANDS, *DEBUG_COMMANDS)}
    assert words == {name.split()[0] for name, row in rows.items() if row.here != "absent"}
    assert {word.decode() for word in GROUPS} <= {name.split()[1] for name in rows if name.startswith("stats ")}


@pytest.mark.parametrize("command", META_COMMANDS)
def test_every_meta_flag_has_a_row(command: str) -> None:
    modes = [name for name in META_MODES if name.startswith(command)]
    assert under(command).keys() == {*(f"{command} {letter}" for letter in META_LETTERS), *modes}
    assert {letter.decode() for letter in META_FLAGS} == set(META_LETTERS)


def test_every_flag_has_a_row() -> None:
    rows = under("Flags")
    assert {name for name, row in rows.items() if row.here != "ours"} == original_names.FLAGS
    known = {flag for option in option_rows(Settings) for flag in option.flags[:1]} | {"-h", "-i", "-V"}
    refused = {name for name, row in rows.items() if row.here == "absent"}
    assert known - refused == rows.keys() - refused - {"-vv", "-vvv", "--print-settings"}


def test_every_option_has_a_row_that_is_true() -> None:
    rows = under("Options of -o")
    assert {name for name, row in rows.items() if row.here != "ours"} == original_names.OPTIONS
    assert EXTENDED.keys() == {name for name, row in rows.items() if row.here != "absent"}


@pytest.mark.parametrize("group", STATS)
def test_every_stat_has_a_row(group: str) -> None:
    assert under(f"stats {group}".strip()).keys() == {*STATS[group], *NEWER_STATS.get(group, ())}


# --- the originals' names ---


def sent_by(server: Server, group: str) -> set[str]:
    """Names of a group, without the class or the descriptor before them."""
    with Raw(server.address) as client:
        client.ask(b"set k 0 20 1\r\nx\r\n")
        return names_of(client.ask(f"stats {group}".strip().encode() + b"\r\n", b"END\r\n"))


def names_of(reply: bytes) -> set[str]:
    return {line.split()[1].decode().rpartition(":")[2] for line in reply.splitlines() if line.startswith(b"STAT ")}


@pytest.mark.memcached
def test_the_literal_names_are_the_originals() -> None:
    program = shutil.which("memcached") or "/usr/bin/memcached"
    text = subprocess.run([program, "-h"], capture_output=True, text=True, check=False).stdout
    assert set(re.findall(r"^(-\w+)", text, re.MULTILINE)) == original_names.FLAGS
    assert set(re.findall(r"^   - (\w+):", text, re.MULTILINE)) == original_names.OPTIONS_IN_HELP
    with running(lambda port: memcached_command(port, *REVEALING.split())) as server:
        for group in STATS:
            assert sent_by(server, group) == set(STATS[group]), group


# --- what the rows say of stats ---


@pytest.fixture(scope="module")
def ours() -> Iterator[list[Server]]:
    """Without flags, and with those that bring out more names."""
    with ExitStack() as stack:
        yield [stack.enter_context(serving(*words.split())) for words in ("", REVEALING)]


@contextmanager
def names_with_tls(directory: Path, group: str) -> Iterator[set[str]]:
    chain, key = certificate(directory, "names")
    with serving(*options(chain, key)) as server, spoken(server.address) as client:
        client.sendall(b"stats %b\r\n" % group.encode())
        reply = b""
        while not reply.endswith(b"END\r\n"):
            reply += client.recv(1 << 16)
        yield names_of(reply)


@pytest.mark.parametrize("group", STATS)
def test_stats_are_sent_as_their_rows_say(group: str, ours: list[Server], tmp_path: Path) -> None:
    rows = under(f"stats {group}".strip())
    sent = set().union(*(sent_by(server, group) for server in ours))
    if group in ("", "settings"):
        with names_with_tls(tmp_path, group) as names:
            sent |= names
    assert sent == {name for name, row in rows.items() if row.here != "absent"}


def test_stats_called_the_same_are_compared() -> None:
    """A test that goes through a table has the name there."""
    uncompared = []
    for row in ROWS:
        group = group_of(row)
        if row.here != "same" or group is None:
            continue
        by_hand = BY_HAND.get((group, row.name), "no test")
        if (group, row.name) not in STAT_TABLES.get(row.test, ()) and not row.test.endswith(f"::{by_hand}"):
            uncompared.append(row.name)
    assert uncompared == []


# --- what the rows say of commands and flags ---


def sent_in(scripts: Iterable[Script]) -> set[str]:
    """`command`, `command word`, `command word word`, and `command flag` of meta commands."""
    found: set[bytes] = set()
    for script in scripts:
        for request in (request for step in script.steps for request in requests(step.data)):
            found.update(b" ".join(request.words[:count]) for count in (1, 2, 3))
            found.update(request.verb + b" " + flag[:width] for flag in request.flags for width in (1, 2))
    return {name.decode("latin-1") for name in found}


def followed_scripts() -> Iterator[Script]:
    for pairs in EXPECTED.values():
        yield Script("written", tuple(Step(sent) for sent, _ in pairs))


def test_rows_that_name_a_collection_of_scripts_are_sent_in_it() -> None:
    collections = {
        CORPUS_TEST: sent_in(script for scripts in CORPUS.values() for script in scripts),
        GOLDEN_TEST: sent_in(case.script for case in cases()),
        FOLLOWED_TEST: sent_in(followed_scripts()),
    }
    named = [row for row in ROWS if row.test in collections]
    assert len(named) > 100
    assert ids(row for row in named if row.name not in collections[row.test]) == []


def test_absent_commands_are_errors(ours: list[Server]) -> None:
    absent = [name for name, row in under("Commands").items() if row.here == "absent"]
    with Raw(ours[0].address) as client:
        for name in absent:
            assert client.ask(name.encode() + b" 1\r\n") == b"ERROR\r\n", name


def test_absent_flags_are_refused() -> None:
    for name in (name for name, row in under("Flags").items() if row.here == "absent"):
        words = [*MEMCACHE_SERVER, *USER, "-p", "0", name, "1", "--print-settings"]
        done = subprocess.run(words, capture_output=True, timeout=20, check=False)
        assert done.returncode != 0, name


def test_the_pages_name_each_other() -> None:
    text = (TESTS.parent / "docs" / "compatibility.md").read_text()
    assert "compatibility-flags.md" in text
    assert "compatibility-stats.md" in text
