"""Lines of values that know none."""

import pytest

from mcproxy.config.jsonc import parse
from mcproxy.config.places import placed_in
from mcproxy.config_error import ConfigError

TEXT = """{
  "pools": {
    "A": {"servers": [
      "h:1"], "server_timeout":
      7}
  },
  "route": {
    "policies": {
      "a": 1,
      "a.b": 2,
      "c[0]": [3, {
        "x": 4}]
    }
  }
}"""


def place(path, text=TEXT, line=0):
    with pytest.raises(ConfigError) as caught, placed_in(parse(text, "f.json")):
        raise ConfigError("wrong", line, path)
    return caught.value.line, caught.value.file


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", 1),
        ("nothing", 1),
        ("pools.A", 3),
        ("pools.A.servers", 3),
        ("pools.A.servers[0]", 4),
        ("pools.A.servers[7]", 3),
        ("pools.A.server_timeout", 4),
        ("pools.A.server_timeout.more", 4),
        ("route.policies.a", 9),
        ("route.policies.a.b", 10),
        ("route.policies.c[0][0]", 11),
        ("route.policies.c[0][1].x", 12),
    ],
)
def test_a_path_leads_to_a_line(path, line):
    assert place(path) == (line, "f.json")


def test_a_line_that_is_known_stays():
    assert place("pools.A", line=99) == (99, "")
