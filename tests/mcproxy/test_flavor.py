import pytest

from mcproxy.config_error import ConfigError
from mcproxy.flavor import with_flavors


def test_options_come_before_the_command_line(tmp_path):
    path = tmp_path / "flavor.json"
    path.write_text(
        '{"options": {"server_timeout_ms": "250", "ports": "5001", "enable_flush_cmd": true, "default_route": "/a/b/"}}'
    )
    assert with_flavors(["-p", "7", f"file:{path}"]) == [
        "--server-timeout=250",
        "--port=5001",
        "--enable-flush-cmd=1",
        "--route-prefix=/a/b/",
        "-p",
        "7",
    ]


def test_the_standalone_form(tmp_path):
    path = tmp_path / "flavor.json"
    path.write_text('{"libmcrouter_options": {"num_proxies": 2}, "standalone_options": {"tcp_listen_backlog": 9}}')
    assert with_flavors([f"file:{path}-standalone"]) == ["--num-proxies=2", "--tcp-listen-backlog=9"]


def test_the_value_of_an_option_is_no_flavor():
    words = ["--config", "file:/etc/mc.json", "-f", "file:x"]
    assert with_flavors(words) == words


@pytest.mark.parametrize("text", ["[]", "{}", '{"options": 1}', "{"])
def test_what_is_no_flavor(tmp_path, text):
    path = tmp_path / "flavor.json"
    path.write_text(text)
    with pytest.raises(ConfigError):
        with_flavors([f"file:{path}"])


def test_a_missing_file():
    with pytest.raises(ConfigError, match="Can not read config: /no/such: No such file"):
        with_flavors(["file:/no/such"])
