import pytest

from mcdaemon.cli import parse_settings
from mcdaemon.sockets import Address
from mcproxy.configuration import upstream_options
from mcproxy.settings import Settings


def settings(*words, **environ):
    return parse_settings(
        Settings,
        words,
        environ,
        prog="mcproxy",
        env_prefix="MCPROXY",
        description="",
        version_text="",
        usage_exit=3,
        value_exit=3,
    )


@pytest.mark.parametrize(
    ("words", "addresses"),
    [
        ((), [Address("", 5000)]),
        (("--listen", "5000"), [Address("", 5000)]),
        (("--listen", "127.0.0.1:7"), [Address("127.0.0.1", 7)]),
        (("-p", "5000,5001"), [Address("", 5000), Address("", 5001)]),
        (("-p", "5000", "--listen-addresses", "127.0.0.1,::1"), [Address("127.0.0.1", 5000), Address("::1", 5000)]),
        (("--listen-addresses", "127.0.0.1"), [Address("127.0.0.1", 5000)]),
    ],
)
def test_where_to_listen(words, addresses):
    assert settings(*words).addresses() == addresses


def test_upstreams_may_be_repeated_and_come_from_the_environment():
    assert settings("--upstream", "a:1", "--upstream", "dns+b:2").upstream == ("a:1", "dns+b:2")
    assert settings(MCPROXY_UPSTREAM="a:1 b:2").upstream == ("a:1", "b:2")
    assert settings(MCPROXY_LISTEN="7").addresses() == [Address("", 7)]


def test_config_wins_over_config_file():
    assert settings("-f", "/a").config_text == "file:/a"
    assert settings("-f", "/a", "--config", "{}").config_text == "{}"
    assert settings().config_text == ""


def test_milliseconds_become_seconds():
    options = upstream_options(settings("-t", "250", "-r", "10000", "--probe-timeout-max", "60000"))
    assert (options.timeout_s, options.connect_timeout_s) == (0.25, 0.25)
    assert (options.probe_initial_s, options.probe_max_s) == (10.0, 60.0)


def test_unknown_options_are_collected_not_fatal():
    found = settings("--no-such-option", "--thread-affinity")
    assert found.unknown == ("--no-such-option",)
    assert found.ignored == ("--thread-affinity",)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-t", "0"), "-t/--server-timeout: 0 is less than 1"),
        (("--hash", "md5"), '--hash: "md5" is not one of'),
        (("--upstream", "nope"), None),
        (("--upstream", "h:99999"), "--upstream: upstream 'h:99999'"),
        (("--num-proxies", "0"), "--num-proxies/--proxy-threads: 0 is not between"),
        (("--upstream", "a:1", "--config", "{}"), "--upstream: servers come from here or"),
        (("--upstream", "a:1", "--upstream", "a:1"), "--upstream: a:1 is given twice"),
        (("-t",), "-t"),
    ],
)
def test_bad_values_are_status_3_and_one_line(words, told, capsys):
    if told is None:
        assert settings(*words).upstream == ("nope",)
        return
    with pytest.raises(SystemExit) as caught:
        settings(*words)
    assert caught.value.code == 3
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
