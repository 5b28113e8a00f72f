"""The image as it is built and run: the pods' own command lines and restrictions, under podman.

A pod's options come from the rendered manifests, so what is tested is what is deployed. Clients run in
containers that share the server's network, in which there is nothing but a loopback interface.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.conftest import REPOSITORY
from tests.deploy.container_engine import (
    Container,
    ContainerEngine,
    collect_wheels,
    lay_out_context,
    missing_for_containers,
)
from tests.deploy.rules.values import quantity
from tests.support.kubectl import Manifest

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("containers"), pytest.mark.timeout(600)]

Rendered = Callable[[str], list[Manifest]]

IMAGE = "localhost/mcfleet-memcached:test"
SAMPLE_IMAGE = "localhost/mcfleet-sample-application:test"
GRACE_S = 10
NO_NETWORK = "--network=none"

# Waits for the port, sends everything with a final quit, prints what comes until the server closes.
TALK = """
import socket, sys, time
port, request = int(sys.argv[1]), sys.argv[2].encode() + b"quit\\r\\n"
deadline = time.monotonic() + 20
while True:
    try:
        connection = socket.create_connection(("127.0.0.1", port), 20)
        break
    except ConnectionRefusedError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.05)
connection.sendall(request)
reply = b""
while data := connection.recv(65536):
    reply += data
sys.stdout.write(reply.decode())
"""

# The status and text of PATH; with a third argument, waits until the status is that.
HTTP_GET = """
import sys, time, urllib.request, urllib.error
url, wanted = f"http://127.0.0.1:{sys.argv[1]}{sys.argv[2]}", sys.argv[3]
deadline = time.monotonic() + 20
while True:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    except urllib.error.URLError as error:
        status, text = 0, str(error)
    if str(status) == wanted or time.monotonic() > deadline:
        break
    time.sleep(0.05)
print(status, text)
"""

# 120 MB of values into a cache of 64, by one pipelined connection, and then 900 idle ones beside it.
FILL = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", 11211), 20)
value = b"x" * 1000
for start in range(0, 120_000, 1_000):
    numbers = range(start, start + 1_000)
    connection.sendall(b"".join(b"set key-%d 0 0 1000 noreply\\r\\n%b\\r\\n" % (n, value) for n in numbers))
connection.sendall(b"version\\r\\n")
assert connection.recv(100).startswith(b"VERSION ")
idle = [socket.create_connection(("127.0.0.1", 11211), 20) for _ in range(900)]
for each in idle:
    each.sendall(b"get key-119999\\r\\n")
for each in idle:
    assert each.recv(5) == b"VALUE"
connection.sendall(b"stats\\r\\nquit\\r\\n")
reply = b""
while data := connection.recv(65536):
    reply += data
sys.stdout.write(reply.decode())
"""

PRINT_LISTENERS = "print(open('/proc/net/tcp').read(), open('/proc/net/tcp6').read(), sep='')"

TRY_TO_WRITE = """
try:
    open("/opt/mcfleet/new", "w")
except OSError as error:
    print(error.strerror)
"""

UNCOMPILED = """
import os, sys
import asyncio, memcache_server.__main__, mcproxy.__main__, aiohttp.web, prometheus_client, uvloop
modules = [m for m in list(sys.modules.values()) if getattr(m, "__cached__", None)]
assert len(modules) > 200, len(modules)
print([m.__name__ for m in modules if not os.path.exists(m.__cached__)])
"""


@pytest.fixture(scope="module")
def storage() -> Iterator[ContainerEngine]:
    """A storage with the image in it."""
    if missing := missing_for_containers():
        pytest.skip(f"NO CONTAINERS ({missing}): THE IMAGE IS NOT TESTED; see tools/debian-packages")
    with tempfile.TemporaryDirectory(prefix="mcfleet-") as directory:
        engine = ContainerEngine(Path(directory))
        try:
            context = Path(directory, "context")
            context.mkdir()
            lay_out_context(REPOSITORY, context)
            engine.add_base_image(REPOSITORY / "tools/base-image")
            engine.build(context, IMAGE)
            yield engine
        finally:
            engine.close()


@pytest.fixture(scope="module")
def sample_image(storage: ContainerEngine, tmp_path_factory: pytest.TempPathFactory) -> str:
    context = tmp_path_factory.mktemp("sample-application")
    shutil.copytree(REPOSITORY / "deploy/sample-application", context, dirs_exist_ok=True)
    shutil.copytree(collect_wheels(["pymemcache>=4,<5"]), context / "wheels")
    storage.build(context, SAMPLE_IMAGE)
    return SAMPLE_IMAGE


@pytest.fixture
def engine(storage: ContainerEngine) -> Iterator[ContainerEngine]:
    yield storage
    storage.remove_containers()


@pytest.fixture
def server(engine: ContainerEngine, rendered: Rendered) -> Container:
    """A cache server as the StatefulSet runs it."""
    pod = pod_of(rendered("memcached"), "StatefulSet")
    return engine.start(IMAGE, *command_of(pod), options=[NO_NETWORK, *restrictions(pod)])


