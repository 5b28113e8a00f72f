"""TLS through processes: pymemcache, a proxy of two workers, our server with -Z and a plain memcached."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, closing

import pytest
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheUnexpectedCloseError

from tests.support.certificates import Authority, Pair
from tests.support.processes import free_port, memcache_server_command, memcached_command, running
from tests.support.waiting import wait_until

VALUE = b"v" * 300_000
CONFIG = """{{
  "pools": {{"secure": {{"servers": ["127.0.0.1:{}:ascii:tls"]}}, "plain": {{"servers": ["127.0.0.1:{}"]}}}},
  "route": {{"type": "AllSyncRoute", "children": ["PoolRoute|secure", "PoolRoute|plain"]}}
}}"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


def test_from_tls_to_both_kinds_of_servers(tmp_path, authority):
    server_pair, client_pair = authority.certificate("server.test"), authority.certificate("client.test")
    shown = Pair(tmp_path / "chain", tmp_path / "key")
    server_pair.copied(shown)
    tls_port = free_port()
    suboptions = (
        f"ssl_chain_cert={server_pair.chain},ssl_key={server_pair.key},ssl_ca_cert={authority.pem},ssl_verify_mode=2"
    )
    with ExitStack() as stack:
        run = stack.enter_context
        secure = run(running(lambda port: memcache_server_command(port, "-Z", "-u", "root", "-o", suboptions)))
        plain = run(running(memcached_command))
        words = [
            *("--config", CONFIG.format(secure.address[1], plain.address[1]), "--num-proxies", "2"),
            *("--listen-addresses", "127.0.0.1", "--ssl-port", str(tls_port), *shown.words("server-")),
            *("--server-pem-ca-path", str(authority.pem), "--ssl-require-peer-certs"),
            *("--pem-ca-path", str(authority.pem), *client_pair.words("")),
            *("--ssl-verify-peers", "--ssl-service-identity", "server.test"),
        ]
        proxy = run(running(lambda port: [sys.executable, "-m", "mcproxy", "-p", str(port), *words]))
        trusting = authority.trusting(client_pair)
        for number in range(4):  # both workers, most likely
            with closing(Client(("127.0.0.1", tls_port), tls_context=trusting, timeout=10)) as client:
                assert client.set(f"k{number}", VALUE, noreply=False)
                assert client.get(f"k{number}") == VALUE
                assert client.get_many(["k0", "none"]) == {"k0": VALUE}
        with closing(Client(plain.address, timeout=10)) as direct:
            assert all(direct.get(f"k{number}") == VALUE for number in range(4))
        with pytest.raises((OSError, MemcacheUnexpectedCloseError)):  # without a certificate
            Client(("127.0.0.1", tls_port), tls_context=authority.trusting(), timeout=10).get("k0")

        def shown_name() -> str:
            with (
                socket.create_connection(("127.0.0.1", tls_port), 10) as raw,
                trusting.wrap_socket(raw, server_hostname="127.0.0.1") as session,
            ):
                return dict(pair[0] for pair in session.getpeercert()["subject"])["commonName"]

        assert shown_name() == "server.test"
        authority.certificate("renewed.test").copied(shown)
        os.kill(proxy.pid, signal.SIGHUP)
        wait_until(lambda: [shown_name() for _ in range(4)] == ["renewed.test"] * 4, 10, "the new certificate")


@pytest.mark.parametrize("more", [["--validate-config"], ["--num-proxies", "4"]])
def test_a_bad_certificate_is_one_line_and_status_3(tmp_path, more):
    bad = tmp_path / "bad.pem"
    bad.write_text("none")
    words = ["--config", '{"route": "NullRoute"}', "-p", "0", "--ssl-port", "0", "--server-pem-cert-path", str(bad)]
    done = subprocess.run(
        [sys.executable, "-m", "mcproxy", *words, *more], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith(f"mcproxy: Error loading the certificate chain: {bad}: ")
    assert done.stderr.count("Error loading") == 1
