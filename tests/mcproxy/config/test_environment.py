import pytest

from mcdaemon.cli import parse_settings
from mcproxy.config.builder import build
from mcproxy.config.environment import Distances, of_settings
from mcproxy.offline import offline_context
from mcproxy.routes.front import GroupedRemoteErrors, OnlyGets
from mcproxy.routes.logging import LoggingRoute
from mcproxy.settings import Settings
from mcproxy.upstream.destination import UpstreamOptions


def environment(*words):
    settings = parse_settings(Settings, words, {}, prog="mcproxy", env_prefix="M", description="", version_text="")
    return of_settings(settings, 99)


def test_global_parameters():
    values = environment(
        *("-p", "5001", "-R", "/east/a/", "--num-proxies", "3", "-t", "70"),
        *("--config-params", "x:1,y:a:b", "--service-name", "shop"),
    ).global_values
    assert {
        name: values[name]
        for name in ("default-route", "default-region", "default-cluster", "hostid", "num-proxies", "router-name")
    } == {
        "default-route": "/east/a/",
        "default-region": "east",
        "default-cluster": "a",
        "hostid": "99",
        "num-proxies": 3,
        "router-name": "5001",
    }
    assert (values["service-name"], values["config-params"]) == ("shop", {"x": "1", "y": "a:b"})
    assert (values["x"], values["y"]) == ("1", "a:b")
    assert values["mcr_opts-server-timeout"] == "70"
    assert values["mcr_opts-enable-flush-cmd"] == "false"


def test_distances():
    distances = environment(
        "--within-cluster-timeout-ms", "1", "--cross-cluster-timeout-ms", "2", "--cross-region-timeout-ms", "3"
    ).distances
    assert distances == Distances(1, 2, 3)


@pytest.mark.parametrize("prefix", ["a", "/a/", "/a/b", "//b/", "/a/b/c/"])
def test_bad_prefixes_are_refused(prefix, capsys):
    with pytest.raises(SystemExit):
        environment("-R", prefix)
    assert "is not of the form /region/cluster/" in capsys.readouterr().err


def test_the_default_prefix_must_be_among_the_aliases(destinations):
    text = '{"routes": {"/east/a/": "NullRoute"}}'
    made = build(text, destinations, UpstreamOptions(), offline_context(), environment("-R", "/east/a/"))
    assert made.destinations == ()


@pytest.mark.parametrize(
    ("option", "kind"),
    [
        ("--allow-only-gets", OnlyGets),
        ("--group-remote-errors", GroupedRemoteErrors),
        ("--enable-logging-route", LoggingRoute),
    ],
)
def test_what_options_put_above_the_tree(destinations, option, kind):
    made = build('{"route": "NullRoute"}', destinations, UpstreamOptions(), offline_context(), environment(option))
    assert isinstance(made.root, kind)