def pod_of(manifests: list[Manifest], kind: str) -> Manifest:
    (workload,) = [m for m in manifests if m["kind"] == kind]
    pod: Manifest = workload["spec"]["template"]["spec"]
    return pod


def restrictions(pod: Manifest) -> list[str]:
    """The manifest's limits in podman's words."""
    (container,) = pod["containers"]
    security = container["securityContext"]
    assert (security["readOnlyRootFilesystem"], security["allowPrivilegeEscalation"]) == (True, False)
    user = f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    return [
        "--read-only",
        "--read-only-tmpfs=false",
        "--security-opt=no-new-privileges",
        *(f"--cap-drop={capability}" for capability in security["capabilities"]["drop"]),
        f"--user={user}",
        f"--memory={quantity(container['resources']['limits']['memory']):.0f}",
    ]


def command_of(pod: Manifest, **options: str) -> list[str]:
    """Command and arguments; each of `options` replaces the value of an argument --NAME=VALUE."""
    (container,) = pod["containers"]
    arguments = [argument.replace("$(POD_NAMESPACE)", "default") for argument in container["args"]]
    for option, value in options.items():
        (place,) = [n for n, argument in enumerate(arguments) if argument.startswith(f"--{option}=")]
        arguments[place] = f"--{option}={value}"
    return [*container["command"], *arguments]


