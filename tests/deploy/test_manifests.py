"""What `kubectl apply -k` would send: valid, consistent, and named as the tutorial's commands expect."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.conftest import K8S, REPOSITORY
from tests.deploy.rules import findings
from tests.deploy.rules.values import values_at
from tests.support.kubectl import KUBERNETES_VERSION, Manifest, render

Rendered = Callable[[str], list[Manifest]]

APPLICABLE = ("memcached", "mcrouter", "base", "sample-application", "overlays/network-policy")
# The oldest release whose API has every field used here, and the newest known.
VERSIONS = ("1.29", KUBERNETES_VERSION)


def one(manifests: list[Manifest], kind: str) -> Manifest:
    (manifest,) = [m for m in manifests if m["kind"] == kind]
    return manifest


@pytest.mark.parametrize("directory", APPLICABLE)
class TestEveryDirectory:
    def test_the_schemas_accept_it(self, rendered: Rendered, directory: str) -> None:
        for manifest in rendered(directory):
            for version in VERSIONS:
                kubernetes_validate.validate(manifest, version, strict=True)

    def test_it_is_consistent(self, rendered: Rendered, directory: str) -> None:
        assert findings(rendered(directory)) == []

    def test_in_another_namespace_everything_moves_and_nothing_else_changes(
        self, rendered: Rendered, directory: str, tmp_path: Path
    ) -> None:
        # kustomize takes relative paths only
        depth = "/".join([".."] * len(tmp_path.resolve().parts[1:]))
        resource = f"{depth}{K8S / directory}"
        overlay = {"kind": "Kustomization", "namespace": "caching", "resources": [resource]}
        (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
        moved = render(tmp_path)
        assert [m["metadata"].pop("namespace") for m in moved] == ["caching"] * len(moved)
        assert sorted(moved, key=kind_and_name) == sorted(rendered(directory), key=kind_and_name)


def kind_and_name(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def test_every_directory_with_a_kustomization_is_tested() -> None:
    found = {str(path.parent.relative_to(K8S)) for path in K8S.rglob("kustomization.yaml")}
    assert found == {*APPLICABLE, "components/network-policy"}


def test_every_manifest_file_is_used(rendered: Rendered) -> None:
    written = sorted(
        (document["kind"], document["metadata"]["name"])
        for path in K8S.rglob("*.yaml")
        if path.name != "kustomization.yaml"
        for document in yaml.safe_load_all(path.read_text())
    )
    everything = [*rendered("overlays/network-policy"), *rendered("sample-application")]
    assert written == sorted((m["kind"], m["metadata"]["name"]) for m in everything)


def test_base_is_both_parts(rendered: Rendered) -> None:
    assert rendered("base") == rendered("memcached") + rendered("mcrouter")


class TestNamesOfTheTutorial:
    """Readers paste commands with these names: they are a contract."""

    def test_cache_servers(self, rendered: Rendered) -> None:
        servers = one(rendered("memcached"), "StatefulSet")
        assert servers["metadata"]["name"] == "mycache-memcached"  # so the pods are mycache-memcached-0 to -2
        assert servers["spec"]["replicas"] == 3

    def test_headless_service(self, rendered: Rendered) -> None:
        service = one(rendered("memcached"), "Service")
        assert service["metadata"]["name"] == "mycache-memcached"
        assert service["spec"]["clusterIP"] == "None"  # the string that kubectl prints
        assert service["spec"]["publishNotReadyAddresses"] is True
        # One port only, so that `kubectl get endpoints` lists three IP:11211; its name makes the SRV records.
        (port,) = service["spec"]["ports"]
        assert (port["name"], port["port"], port["protocol"]) == ("memcache", 11211, "TCP")

    def test_per_pod_names_exist(self, rendered: Rendered) -> None:
        service, servers = one(rendered("memcached"), "Service"), one(rendered("memcached"), "StatefulSet")
        assert servers["spec"]["serviceName"] == service["metadata"]["name"]

    def test_proxy(self, rendered: Rendered) -> None:
        proxy = one(rendered("mcrouter"), "DaemonSet")
        assert proxy["metadata"]["name"] == "mycache-mcrouter"
        assert proxy["spec"]["template"]["metadata"]["labels"]["app"] == "mycache-mcrouter"
        assert list(values_at(proxy, "spec.template.spec.containers.*.ports.*.hostPort")) == [5000]

    def test_the_proxy_asks_for_the_service_of_its_own_namespace(self, rendered: Rendered) -> None:
        proxy, service = one(rendered("mcrouter"), "DaemonSet"), one(rendered("memcached"), "Service")
        (container,) = proxy["spec"]["template"]["spec"]["containers"]
        (upstream,) = [a.partition("=")[2] for a in container["args"] if a.startswith("--upstream=")]
        port, name = service["spec"]["ports"][0]["name"], service["metadata"]["name"]
        assert upstream == f"dnssrv+_{port}._tcp.{name}.$(POD_NAMESPACE).svc.cluster.local"
        assert environment(container)["POD_NAMESPACE"] == "metadata.namespace"

    def test_sample_application(self, rendered: Rendered) -> None:
        application = one(rendered("sample-application"), "Deployment")
        assert application["apiVersion"] == "apps/v1"
        assert application["metadata"]["name"] == "sample-application"
        assert application["spec"]["replicas"] == 9
        (container,) = application["spec"]["template"]["spec"]["containers"]
        assert environment(container) == {"NODE_NAME": "spec.nodeName", "HOST_IP": "status.hostIP"}


def environment(container: Manifest) -> dict[str, Any]:
    """Variable -> the pod's field it takes its value from."""
    return {e["name"]: e["valueFrom"]["fieldRef"]["fieldPath"] for e in container["env"]}


def test_scraping_annotations_name_the_metrics_port(rendered: Rendered) -> None:
    for kind in ("StatefulSet", "DaemonSet"):
        template = one(rendered("base"), kind)["spec"]["template"]
        ports = {p["name"]: p["containerPort"] for p in template["spec"]["containers"][0]["ports"]}
        assert template["metadata"]["annotations"]["prometheus.io/port"] == str(ports["metrics"])


def test_the_page_shows_directories_that_exist() -> None:
    page = (REPOSITORY / "docs/kubernetes.md").read_text()
    for directory in ("memcached", "mcrouter", "sample-application", "base", "overlays/network-policy"):
        assert f"deploy/k8s/{directory}" in page
