"""Rules about one object among the others: names, selectors, ports and rollouts that fit together."""

import re
from collections.abc import Callable, Iterator

from tests.deploy.rules.values import CONTAINER_PORTS, WORKLOADS, Manifest, ManifestSet, pod_labels, values_at

Rule = Callable[[Manifest, ManifestSet], Iterator[str]]

API_VERSIONS = {
    "Service": "v1",
    "ConfigMap": "v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
    "PodDisruptionBudget": "policy/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}
# Where an object names pods of the set it is applied with.
SELECTORS = {
    "Service": ("selector",),
    "PodDisruptionBudget": ("selector.matchLabels",),
    "NetworkPolicy": ("podSelector.matchLabels", "egress.*.to.*.podSelector.matchLabels"),
}
# Fields that hold one of a few words, as paths from the object; * stands for every element of a list.
WORDS: dict[str, set[str]] = {
    "spec.clusterIP": {"None"},
    "spec.type": {"ClusterIP", "NodePort", "LoadBalancer"},
    "spec.ports.*.protocol": {"TCP", "UDP", "SCTP"},
    "spec.policyTypes.*": {"Ingress", "Egress"},
    "spec.ingress.*.ports.*.protocol": {"TCP", "UDP", "SCTP"},
    "spec.egress.*.ports.*.protocol": {"TCP", "UDP", "SCTP"},
    "spec.podManagementPolicy": {"Parallel", "OrderedReady"},
    "spec.unhealthyPodEvictionPolicy": {"AlwaysAllow", "IfHealthyBudget"},
    "spec.updateStrategy.type": {"RollingUpdate", "OnDelete"},
    "spec.strategy.type": {"RollingUpdate", "Recreate"},
    "spec.template.spec.restartPolicy": {"Always"},
    "spec.template.spec.dnsPolicy": {"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"},
    "spec.template.spec.securityContext.seccompProfile.type": {"RuntimeDefault", "Localhost"},
    "spec.template.spec.tolerations.*.operator": {"Exists", "Equal"},
    "spec.template.spec.tolerations.*.effect": {"NoSchedule", "PreferNoSchedule", "NoExecute"},
    "spec.template.spec.topologySpreadConstraints.*.whenUnsatisfiable": {"ScheduleAnyway", "DoNotSchedule"},
    "spec.template.spec.containers.*.imagePullPolicy": {"Always", "IfNotPresent", "Never"},
    "spec.template.spec.containers.*.ports.*.protocol": {"TCP", "UDP", "SCTP"},
}
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def known_kind_and_name(manifest: Manifest, _: ManifestSet) -> Iterator[str]:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    if API_VERSIONS.get(kind) != manifest["apiVersion"]:
        yield f"{manifest['apiVersion']} {kind} is no kind this project deploys"
    if not SUBDOMAIN.fullmatch(name) or len(name) > 63:
        yield "the name is no DNS label or subdomain"
    if "namespace" in manifest["metadata"]:
        yield "fixes a namespace, where `kubectl -n` should choose"


def valid_labels(manifest: Manifest, _: ManifestSet) -> Iterator[str]:
    template = manifest.get("spec", {}).get("template", {}).get("metadata", {})
    for labels in (manifest["metadata"].get("labels", {}), template.get("labels", {})):
        yield from (f"label value {v!r}" for v in labels.values() if not LABEL_VALUE.fullmatch(v))


def unique_in_the_set(manifest: Manifest, everything: ManifestSet) -> Iterator[str]:
    name = manifest["metadata"]["name"]
    names = [other["metadata"]["name"] for other in everything.of_kind(manifest["kind"])]
    if names.count(name) > 1:
        yield f"defined {names.count(name)} times"


def words_are_known(manifest: Manifest, _: ManifestSet) -> Iterator[str]:
    for path, known in WORDS.items():
        unknown = [value for value in values_at(manifest, path) if value not in known]
        yield from (f"{path} is {value!r}, not of {sorted(known)}" for value in unknown)


def selectors_select(manifest: Manifest, everything: ManifestSet) -> Iterator[str]:
    """Services, budgets and policies mean pods of the same set; a workload's selector its own pods."""
    spec = manifest.get("spec", {})
    if manifest["kind"] in WORKLOADS:
        labels = spec["selector"].get("matchLabels", {})
        if not labels or not labels.items() <= pod_labels(manifest).items():
            yield f"selector {labels} does not match its own template"
        return
    for path in SELECTORS.get(manifest["kind"], ()):
        for labels in values_at(spec, path):
            if not everything.selected_by(labels):
                yield f"{path} {labels} selects no pod of this set"


def spreading_concerns_own_pods(manifest: Manifest, _: ManifestSet) -> Iterator[str]:
    if manifest["kind"] not in WORKLOADS:
        return
    preferred = "affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution"
    for path in (
        "topologySpreadConstraints.*.labelSelector.matchLabels",
        f"{preferred}.*.podAffinityTerm.labelSelector.matchLabels",
    ):
        for labels in values_at(manifest, f"spec.template.spec.{path}"):
            if not labels.items() <= pod_labels(manifest).items():
                yield f"{path} {labels} does not match its own pods"


def service_ports_exist(manifest: Manifest, everything: ManifestSet) -> Iterator[str]:
    if manifest["kind"] != "Service":
        return
    selected = everything.selected_by(manifest["spec"].get("selector", {}))
    ports = [port for workload in selected for port in values_at(workload, CONTAINER_PORTS)]
    offered = {port.get("name") for port in ports} | {port["containerPort"] for port in ports}
    for port in manifest["spec"].get("ports", []):
        if port.get("targetPort", port["port"]) not in offered:
            yield f"targetPort {port.get('targetPort')!r} is no port of the selected pods"
        if not 0 < port["port"] < 65536:
            yield f"port {port['port']}"


def policy_ports_exist(manifest: Manifest, everything: ManifestSet) -> Iterator[str]:
    if manifest["kind"] != "NetworkPolicy":
        return
    workloads = everything.of_kind(*WORKLOADS)
    offered = {port.get("name") for workload in workloads for port in values_at(workload, CONTAINER_PORTS)}
    for path in ("spec.ingress.*.ports.*.port", "spec.egress.*.ports.*.port"):
        for port in values_at(manifest, path):
            if isinstance(port, str) and port not in offered:
                yield f"{path} {port!r} is no container's port"
    egress = list(values_at(manifest, "spec.egress.*.ports"))
    dns = {(port.get("protocol"), port["port"]) for ports in egress for port in ports if port["port"] == 53}
    if egress and dns != {("UDP", 53), ("TCP", 53)}:
        yield "egress needs DNS by UDP and, for long answers, by TCP"


def budget_is_one_number(manifest: Manifest, _: ManifestSet) -> Iterator[str]:
    numbers = {"minAvailable", "maxUnavailable"} & manifest.get("spec", {}).keys()
    if manifest["kind"] == "PodDisruptionBudget" and len(numbers) != 1:
        yield "exactly one of minAvailable and maxUnavailable"


def stateful_set_has_its_service(manifest: Manifest, everything: ManifestSet) -> Iterator[str]:
    if manifest["kind"] != "StatefulSet":
        return
    name = manifest["spec"].get("serviceName")
    services = [s for s in everything.of_kind("Service") if s["metadata"]["name"] == name]
    if not services:
        yield f"serviceName {name!r} is no Service of this set"
    for service in services:
        if service["spec"].get("clusterIP") != "None":
            yield "its Service is not headless"
        if not service["spec"].get("publishNotReadyAddresses"):
            yield "its Service hides pods that are not ready, which would move keys"
        if manifest not in everything.selected_by(service["spec"].get("selector", {})):
            yield "its Service selects other pods"


def rollout_can_proceed(manifest: Manifest, _: ManifestSet) -> Iterator[str]:
    rolling: Manifest = next(values_at(manifest, "spec.updateStrategy.rollingUpdate"), {})
    surge, unavailable = str(rolling.get("maxSurge", "0")), str(rolling.get("maxUnavailable", "1"))
    if manifest["kind"] == "DaemonSet" and surge == unavailable == "0":
        yield "maxSurge and maxUnavailable are both 0"
    if surge != "0" and any(values_at(manifest, "spec.template.spec.containers.*.ports.*.hostPort")):
        yield "maxSurge with a hostPort: the second pod never finds the port free"


RULES: tuple[Rule, ...] = (
    known_kind_and_name,
    valid_labels,
    unique_in_the_set,
    words_are_known,
    selectors_select,
    spreading_concerns_own_pods,
    service_ports_exist,
    policy_ports_exist,
    budget_is_one_number,
    stateful_set_has_its_service,
    rollout_can_proceed,
)