def probed_paths(pod: Manifest) -> set[str]:
    """Of all three probes."""
    (container,) = pod["containers"]
    return {container[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")}


def talk(container: Container, port: int, request: str) -> str:
    return container.run_beside("python", "-c", TALK, str(port), request).replace("\r\n", "\n")


def get(container: Container, port: int, path: str, status: int = 200) -> str:
    """The status and text that come, after waiting for this status."""
    return container.run_beside("python", "-c", HTTP_GET, str(port), path, str(status))


class TestImage:
    def test_configuration(self, engine: ContainerEngine) -> None:
        config = engine.image_config(IMAGE)
        assert config["User"] == "65532:65532"
        assert set(config["ExposedPorts"]) == {"11211/tcp", "9150/tcp", "5000/tcp", "9442/tcp"}  # type: ignore[call-overload]
        assert config["Cmd"] == ["memcache-server"]

    def test_nothing_is_left_to_compile(self, engine: ContainerEngine) -> None:
        assert engine.run(IMAGE, "python", "-c", UNCOMPILED, options=[NO_NETWORK, "--read-only"]) == "[]"


class TestCacheServer:
    def test_the_tutorials_lines(self, server: Container) -> None:
        assert talk(server, 11211, "set mykey 0 0 5\r\nhello\r\nget mykey\r\n") == (
            "STORED\nVALUE mykey 0 5\nhello\nEND"
        )

    def test_probes_and_metrics(self, server: Container, rendered: Rendered) -> None:
        for path in probed_paths(pod_of(rendered("memcached"), "StatefulSet")):
            assert get(server, 9150, path).startswith("200 ")
        assert "memcached_up" in get(server, 9150, "/metrics")

    def test_it_listens_on_the_pods_address_too(self, server: Container) -> None:
        """The kubelet's probes, the proxies and scrapers come from other hosts."""
        get(server, 9150, "/readyz")
        listening = listening_addresses(server.run_beside("python", "-c", PRINT_LISTENERS))
        assert [int(listening[port], 16) for port in (11211, 9150)] == [0, 0]  # 0.0.0.0 or ::

    def test_stop_is_clean(self, server: Container) -> None:
        get(server, 9150, "/readyz")
        assert server.stop(GRACE_S).status == 0

    def test_a_full_cache_and_many_connections_fit_the_memory_limit(self, server: Container) -> None:
        get(server, 9150, "/readyz")
        stats = dict(line.split()[1:3] for line in fill(server).splitlines() if line.startswith("STAT "))
        assert int(stats["evictions"]) > 0
        assert int(stats["curr_connections"]) > 900
        assert server.stop(GRACE_S).status == 0  # 137 if it had been killed for its memory


class TestProxy:
    @pytest.fixture
    def proxy(self, engine: ContainerEngine, server: Container, rendered: Rendered) -> Container:
        """A proxy as the DaemonSet runs it, except that one server is named where DNS would name three."""
        pod = pod_of(rendered("mcrouter"), "DaemonSet")
        options = [f"--network=container:{server.name}", *restrictions(pod)]
        return engine.start(IMAGE, *command_of(pod, upstream="127.0.0.1:11211"), options=options)

    def test_the_tutorials_lines(self, server: Container, proxy: Container) -> None:
        get(server, 9442, "/readyz")
        assert talk(server, 5000, "set anotherkey 0 0 15\r\nMcrouter is fun\r\n") == "STORED"
        for port in (5000, 11211):
            assert talk(server, port, "get anotherkey\r\n") == (
                "VALUE anotherkey 0 15\nMcrouter is fun\nEND"
            )

    def test_probes(self, server: Container, proxy: Container, rendered: Rendered) -> None:
        for path in probed_paths(pod_of(rendered("mcrouter"), "DaemonSet")):
            assert get(server, 9442, path).startswith("200 ")

    def test_stop_is_clean(self, server: Container, proxy: Container) -> None:
        get(server, 9442, "/readyz")
        assert proxy.stop(GRACE_S).status == 0

    def test_without_dns_it_lives_and_is_not_ready(self, engine: ContainerEngine, rendered: Rendered) -> None:
        pod = pod_of(rendered("mcrouter"), "DaemonSet")
        proxy = engine.start(IMAGE, *command_of(pod), options=[NO_NETWORK, *restrictions(pod)])
        assert get(proxy, 9442, "/healthz").startswith("200 ")
        assert get(proxy, 9442, "/readyz", 503).startswith("503 ")
        assert "ERROR" in talk(proxy, 5000, "get anotherkey\r\n")
        assert proxy.stop(GRACE_S).status == 0

    def test_in_a_pod_without_an_upstream_it_refuses_to_start(self, engine: ContainerEngine) -> None:
        options = [NO_NETWORK, "--env=KUBERNETES_SERVICE_HOST=10.96.0.1"]
        finished = engine.start(IMAGE, "mcproxy", "--listen=5000", options=options).wait()
        assert finished.status == 3
        assert len(finished.output.splitlines()) == 1


class TestCommandLinesOfCharts:
    def test_memcached(self, engine: ContainerEngine) -> None:
        command = ["memcached", "-m 64", "-o", "modern", "-v"]
        server = engine.start(IMAGE, *command, options=[NO_NETWORK, "--user=1001"])
        assert talk(server, 11211, "set mykey 0 0 5\r\nhello\r\n") == "STORED"
        assert "STAT limit_maxbytes 67108864" in talk(server, 11211, "stats\r\n")
        assert server.stop(GRACE_S).status == 0

    def test_mcrouter(self, engine: ContainerEngine, server: Container, tmp_path: Path) -> None:
        config = {"pools": {"A": {"servers": ["127.0.0.1:11211"]}}, "route": "PoolRoute|A"}
        (tmp_path / "config.json").write_text(json.dumps(config))
        tmp_path.chmod(0o755)
        options = [f"--network=container:{server.name}", f"--volume={tmp_path}:/etc/mcrouter:ro"]
        command = ["mcrouter", "-p 5000", "--config-file=/etc/mcrouter/config.json"]
        proxy = engine.start(IMAGE, *command, options=options)
        get(server, 9150, "/readyz")
        assert talk(server, 5000, "set mykey 0 0 5\r\nhello\r\n") == "STORED"
        assert talk(server, 11211, "get mykey\r\n") == "VALUE mykey 0 5\nhello\nEND"
        assert proxy.stop(GRACE_S).status == 0


class TestConfinement:
    """What restrictions() promises holds inside: otherwise the tests above would prove little."""

    def test_no_privileges_and_nothing_to_write(self, engine: ContainerEngine, rendered: Rendered) -> None:
        options = [NO_NETWORK, *restrictions(pod_of(rendered("memcached"), "StatefulSet"))]
        status = engine.run(IMAGE, "python", "-c", "print(open('/proc/self/status').read())", options=options)
        fields = dict(line.split(":\t") for line in status.splitlines())
        assert fields["Uid"].split() == ["65532"] * 4
        assert int(fields["CapEff"], 16) == 0
        assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
        as_root = [*options, "--user=0"]
        assert engine.run(IMAGE, "python", "-c", TRY_TO_WRITE, options=as_root) == "Read-only file system"


class TestSampleApplication:
    def test_telnet_and_pymemcache(self, server: Container, sample_image: str) -> None:
        get(server, 9150, "/readyz")
        lines = "set mykey 0 0 5\nhello\nquit\n"
        shown = server.run_beside("telnet", "127.0.0.1", "11211", image=sample_image, stdin=lines)
        assert shown.splitlines()[1] == "STORED"
        code = "from pymemcache.client.base import Client; print(Client(('127.0.0.1', 11211)).get('mykey'))"
        assert server.run_beside("python", "-c", code, image=sample_image) == "b'hello'"

    def test_it_sleeps_as_the_deployment_says(
        self, engine: ContainerEngine, sample_image: str, rendered: Rendered
    ) -> None:
        pod = pod_of(rendered("sample-application"), "Deployment")
        (container,) = pod["containers"]
        application = engine.start(
            sample_image, *container["command"], options=[NO_NETWORK, *restrictions(pod)]
        )
        assert engine.podman("inspect", "--format", "{{.State.Running}}", application.name) == "true"


def fill(server: Container) -> str:
    return server.run_beside("python", "-c", FILL)


def listening_addresses(table: str) -> dict[int, str]:
    """Port -> local address in hexadecimal, of every listening socket of /proc/net/tcp."""
    rows = [line.split() for line in table.splitlines()]
    return {int(row[1].split(":")[1], 16): row[1].split(":")[0] for row in rows if row[3] == "0A"}
