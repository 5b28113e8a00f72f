"""Every rule proves itself: a good set, one thing broken in it, and the finding that must name it."""

import copy
from collections.abc import Callable
from typing import Any

import kubernetes_validate
import pytest

from tests.deploy.rules import findings
from tests.deploy.rules.values import quantity
from tests.support.kubectl import KUBERNETES_VERSION, Manifest

SCHEMA = "schema"  # found by kubernetes-validate, strict
DELETED = object()

ABBREVIATIONS = {"P.": "spec.template.spec.", "C.": "spec.template.spec.containers.0."}
ANTI_AFFINITY = "P.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.0.podAffinityTerm"

# (object, path inside it, what is written there, what the finding must say)
BROKEN: list[tuple[str, str, Any, str]] = [
    ("StatefulSet", "kind", "StatefulSett", SCHEMA),
    ("StatefulSet", "apiVersion", "apps/v1beta1", SCHEMA),
    ("StatefulSet", "spec.replica", 3, SCHEMA),
    ("StatefulSet", "spec.replicas", "three", SCHEMA),
    ("StatefulSet", "spec.selector", DELETED, SCHEMA),
    ("Service", "spec.port", 11211, SCHEMA),
    ("DaemonSet", "C.ports.0.containerPort", "5000", SCHEMA),
    ("DaemonSet", "P.container", [], SCHEMA),
    ("Service", "apiVersion", "example.org/v1", "no kind this project deploys"),
    ("StatefulSet", "metadata.name", "My_Cache", "no DNS label"),
    ("DaemonSet", "metadata.namespace", "default", "fixes a namespace"),
    ("StatefulSet", "metadata.labels.app", "a b", "label value"),
    ("StatefulSet", "spec.template.metadata.labels.app", "other", "does not match its own template"),
    ("StatefulSet", "spec.serviceName", "mycache", "no Service of this set"),
    ("StatefulSet", "spec.podManagementPolicy", "parallel", "podManagementPolicy"),
    ("StatefulSet", "spec.updateStrategy.type", "Recreate", "updateStrategy.type"),
    ("StatefulSet", f"{ANTI_AFFINITY}.labelSelector.matchLabels.app", "memcached", "its own pods"),
    ("StatefulSet", "P.topologySpreadConstraints.0.labelSelector.matchLabels.app", "x", "own pods"),
    ("StatefulSet", "P.topologySpreadConstraints.0.whenUnsatisfiable", "Ignore", "Unsatisfiable"),
    ("Service", "spec.clusterIP", "none", "clusterIP"),
    ("Service", "spec.clusterIP", DELETED, "not headless"),
    ("Service", "spec.publishNotReadyAddresses", False, "move keys"),
    ("Service", "spec.selector.app", "mycache-mcrouter", "selects other pods"),
    ("Service", "spec.selector.app", "memcached", "selects no pod"),
    ("Service", "spec.ports.0.targetPort", "memcached", "no port of the selected pods"),
    ("Service", "spec.ports.0.port", 112110, "port 112110"),
    ("Service", "spec.ports.0.protocol", "tcp", "protocol"),
    ("PodDisruptionBudget", "spec.minAvailable", 1, "exactly one of"),
    ("PodDisruptionBudget", "spec.maxUnavailable", DELETED, "exactly one of"),
    ("PodDisruptionBudget", "spec.selector.matchLabels.app", "mycache", "selects no pod"),
    ("PodDisruptionBudget", "metadata.name", "-mycache", "no DNS label"),
    ("NetworkPolicy", "spec.podSelector.matchLabels.app", "mcrouter", "selects no pod"),
    ("NetworkPolicy", "spec.egress.1.to.0.podSelector.matchLabels.app", "memcached", "selects no pod"),
    ("NetworkPolicy", "spec.egress.0.ports.1.protocol", "UDP", "by TCP"),
    ("NetworkPolicy", "spec.ingress.0.ports.0.port", "memcached", "memcached"),
    ("DaemonSet", "spec.updateStrategy.rollingUpdate", {"maxSurge": 1}, "never finds the port"),
    ("DaemonSet", "spec.updateStrategy.rollingUpdate", {"maxUnavailable": 0}, "both 0"),
    ("DaemonSet", "P.tolerations.0.effect", "NoScheduling", "tolerations"),
    ("DaemonSet", "P.restartPolicy", "OnFailure", "restartPolicy"),
    ("DaemonSet", "P.securityContext.seccompProfile.type", "Default", "seccompProfile"),
    ("DaemonSet", "P.securityContext.seccompProfile", DELETED, "seccomp"),
    ("DaemonSet", "P.securityContext.runAsUser", 0, "nonroot"),
    ("DaemonSet", "P.automountServiceAccountToken", DELETED, "token"),
    ("DaemonSet", "P.hostNetwork", True, "shares a namespace"),
    ("DaemonSet", "C.ports.0.hostPort", 70000, "hostPort 70000"),
    ("DaemonSet", "C.ports.0.name", "memcache-clients-", "port name"),
    ("DaemonSet", "C.ports.1.name", "memcache", "the same twice"),
    ("DaemonSet", "C.env.0.valueFrom.fieldRef.fieldPath", "spec.namespace", "fieldPath"),
    ("DaemonSet", "C.env.0.name", "NAMESPACE", "$(POD_NAMESPACE)"),
    ("DaemonSet", "C.volumeMounts", [{"name": "c", "mountPath": "/c"}], "no volume 'c'"),
    ("DaemonSet", "C.lifecycle.preStop", {"sleep": {"seconds": 1}, "exec": {}}, "preStop"),
    ("DaemonSet", "C.image", "mcfleet-memcached", "no fixed tag"),
    ("DaemonSet", "C.imagePullPolicy", "IfMissing", "imagePullPolicy"),
    ("StatefulSet", "C.securityContext.capabilities.drop", [], "capabilities"),
    ("StatefulSet", "C.securityContext.readOnlyRootFilesystem", False, "may write"),
    ("StatefulSet", "C.securityContext.allowPrivilegeEscalation", True, "privileges"),
    ("StatefulSet", "C.readinessProbe.httpGet.port", "admin", "no port 'admin'"),
    ("StatefulSet", "C.readinessProbe.tcpSocket", {"port": "metrics"}, "2 handlers"),
    ("StatefulSet", "C.readinessProbe.httpGet", DELETED, "0 handlers"),
    ("StatefulSet", "C.livenessProbe.httpGet.path", "healthz", "path 'healthz'"),
    ("StatefulSet", "C.livenessProbe.periodSeconds", 0, "below 1"),
    ("StatefulSet", "C.livenessProbe.successThreshold", 2, "successThreshold"),
    ("StatefulSet", "C.livenessProbe", DELETED, "no livenessProbe"),
    ("StatefulSet", "C.resources.limits.memory", "128mb", "limits.memory"),
    ("StatefulSet", "C.resources.limits.memory", "100Mi", "a full cache may take"),
    ("StatefulSet", "C.resources.requests.memory", "1Gi", "requests more memory"),
    ("StatefulSet", "C.resources", DELETED, "no memory request"),
    ("StatefulSet", "C.args.3", "128", "a full cache may take"),
]


