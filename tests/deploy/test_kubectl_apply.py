"""The tutorial's commands by the real kubectl: apply the parts in order, look, apply again, delete."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from tests.deploy.conftest import K8S
from tests.deploy.fake_api import FakeApi, merge_patch
from tests.support.kubectl import kubectl


class Cluster:
    """A fake API server and a kubectl that knows no other."""

    def __init__(self, api: FakeApi, kubeconfig: Path) -> None:
        self.api = api
        self._command = [str(kubectl()), "--kubeconfig", str(kubeconfig), "--request-timeout=10s"]
        self._environment = {"HOME": str(kubeconfig.parent)}  # kubectl keeps a discovery cache there
        context = {"cluster": "fake", "user": "fake"}
        config = {
            "clusters": [{"name": "fake", "cluster": {"server": api.url}}],
            "contexts": [{"name": "fake", "context": context}],
            "current-context": "fake",
            "users": [{"name": "fake", "user": {"token": "none"}}],
        }
        kubeconfig.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config"} | config))

    async def kubectl(self, *arguments: str) -> list[str]:
        """The lines kubectl prints; anything but success fails the test."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *self._command, *arguments, stdout=pipe, stderr=pipe, env=self._environment
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return output.decode().splitlines()

    async def apply(self, directory: str, *options: str) -> list[str]:
        return await self.kubectl("apply", "--validate=false", "-k", str(K8S / directory), *options)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    api = FakeApi()
    await api.start()
    yield Cluster(api, tmp_path / "kubeconfig")
    await api.stop()


SERVERS = {
    "service/mycache-memcached",
    "poddisruptionbudget.policy/mycache-memcached",
    "statefulset.apps/mycache-memcached",
}
PROXY = {"daemonset.apps/mycache-mcrouter"}
APPLICATION = {"deployment.apps/sample-application"}


async def test_the_two_parts_and_the_application_are_created_and_deleted(cluster: Cluster) -> None:
    parts = (("memcached", SERVERS), ("mcrouter", PROXY), ("sample-application", APPLICATION))
    for directory, names in parts:
        assert set(await cluster.apply(directory)) == {f"{name} created" for name in names}
    (cluster_ip,) = await cluster.kubectl(
        "get", "service", "mycache-memcached", "-o", "jsonpath={.spec.clusterIP}"
    )
    assert cluster_ip == "None"
    for directory in ("sample-application", "mcrouter", "memcached"):
        deleted = await cluster.kubectl("delete", "-k", str(K8S / directory), "--wait=false")
        assert all(line.endswith(("deleted", "deleted from default namespace")) for line in deleted)
    assert cluster.api.objects == {}


async def test_a_second_apply_changes_nothing(cluster: Cluster) -> None:
    await cluster.apply("base")
    before = specifications(cluster.api)
    lines = await cluster.apply("base")
    # kubectl sends a budget's selector every time, because that field is replaced and not merged
    budget = "poddisruptionbudget.policy/mycache-memcached"
    assert set(lines) - {f"{budget} configured", f"{budget} unchanged"} == {
        f"{name} unchanged" for name in (SERVERS | PROXY) - {budget}
    }
    assert specifications(cluster.api) == before


async def test_base_after_the_parts_changes_nothing(cluster: Cluster) -> None:
    await cluster.apply("memcached")
    await cluster.apply("mcrouter")
    before = specifications(cluster.api)
    await cluster.apply("base")
    assert specifications(cluster.api) == before


async def test_another_namespace_is_a_matter_of_one_option(cluster: Cluster) -> None:
    await cluster.apply("base", "--namespace", "caching")
    assert {namespace for namespace, _, _ in cluster.api.objects} == {"caching"}


def specifications(api: FakeApi) -> dict[tuple[str, str, str], object]:
    return {key: manifest["spec"] for key, manifest in api.objects.items()}


def test_merge_patch() -> None:
    target = {"a": {"b": 1, "c": 2}, "d": [1, 2]}
    assert merge_patch(target, {"a": {"b": None, "e": 3}, "d": [3]}) == {"a": {"c": 2, "e": 3}, "d": [3]}
