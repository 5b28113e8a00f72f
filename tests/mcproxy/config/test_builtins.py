import pytest

from mcproxy.config.builtins import BUILTINS, RANGE_MAX
from mcproxy.hashing.spooky import spooky_hash32

LIST, OBJECT = [1, 2, 3], {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("add", (2, 3), 5),
        ("sub", (2, 3), -1),
        ("mul", (2, 3), 6),
        ("div", (7, 2), 3),
        ("div", (-7, 2), -3),
        ("mod", (7, 3), 1),
        ("mod", (-7, 3), -1),
        ("bitwiseAnd", (6, 3), 2),
        ("bitwiseOr", (6, 3), 7),
        ("bitwiseNot", (0,), -1),
        ("and", (True, False), False),
        ("or", (True, False), True),
        ("not", (True,), False),
        ("less", (1, 2), True),
        ("less", ("b", "a"), False),
        ("equals", (1, 1), True),
        ("equals", (1, True), False),
        ("int", ("5",), 5),
        ("int", (True,), 1),
        ("double", ("0.5",), 0.5),
        ("str", (5,), "5"),
        ("str", (True,), "true"),
        ("bool", ("false",), False),
        ("bool", ("Yes",), True),
        ("bool", (0,), False),
        ("isArray", (LIST,), True),
        ("isBool", (1,), False),
        ("isInt", (True,), False),
        ("isInt", (1,), True),
        ("isNumber", (0.5,), True),
        ("isObject", (OBJECT,), True),
        ("isString", ("x",), True),
        ("keys", (OBJECT,), ["a", "b", "c"]),
        ("values", (OBJECT,), [1, 2, 3]),
        ("size", ("abc",), 3),
        ("size", (OBJECT,), 3),
        ("empty", ([],), True),
        ("contains", (OBJECT, "a"), True),
        ("contains", (LIST, 4), False),
        ("contains", ([1], True), False),
        ("contains", ("abc", "bc"), True),
        ("merge", ([[1], [2]],), [1, 2]),
        ("merge", ([{"a": 1}, {"a": 2, "b": 3}],), {"a": 2, "b": 3}),
        ("merge", (["a", "b"],), "ab"),
        ("set", (OBJECT, "a", 9), {"a": 9, "b": 2, "c": 3}),
        ("set", (LIST, 1, 9), [1, 9, 3]),
        ("slice", (LIST, 1, 1), [2]),
        ("slice", (LIST, -5, 99), [1, 2, 3]),
        ("slice", ("abcd", 1, 2), "bc"),
        ("slice", (OBJECT, "a", "b"), {"a": 1, "b": 2}),
        ("sort", ([3, 1, 2],), [1, 2, 3]),
        ("sort", (["b", "a"],), ["a", "b"]),
        ("split", ("a.b.", "."), ["a", "b", ""]),
        ("range", (1, 3), [1, 2, 3]),
        ("range", (3, 1), []),
        ("hash", ("x",), spooky_hash32(b"x", 0)),
        ("weightedHash", ({"a": 0.0, "b": 1.0}, "any"), "b"),
        ("isLocalIp", ("127.0.0.1",), True),
        ("isLocalIp", ("192.0.2.1",), False),
        ("isLocalIp", ("no address",), False),
    ],
)
def test_what_it_gives(name, arguments, expected):
    assert BUILTINS[name].call(*arguments) == expected


def test_a_shuffle_is_the_same_for_the_same_seed():
    shuffle, items = BUILTINS["shuffle"].call, list(range(20))
    assert shuffle(items, 1) == shuffle(items, 1) != shuffle(items, 2)
    assert sorted(shuffle(items)) == items
    assert shuffle(OBJECT) == OBJECT


def test_arguments_stay_as_they_were():
    items, fields = [3, 1], {"a": 1}
    BUILTINS["sort"].call(items)
    BUILTINS["set"].call(fields, "a", 2)
    BUILTINS["merge"].call([fields, {"a": 3}])
    assert (items, fields) == ([3, 1], {"a": 1})


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("add", (1, "2"), "B is string, integer expected"),
        ("add", (1, True), "B is boolean, integer expected"),
        ("and", (1, True), "A is integer, boolean expected"),
        ("div", (1, 0), "B is 0"),
        ("mod", (1, 0), "B is 0"),
        ("int", ("x",), "can not cast string 'x' to int"),
        ("int", ([],), "can not cast array"),
        ("double", ("x",), "can not cast"),
        ("bool", ("maybe",), "can not cast"),
        ("str", ({},), "can not cast object to string"),
        ("less", (1, "a"), "can not compare integer and string"),
        ("keys", ([],), "dictionary is array, object expected"),
        ("size", (1,), "dictionary is integer"),
        ("contains", (1, 1), "dictionary is integer"),
        ("merge", ([],), "empty"),
        ("merge", ([1],), "param 0 is integer"),
        ("merge", ([[1], {}],), "param 1 is object, array expected"),
        ("set", (LIST, 3, 0), "out of range"),
        ("slice", (LIST, "a", 1), "from is string, integer expected"),
        ("sort", ([1, "a"],), "all integers or all strings"),
        ("range", (0, RANGE_MAX), "more than"),
        ("weightedHash", ({}, "k"), "empty"),
        ("fail", ("because",), "because"),
    ],
)
def test_what_it_refuses(name, arguments, words):
    with pytest.raises(ValueError, match=words):
        BUILTINS[name].call(*arguments)