def change(node: Any, path: str, value: Any) -> None:
    """Sets or deletes what the dotted path names; numbers are places in a list, missing mappings are made."""
    for short, full in ABBREVIATIONS.items():
        path = full + path.removeprefix(short) if path.startswith(short) else path
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        node = node[step] if isinstance(step, int) else node.setdefault(step, {})
    if value is DELETED:
        del node[last]
    else:
        node[last] = value


def schema_errors(manifest: Manifest) -> list[str]:
    try:
        kubernetes_validate.validate(manifest, KUBERNETES_VERSION, strict=True)
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
        return [str(error)]
    return []


@pytest.mark.parametrize(
    ("kind", "path", "value", "expected"), BROKEN, ids=[f"{kind}-{path}" for kind, path, _, _ in BROKEN]
)
def test_broken_manifest_is_found(
    rendered: Callable[[str], list[Manifest]], kind: str, path: str, value: Any, expected: str
) -> None:
    manifests = copy.deepcopy(rendered("overlays/network-policy"))
    broken = next(manifest for manifest in manifests if manifest["kind"] == kind)
    change(broken, path, value)
    if expected == SCHEMA:
        assert schema_errors(broken)
    else:
        assert any(expected in finding for finding in findings(manifests)), findings(manifests)


def test_an_object_may_not_appear_twice(rendered: Callable[[str], list[Manifest]]) -> None:
    manifests = rendered("base")
    assert any("defined 2 times" in finding for finding in findings([*manifests, manifests[0]]))


@pytest.mark.parametrize(
    ("text", "amount"),
    [("128Mi", 128 * 2**20), ("1.5G", 1.5e9), ("50m", 0.05), (2, 2), ("64mb", None), ("", None)],
)
def test_quantity(text: str | int, amount: float | None) -> None:
    assert quantity(text) == amount
