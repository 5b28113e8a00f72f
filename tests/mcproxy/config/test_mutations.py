"""Whatever a config says, it is built or refused with a ConfigError: never with anything else."""

import copy
import json
import random
from pathlib import Path

import pytest

from mcproxy.config.builder import build
from mcproxy.config.environment import of_settings
from mcproxy.config.jsonc import parse
from mcproxy.config_error import ConfigError
from mcproxy.offline import offline_context
from mcproxy.settings import Settings
from mcproxy.upstream.destination import UpstreamOptions

VALID = sorted((Path(__file__).parent / "corpus" / "valid").glob("*.json"))
IN_ITS_PLACE = (
    *(None, True, 0, -1, 1, 10**30, 0.5, -2.5, 1e308, "", "A", "PoolRoute|A", "Pool|A", "|", "@", "%", "@int(x)", "/"),
    *(10**400, "\ud800", "a\0b", "a..b:11211"),
    *([], {}, [[]], [None], [1, "a"], [{}], {"type": 1}, {"type": ""}, {"": ""}, {"name": "A"}, {"type": "PoolRoute"}),
)
MUTANTS = 25


def places(value):
    """Every (container, key) in a parsed value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from places(inner)


def mutants(path):
    chance = random.Random(path.name)
    original = json.loads(json.dumps(parse(path.read_text())))
    for _ in range(MUTANTS):
        mutant = copy.deepcopy(original)
        for _ in range(chance.choice((1, 1, 2))):
            container, key = chance.choice(list(places(mutant)))
            if chance.random() < 0.2 and isinstance(container, dict):
                del container[key]
            else:
                container[key] = copy.deepcopy(chance.choice(IN_ITS_PLACE))
            if not list(places(mutant)):
                break
        yield json.dumps(mutant, indent=1)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_config_is_built_or_refused(path, destinations):
    environment = of_settings(Settings(), 7)
    for text in mutants(path):
        try:
            build(text, destinations, UpstreamOptions(), offline_context(), environment)
        except ConfigError as error:
            assert 0 < error.line <= text.count("\n") + 1
        except Exception as error:
            raise AssertionError(text) from error


def test_routes_nested_too_deep_are_refused(destinations):
    text = '"NullRoute"'
    for _ in range(190):
        text = f'{{"type": "LoggingRoute", "target": {text}}}'
    with pytest.raises(ConfigError, match="nested too deep"):
        build(f'{{"route": {text}}}', destinations, UpstreamOptions(), offline_context())
