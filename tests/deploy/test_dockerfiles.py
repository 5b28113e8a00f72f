"""The image's recipe: what hadolint says, and what other files must agree with."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deploy.conftest import REPOSITORY
from tests.deploy.rules.values import values_at
from tests.support.kubectl import Manifest

DOCKERFILES = ("Dockerfile", "deploy/sample-application/Dockerfile")


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_hadolint_has_nothing_to_say(dockerfile: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("NO HADOLINT: Dockerfiles ARE NOT LINTED; install the extra `lint`")
    result = subprocess.run([hadolint, REPOSITORY / dockerfile], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_the_base_image_can_be_chosen(dockerfile: str) -> None:
    text = (REPOSITORY / dockerfile).read_text()
    assert re.search(r"^ARG BASE_IMAGE=python:3\.\d+-slim$", text, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${BASE_IMAGE}"}


def test_every_package_is_in_the_build_context() -> None:
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    packages = {p.removesuffix("*") for p in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    named = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    assert packages | named <= allowed


def test_manifests_run_the_version_at_hand(rendered: Callable[[str], list[Manifest]]) -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    everything = [*rendered("base"), *rendered("sample-application")]
    images = {i for m in everything for i in values_at(m, "spec.template.spec.containers.*.image")}
    # Stock dashboards find containers by an image name with "memcached" in it.
    assert images == {f"mcfleet-memcached:{version}", f"mcfleet-sample-application:{version}"}
    page = (REPOSITORY / "docs/kubernetes.md").read_text()
    assert all(image in page for image in images)


def test_exposed_ports_are_those_of_the_manifests(rendered: Callable[[str], list[Manifest]]) -> None:
    (exposed,) = re.findall(r"^EXPOSE (.*)$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    paths = "spec.template.spec.containers.*.ports.*.containerPort"
    used = {str(port) for m in rendered("base") for port in values_at(m, paths)}
    assert set(exposed.split()) == used


# What charts made for the originals put into `command` and `args`; the image links their names to ours.
CHART_COMMAND_LINES = [
    ("memcache_server", ["-m 64", "-o", "modern", "-v"]),
    ("memcache_server", ["-m", "64", "-c", "1024", "-u", "memcache"]),
    ("mcproxy", ["-p 5000", "--config-file={config}"]),
    ("mcproxy", ["-p", "5000", "--config-file={config}"]),
]


@pytest.mark.parametrize(("module", "arguments"), CHART_COMMAND_LINES)
def test_command_lines_of_charts_are_understood(module: str, arguments: list[str], tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"pools": {"A": {"servers": ["127.0.0.1:11211"]}}, "route": "PoolRoute|A"}')
    command = [sys.executable, "-m", module, *(word.format(config=config) for word in arguments)]
    result = subprocess.run(
        [*command, "--print-settings"], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_the_originals_names_are_not_installed_by_the_package() -> None:
    scripts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]
    assert not {"memcached", "mcrouter"} & scripts.keys()
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    for script, name in (("memcache-server", "memcached"), ("mcproxy", "mcrouter")):
        assert script in scripts
        assert f"ln -s {script} /opt/mcfleet/bin/{name}" in dockerfile
