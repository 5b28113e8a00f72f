"""What a meta line is read as, and the error that answers a bad one."""

from base64 import b64encode

import pytest

from mcproto.encode import BAD_LINE
from mcproto.meta_flags import (
    BAD_INITIAL,
    BAD_KEY,
    BAD_META_DELTA,
    BAD_TOKEN,
    DUPLICATE_FLAG,
    INVALID_FLAG,
    META_FLAGS,
    TOO_MANY_FLAGS,
    FlagPlan,
    MetaLine,
    key_token,
    parse_meta,
)


def parsed(line: bytes, first_flag: int = 2) -> MetaLine:
    result = parse_meta(line.split(b" "), first_flag)
    assert isinstance(result, MetaLine)
    return result


def test_flags_keep_the_requests_order_and_their_numbers() -> None:
    line = parsed(b"mg key t T30 v Oabc C+7 R-1 k")
    assert list(line.flags) == [b"t", b"T", b"v", b"O", b"C", b"R", b"k"]
    assert (line.flags[b"T"], line.flags[b"C"], line.flags[b"R"]) == (30, 7, -1)
    assert (line.key, line.opaque, line.mode, line.binary) == (b"key", b"Oabc", b"", False)


def test_flags_of_a_set_begin_behind_the_length() -> None:
    assert list(parsed(b"ms key 5 MA", first_flag=3).flags) == [b"M"]


@pytest.mark.parametrize(("flag", "mode"), [(b"MS", b"S"), (b"Mset", b"s"), (b"M", b"")])
def test_the_first_letter_of_a_mode_counts(flag: bytes, mode: bytes) -> None:
    assert parsed(b"ms key 5 " + flag, first_flag=3).mode == mode


def test_a_base64_key_is_decoded_wherever_its_flag_stands() -> None:
    line = parsed(b"mg %b v b" % b64encode(b"a \r\n\xff"))
    assert (line.key, line.binary) == (b"a \r\n\xff", True)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (b"no-base64", b"\x9e\x86\xda\xb1\xee\xb8"),  # what is no letter of base64 is skipped
        (b"--YQ==--", b"a"),
        (b"YWI=YWJj", b"ab"),  # a padded block is the last one
        (b"ab=c", b"i\xb0"),
    ],
)
def test_base64_is_read_as_loosely_as_the_original_does(text: bytes, key: bytes) -> None:
    assert parsed(b"mg %b b" % text).key == key


@pytest.mark.parametrize("text", [b"YQ", b"YQ=", b"a===", b"====", b"-", b"YWJj="])
def test_what_is_no_base64(text: bytes) -> None:
    assert parse_meta([b"mg", text, b"b"]) == BAD_KEY


@pytest.mark.parametrize("letter", sorted(META_FLAGS))
def test_every_letter_is_taken_once(letter: bytes) -> None:
    token = letter + b"1"
    assert letter in parsed(b"mg YWFh " + token).flags
    assert parse_meta([b"mg", b"YWFh", token, token]) == DUPLICATE_FLAG


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (b"z", INVALID_FLAG),
        (b"noreply", INVALID_FLAG),
        (b"5", INVALID_FLAG),
        (b"S1 T1x", INVALID_FLAG),
        (b"v v", DUPLICATE_FLAG),
        (b"v ,", BAD_LINE),
        (b"v v ,", BAD_LINE),
        (b"T", BAD_TOKEN),
        (b"Tabc", BAD_TOKEN),
        (b"N1x", BAD_TOKEN),
        (b"R1.5", BAD_TOKEN),
        (b"C-1", BAD_TOKEN),
        (b"Ex", BAD_TOKEN),
        (b"D1x", BAD_META_DELTA),
        (b"J-5", BAD_INITIAL),
        (b"F", BAD_LINE),
        (b"F1x", BAD_LINE),
        (b"T1x F1x", BAD_TOKEN),
        (b"F1x T1x", BAD_TOKEN),
        (b"T1x D1x", BAD_META_DELTA),
        (b"b", BAD_KEY),
        (b"T1x b", BAD_KEY),
        (b"b T1x", BAD_TOKEN),
        (b" ".join([b"v"] * 19), TOO_MANY_FLAGS),
    ],
)
def test_errors(flags: bytes, error: bytes) -> None:
    assert parse_meta([b"mg", b"k!y", *flags.split(b" ")]) == error


def test_eighteen_flags_are_not_too_many() -> None:
    letters = sorted(META_FLAGS)[:18]
    assert len(parsed(b"mg YWFh " + b" ".join(letter + b"1" for letter in letters)).flags) == 18


def test_the_length_of_a_key_is_that_of_its_text() -> None:
    assert parse_meta([b"mg", b"k" * 251]) == BAD_LINE
    assert parse_meta([b"mg", b"QUFB" * 63, b"b"]) == BAD_LINE
    assert parsed(b"mg " + b"k" * 250).key == b"k" * 250


def test_an_opaque_has_at_most_31_characters() -> None:
    assert not parsed(b"mg key O" + b"o" * 31).opaque_too_long
    assert parsed(b"mg key O" + b"o" * 32).opaque_too_long


def test_a_key_comes_back_as_it_was_sent() -> None:
    assert key_token(b"key", binary=False) == b" kkey"
    assert key_token(b"a b", binary=True) == b" kYSBi b"


# plans


def _run(root: FlagPlan[int], flags: bytes) -> FlagPlan[int]:
    plan = root
    for token in flags.split():
        plan = plan[token]
    return plan


def test_a_plan_is_made_once_for_all_lines_with_its_flags() -> None:
    root = FlagPlan(2, lambda plan: len(plan.flags or ()))
    plan = _run(root, b"t O12 T30 MA")
    assert (plan.flags, plan.mode, plan.opaque_at, plan.compiled) == ({b"t": 0, b"O": 0, b"T": 30, b"M": 0}, b"A", 3, 4)
    assert _run(root, b"t O3456 T30 MA") is plan
    assert _run(root, b"t O T30 MA") is plan
    assert _run(root, b"t O12 T31 MA") is not plan


@pytest.mark.parametrize("flags", [b"v v", b"v z", b"T", b"b", b"C1 v", b"T0000000000001", b"O1 O2", b"O" * 33 + b" v"])
def test_what_is_wrong_or_not_repeated_is_not_remembered(flags: bytes) -> None:
    root = FlagPlan(2, lambda plan: 1)
    assert _run(root, flags).flags is _run(root, flags).compiled is None


def test_what_is_remembered_is_bounded() -> None:
    made: list[int] = []
    root = FlagPlan(2, lambda plan: made.append(1))
    for number in range(3000):
        assert _run(root, b"v T%d" % number).flags == {b"v": 0, b"T": number}
    assert len(root) == 1
    assert len(root[b"v"]) < 1024
    del made[:]
    _run(root, b"v T2999")
    assert not made
