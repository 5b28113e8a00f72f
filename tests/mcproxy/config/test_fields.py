import pytest

from mcproxy.config.fields import RouteFields
from mcproxy.config.jsonc import parse
from mcproxy.config_error import ConfigError


class Children:
    """Stands for the tree's builder: says what it was asked for, and where."""

    def route(self, node, path):
        return ("route", node, path)

    def routes(self, node, path):
        return [("routes", node, path)]

    def pool(self, node, path):
        return ("pool", node, path)


def fields(text):
    given = parse(text, "a.json")
    return RouteFields(Children(), "XRoute", given, given, "route.child")


def test_what_is_given_is_read():
    given = fields(
        '{"s": "x", "i": 3, "f": 0.5, "b": true, "l": ["a", "b"], "n": [1, 2.5], "o": {"i": 4}, "os": [{"s": "y"}]}'
    )
    assert given.text("s") == "x"
    assert given.integer("i", 1, 0, 3) == 3
    assert (given.number("f", 1.0), given.number("i")) == (0.5, 3.0)
    assert given.boolean("b", False)
    assert (given.texts("l"), given.texts("s"), given.numbers("n")) == (["a", "b"], ["x"], [1.0, 2.5])
    assert given.object("o").integer("i") == 4
    assert [inner.text("s") for inner in given.objects("os")] == ["y"]
    assert given.has("o")
    assert not given.has("p")
    assert given.names()[:2] == ["s", "i"]


def test_what_is_not_given_has_its_default():
    none = fields("{}")
    assert none.text("s", "d") == "d"
    assert none.integer("i", -1, low=0) == -1, "a default need not be in the range"
    assert none.number("f", 0.25) == 0.25
    assert none.boolean("b", True)
    assert (none.texts("l"), none.numbers("n"), none.object("o"), list(none.objects("os"))) == ([], [], None, [])
    assert none.optional_child("c") is None
    assert none.child_map("m") == {}


def test_children_are_built_with_their_paths():
    given = fields('{"c": "A", "m": {"get": "B"}}')
    assert given.child("c") == given.optional_child("c") == ("route", "A", "route.child.c")
    assert given.children("c") == [("routes", "A", "route.child.c")]
    assert given.child_map("m") == {"get": ("route", "B", "route.child.m.get")}
    assert given.pool("c") == ("pool", "A", "route.child.c")


def test_hashes():
    given = fields('{"hash": {"hash_func": "WeightedCh3", "weights": [0.5, 1], "salt": "x"}, "hash_func": "Crc32"}')
    function, options = given.hash("hash", "Ch3")
    assert (function, options.salt, options.weights) == ("WeightedCh3", "x", (0.5, 1.0))
    assert given.hash("", "Ch3")[0] == "Crc32"
    assert given.hash("other", "Ch3")[0] == "Ch3"
    assert fields('{"hash": {"salt": "y"}}').hash("hash", "WeightedCh3")[0] == "WeightedCh3"


@pytest.mark.parametrize(
    ("text", "read", "words", "line", "path"),
    [
        ("{}", lambda f: f.text("s"), "s is missing", 1, ""),
        ("{}", lambda f: f.integer("i"), "i is missing", 1, ""),
        ("{}", lambda f: f.child("c"), "c is missing", 1, ""),
        ('{\n"s": 1}', lambda f: f.text("s", ""), "s must be a string", 2, ".s"),
        ('{\n"i": true}', lambda f: f.integer("i", 1), "i must be a whole number", 2, ".i"),
        ('{\n"i": 0.5}', lambda f: f.integer("i", 1), "i must be a whole number", 2, ".i"),
        ('{\n"i": -1}', lambda f: f.integer("i", 1), "i must be at least 0, not -1", 2, ".i"),
        ('{\n"i": 11}', lambda f: f.integer("i", 1, 2, 10), "i must be from 2 to 10, not 11", 2, ".i"),
        ('{\n"f": "1"}', lambda f: f.number("f", 1.0), "f must be a number", 2, ".f"),
        ('{\n"f": 1.5}', lambda f: f.number("f", 1.0, 0.0, 1.0), "f must be from 0.0 to 1.0", 2, ".f"),
        ('{\n"b": 1}', lambda f: f.boolean("b", True), "b must be true or false", 2, ".b"),
        ('{\n"l": [1]}', lambda f: f.texts("l"), "l must be a list of strings", 2, ".l"),
        ('{\n"n": [true]}', lambda f: f.numbers("n"), "n must be a list of numbers", 2, ".n"),
        ('{\n"o": []}', lambda f: f.object("o"), "o must be an object", 2, ".o"),
        ('{\n"os": {}}', lambda f: f.objects("os"), "os must be a list of objects", 2, ".os"),
        ('{"os": [{},\n{"s": 1}]}', lambda f: f.objects("os")[1].text("s"), "s must be a string", 2, ".os[1].s"),
        ('{\n"m": []}', lambda f: f.child_map("m"), "m must be an object of routes", 2, ".m"),
        ('{\n"h": "x"}', lambda f: f.hash("h", "Ch3"), "unknown hash function: x", 2, ".h"),
        ('{"h":\n {"salt": 1}}', lambda f: f.hash("h", "Ch3"), "salt must be a string", 2, ".h.salt"),
    ],
)
def test_mistakes_name_the_kind_the_file_the_line_and_the_path(text, read, words, line, path):
    with pytest.raises(ConfigError) as caught:
        read(fields(text))
    error = caught.value
    assert error.text.startswith("XRoute: ")
    assert words in error.text
    assert (error.line, error.path, error.file) == (line, "route.child" + path, "a.json")
