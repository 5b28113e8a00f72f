import pytest

from mcproxy.config.source import Source
from mcproxy.config_error import ConfigError


@pytest.mark.parametrize("text", ['{"route": "NullRoute"}', ' \n{"route": 1}', "// why\n{}"])
def test_json_itself(text):
    assert Source.of(text).read() == text


def test_a_path_with_or_without_its_scheme(tmp_path):
    path = tmp_path / "c.json"
    path.write_text("{}")
    assert Source.of(str(path)).read() == Source.of(f"file:{path}").read() == "{}"
    assert Source.of(f"file:{path}").name == str(path)


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.write_bytes(b"\xff{")])
def test_what_cannot_be_read(tmp_path, make):
    path = tmp_path / "c.json"
    make(path)
    with pytest.raises(ConfigError, match=f"Can not read config: {path}"):
        Source.of(str(path)).read()
