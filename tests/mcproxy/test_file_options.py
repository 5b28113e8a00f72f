import pytest

from mcdaemon.cli import parse_settings
from mcproxy.settings import Settings


def settings(*words):
    return parse_settings(Settings, words, {}, prog="mcproxy", env_prefix="MCPROXY", description="", version_text="")


def test_no_file_is_written_unless_its_directory_is_named():
    found = settings()
    assert (found.stats_root, found.config_dump_root, found.pool_stats_config_file) == ("", "", "")
    assert (found.stats_logging_interval, found.max_dumped_config_age) == (10_000, 43_200)


@pytest.mark.parametrize("option", ["--stats-logging-interval", "--max-dumped-config-age"])
def test_times_are_not_negative(option, capsys):
    with pytest.raises(SystemExit):
        settings(option, "-1")
    assert option in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ((), "5000"),
        (("-p", "7001,7002"), "7001"),
        (("--listen", "127.0.0.1:7003", "-p", "7001"), "7003"),
        (("--listen-sock-fd", "7"), "0"),
        (("--unix-domain-sock", "/run/mc.sock"), "0"),
    ],
)
def test_the_name_among_others_of_a_host(words, name):
    assert settings(*words).router_name == name
