"""buildah and podman with a storage of their own, as they work for root on a machine with few rights.

Builds run in a network namespace with nothing in it: an image that needs the network does not build here.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.kubectl import CACHE

PROGRAMS = ("buildah", "podman", "runc", "unshare")
BASE_IMAGE = "localhost/base"
RUN_S = 60
BUILD_S = 300

STORAGE_CONF = """[storage]
driver = "overlay"
runroot = "{directory}/run"
graphroot = "{directory}/graph"
"""

# Without CAP_SYS_RESOURCE podman's own limits cannot be set; crun knows no mixed cgroup hierarchy; locks in
# shared memory would be shared with every other podman of this machine.
CONTAINERS_CONF = """[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "{directory}/podman"
"""


@dataclass
class Finished:
    """A container that ended."""

    status: int
    output: str


class Container:
    """One running container of an engine."""

    def __init__(self, engine: "ContainerEngine", name: str, image: str) -> None:
        self._engine = engine
        self.name = name
        self._image = image

    def run_beside(self, *command: str, image: str = "", stdin: str | None = None) -> str:
        """What a client in another container prints that shares this one's network, but not its memory."""
        options = [f"--network=container:{self.name}"]
        if stdin is not None:
            options.append("--interactive")
        return self._engine.run(image or self._image, *command, options=options, stdin=stdin)

    def stop(self, grace_s: int) -> Finished:
        """SIGTERM, SIGKILL after the grace time; returns the exit status (137 when killed) and the log."""
        self._engine.podman("stop", "--time", str(grace_s), self.name)
        return self.wait()

    def wait(self) -> Finished:
        status = int(self._engine.podman("wait", self.name))
        return Finished(status, self.log())

    def log(self) -> str:
        return self._engine.podman("logs", self.name)


class ContainerEngine:
    """Images and containers below one directory; `close` removes them all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started: list[str] = []
        self._count = 0
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "TMPDIR": str(directory)}
        for variable, text in (
            ("CONTAINERS_STORAGE_CONF", STORAGE_CONF),
            ("CONTAINERS_CONF", CONTAINERS_CONF),
        ):
            path = directory / f"{variable.lower()}.toml"
            path.write_text(text.format(directory=directory))
            self._environment[variable] = str(path)

    def _call(self, *command: str, timeout_s: float = RUN_S, stdin: str | None = None) -> str:
        """Standard output and errors together; the test fails with them if the command does."""
        result = subprocess.run(
            command,
            env=self._environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert result.returncode == 0, f"{' '.join(command)}: {result.returncode}\n{result.stdout[-4000:]}"
        return result.stdout.strip()

    def podman(self, *arguments: str) -> str:
        return self._call("podman", *arguments)

    def add_base_image(self, base_image_tool: Path) -> None:
        """The running interpreter's image, as BASE_IMAGE."""
        root = self._directory / "base"
        self._call(sys.executable, str(base_image_tool), str(root))
        container = self._call("buildah", "from", "scratch")
        self._call("buildah", "add", "--quiet", container, str(root), "/", timeout_s=BUILD_S)
        self._call("buildah", "config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", container)
        self._call("buildah", "commit", "--quiet", "--rm", container, BASE_IMAGE, timeout_s=BUILD_S)
        shutil.rmtree(root)

    def build(self, context: Path, image: str) -> None:
        """`buildah bud` of the context's Dockerfile, without network."""
        arguments = ("--build-arg", f"BASE_IMAGE={BASE_IMAGE}", "--build-arg", "PIP_NO_INDEX=1")
        build = ("buildah", "bud", "--isolation", "chroot", *arguments, "--tag", image, str(context))
        self._call("unshare", "--net", *build, timeout_s=BUILD_S)

    def start(self, image: str, *command: str, options: list[str]) -> Container:
        self._count += 1
        name = f"container-{self._count}"
        self._started.append(name)
        self.podman("run", "--detach", f"--name={name}", *options, image, *command)
        return Container(self, name, image)

    def run(self, image: str, *command: str, options: list[str], stdin: str | None = None) -> str:
        return self._call("podman", "run", "--rm", *options, image, *command, stdin=stdin)

    def image_config(self, image: str) -> dict[str, object]:
        (inspected,) = json.loads(self.podman("image", "inspect", image))
        config: dict[str, object] = inspected["Config"]
        return config

    def remove_containers(self) -> None:
        """The newest first: those that share another one's network stand in the way of its removal."""
        while self._started:
            self.podman("rm", "--force", "--ignore", "--time", "0", self._started.pop())

    def close(self) -> None:
        self.remove_containers()
        self._call("buildah", "rm", "--all")


def missing_for_containers() -> str:
    """Why no container can be run here; empty if nothing is in the way."""
    if os.geteuid() != 0:
        return "not root"
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    return f"no {', '.join(missing)}" if missing else ""


def collect_wheels(requirements: list[str]) -> Path:
    """A directory with the wheels of these and all they need; collected once, kept beside the packages."""
    digest = hashlib.sha256("\n".join([sys.version, *sorted(requirements)]).encode()).hexdigest()[:16]
    directory = CACHE / f"wheels-{digest}"
    if not directory.exists():
        CACHE.mkdir(exist_ok=True)
        # another worker of this run, or another run, may be collecting the same
        unfinished = Path(tempfile.mkdtemp(prefix=f"wheels-{digest}.", dir=CACHE))
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--retries=1", "--wheel-dir", str(unfinished)]
        result = subprocess.run([*command, *requirements], capture_output=True, text=True, check=False)
        if result.returncode:
            shutil.rmtree(unfinished)
            pytest.skip(f"NO WHEELS, the image IS NOT TESTED: {result.stderr[-300:]}")
        try:
            unfinished.rename(directory)
        except OSError:  # the other one was first
            shutil.rmtree(unfinished)
    return directory


def lay_out_context(repository: Path, context: Path) -> None:
    """What .dockerignore lets into the build, the Dockerfile, and wheels/."""
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    lines = (repository / ".dockerignore").read_text().splitlines()
    for name in [line.removeprefix("!") for line in lines if line.startswith("!")] + ["Dockerfile"]:
        source = repository / name
        if name == "wheels":
            continue  # the user's own, for another Python perhaps
        if source.is_dir():
            shutil.copytree(source, context / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, context / name)
    requirements = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    shutil.copytree(collect_wheels(requirements), context / "wheels")
