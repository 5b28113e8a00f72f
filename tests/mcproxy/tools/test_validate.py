import pytest

from mcdaemon.errors import StartError
from mcproxy.settings import Settings
from mcproxy.tools.validate import validate


def test_a_good_configuration_passes_and_no_name_is_looked_up():
    validate(Settings(config='{"route": {"type": "PoolRoute", "pool": {"servers": "dns+nowhere.invalid:1"}}}'))


def test_a_field_that_no_route_knows_is_told_and_passes(caplog):
    validate(Settings(config='{"route":\n{"type": "NullRoute", "x": 1}}'))
    assert caplog.messages == ["NullRoute has no field x: it is ignored line: 2 at: route.x"]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ('{"route":\n"XYZRoute"}', "Unknown RouteHandle: XYZRoute line: 2 at: route"),
        ("/no/such", "Can not read config: /no/such"),
        ("", "needs --config"),
    ],
)
def test_a_bad_one_is_status_3(config, words):
    with pytest.raises(StartError) as caught:
        validate(Settings(config=config))
    assert words in caught.value.text
    assert caught.value.exit_code == 3
