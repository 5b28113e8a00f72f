import pytest

from mcdaemon.errors import StartError
from mcproxy.settings import Settings
from mcproxy.tools.validate import validate


def test_a_good_configuration_passes_and_no_name_is_looked_up():
    validate(Settings(config='{"route": {"type": "PoolRoute", "pool": {"servers": "dns+nowhere.invalid:1"}}}'))


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
