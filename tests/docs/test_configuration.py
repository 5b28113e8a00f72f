"""The examples of docs/configuration.md are configurations that the proxy takes."""

import re
from pathlib import Path

import pytest

from mcproxy.config.environment import Environment
from mcproxy.config.source import Source
from mcproxy.config_error import ConfigError
from mcproxy.hashing import HASH_FUNCTIONS
from mcproxy.offline import OfflineTree
from mcproxy.upstream.destination import UpstreamOptions

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
EXAMPLES = re.findall(r"```(yaml|json)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
def test_examples(kind, text, tmp_path):
    (tmp_path / "pools").mkdir()
    (tmp_path / "pools" / "b.json").write_text('{"servers": ["10.0.1.1:11211"]}')
    path = tmp_path / f"mc.{kind}"
    path.write_text(text)
    OfflineTree(Source(path), Environment(), UpstreamOptions())
    path.write_text(text.replace("Route", "Rout"))
    with pytest.raises(ConfigError):
        OfflineTree(Source(path), Environment(), UpstreamOptions())


def test_the_hashes_that_it_names_exist():
    named = re.findall(r'"hash_func": "(\w+)"|`"(\w+)"`', PAGE)
    names = {name for pair in named for name in pair if name} - {"key_hash", "hash", "names", "weights"}
    assert names
    assert names <= set(HASH_FUNCTIONS)
