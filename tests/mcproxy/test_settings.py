import pytest

from mcdaemon.cli import parse_settings
from mcdaemon.sockets import Address
from mcproxy.configuration import upstream_options
from mcproxy.mcrouter_options import IGNORED
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


@pytest.mark.parametrize("names", IGNORED, ids=lambda names: names[0])
def test_what_is_accepted_without_effect_is_named(names):
    flags = [name for name in names if name.startswith("-")]
    words = [flags[-1], "1"] if len(flags) < len(names) else [flags[-1]]
    found = settings(*words, "--upstream", "h:1")
    assert found.ignored == (flags[-1],)
    assert (found.unknown, found.positional) == ((), ())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--ssl-port", "5443"), "--ssl-port: TLS needs a certificate"),
        (("--ssl-port", "5443", "--server-pem-key-path", "k"), "--ssl-port: TLS needs a certificate"),
        (("--ssl-port", "1", "--pem-cert-path", "c", "--ssl-require-peer-certs"), "needs the CAs of clients"),
        (("--ssl-port", "1", "--pem-cert-path", "c", "--unix-domain-sock", "/s"), "not together with a Unix socket"),
        (("--ssl-port", "1", "--pem-cert-path", "c", "--listen-sock-fd", "3"), "not together with --listen-sock-fd"),
        (("--pem-key-path", "k"), "a key without a certificate"),
        (("--upstream-tls", "--config", "{}"), "only for --upstream"),
    ],
)
def test_nobody_believes_in_tls_that_is_not_spoken(words, told, capsys):
    with pytest.raises(SystemExit) as caught:
        settings(*words)
    assert caught.value.code == 3
    assert told in capsys.readouterr().err


def test_where_tls_is_listened_for_and_with_what():
    both = settings("--ssl-port", "1,2", "--listen-addresses", "a,b", "--pem-cert-path", "c", "--pem-ca-path", "d")
    assert [str(address) for address in both.tls_addresses()] == ["a:1", "b:1", "a:2", "b:2"]
    assert both.addresses() == []
    assert both.server_pem == both.upstream_pem == ("c", "", "d")
    own = settings("--ssl-port", "1", "-p", "3", "--pem-cert-path", "c", "--server-pem-cert-path", "s")
    assert [str(address) for address in own.addresses()] == ["*:3"]
    assert own.server_pem == ("s", "", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-R", "east"), "is not of the form /region/cluster/"),
        (("--config-params", "x"), "is not of the form name:value"),
        (("--validate-config=maybe",), '"maybe" is not one of'),
        (("--unix-domain-sock", "/s", "-p", "1"), "either a Unix socket or TCP ports"),
    ],
)
def test_bad_values_of_mcrouters_options(words, told, capsys):
    with pytest.raises(SystemExit) as caught:
        settings(*words)
    assert caught.value.code == 3
    assert told in capsys.readouterr().err


def test_mcrouters_options():
    found = settings(
        *("-R", "/a/b/", "-K", "3", "-i", "5", "-I", "7", "-L", "/log", "--config-params", "a:1,b:c:d"),
        *("--validate-config", "--reconfiguration-delay-ms=5", "--service-name", "s", "-p", "1"),
    )
    assert (found.route_prefix, found.log_path, found.service_name) == ("/a/b/", "/log", "s")
    assert (found.keepalive_count, found.keepalive_interval, found.keepalive_idle) == (3, 5, 7)
    assert found.config_params == (("a", "1"), ("b", "c:d"))
    assert (found.validate_config, found.reconfiguration_delay_ms) == ("exit", 5)
    assert settings("--validate-config=run").validate_config == "run"


def test_the_backlog_of_listeners():
    assert settings().tcp_listen_backlog == 1024
    assert settings("--tcp-listen-backlog=7").tcp_listen_backlog == 7
