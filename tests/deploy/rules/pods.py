"""Rules about pods and their containers: references inside the pod, probes, limits, privileges."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from tests.deploy.rules.values import Manifest, quantity, values_at

PodRule = Callable[[Manifest], Iterator[str]]
ContainerRule = Callable[[Manifest, Manifest], Iterator[str]]

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
HANDLERS = {"exec", "httpGet", "tcpSocket", "grpc"}
FIELD_PATHS = {
    *("metadata.name", "metadata.namespace", "metadata.uid"),
    *("spec.nodeName", "spec.serviceAccountName"),
    *("status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"),
}
PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9](-?[a-z0-9])*")
VARIABLE = re.compile(r"(?<!\$)\$\(([A-Za-z_][A-Za-z0-9_]*)\)")

# What a cache server needs beside its -m: the process itself, every connection, and 10 % of the items.
PROCESS_BYTES = 45e6
CONNECTION_BYTES = 4096
ITEM_FACTOR = 1.1


def runs_unprivileged(pod: Manifest) -> Iterator[str]:
    context = pod.get("securityContext", {})
    if context.get("runAsNonRoot") is not True or context.get("runAsUser", 0) == 0:
        yield "does not run as nonroot"
    if "seccompProfile" not in context:
        yield "has no seccomp profile"
    if pod.get("automountServiceAccountToken") is not False:
        yield "mounts a token of the Kubernetes API, which nothing here calls"
    if pod.get("hostNetwork") or pod.get("hostPID") or pod.get("hostIPC"):
        yield "shares a namespace with the node"


def mounts_have_volumes(pod: Manifest) -> Iterator[str]:
    volumes = set(values_at(pod, "volumes.*.name"))
    mounted = values_at(pod, "containers.*.volumeMounts.*.name")
    yield from (f"no volume {name!r}" for name in mounted if name not in volumes)


def ports_do_not_clash(pod: Manifest) -> Iterator[str]:
    for field in ("name", "containerPort", "hostPort"):
        values = list(values_at(pod, f"containers.*.ports.*.{field}"))
        if len(values) != len(set(values)):
            yield f"{field}s {values} have the same twice"


def has_image(container: Manifest, _: Manifest) -> Iterator[str]:
    image = container.get("image", "")
    if ":" not in image.rpartition("/")[2] or image.endswith((":", ":latest")):
        yield f"image {image!r} has no fixed tag"


def is_confined(container: Manifest, _: Manifest) -> Iterator[str]:
    context = container.get("securityContext", {})
    if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
        yield "may gain privileges"
    if context.get("readOnlyRootFilesystem") is not True:
        yield "may write to its root file system"
    if context.get("capabilities") != {"drop": ["ALL"]}:
        yield "keeps or adds capabilities"


def ports_are_valid(container: Manifest, _: Manifest) -> Iterator[str]:
    for port in container.get("ports", []):
        if not PORT_NAME.fullmatch(port.get("name", "a")) or len(port.get("name", "")) > 15:
            yield f"port name {port['name']!r}: at most 15 of a-z, 0-9 and inner dashes"
        for field in ("containerPort", "hostPort"):
            if not 0 < port.get(field, 1) < 65536:
                yield f"{field} {port[field]}"


def probes_are_answerable(container: Manifest, _: Manifest) -> Iterator[str]:
    offered = set(values_at(container, "ports.*.name")) | set(values_at(container, "ports.*.containerPort"))
    for kind in PROBES:
        probe = container.get(kind)
        if probe is None:
            continue
        handlers = HANDLERS & probe.keys()
        if len(handlers) != 1:
            yield f"{kind} has {len(handlers)} handlers"
        for handler in ("httpGet", "tcpSocket"):
            ports = values_at(probe, f"{handler}.port")
            yield from (f"{kind}: no port {port!r}" for port in ports if port not in offered)
        yield from (f"{kind}: path {p!r}" for p in values_at(probe, "httpGet.path") if not p.startswith("/"))
        if any(probe.get(field, 1) < 1 for field in ("periodSeconds", "timeoutSeconds", "failureThreshold")):
            yield f"{kind} has a time or count below 1"
        if kind != "readinessProbe" and probe.get("successThreshold", 1) != 1:
            yield f"{kind}: successThreshold can only be 1"


def serving_containers_are_probed(container: Manifest, _: Manifest) -> Iterator[str]:
    if container.get("ports"):
        missing = {"readinessProbe", "livenessProbe"} - container.keys()
        yield from (f"has ports and no {kind}" for kind in sorted(missing))


def lifecycle_has_one_handler(container: Manifest, _: Manifest) -> Iterator[str]:
    for hook in ("postStart", "preStop"):
        handlers = container.get("lifecycle", {}).get(hook, {"none": {}})
        if len(handlers) != 1:
            yield f"{hook} has {len(handlers)} handlers"


def resources_are_quantities(container: Manifest, _: Manifest) -> Iterator[str]:
    resources = container.get("resources", {})
    for kind in ("requests", "limits"):
        yield from (f"{kind}.{r} {q!r}" for r, q in resources.get(kind, {}).items() if quantity(q) is None)
    if "memory" not in resources.get("requests", {}) or "memory" not in resources.get("limits", {}):
        yield "has no memory request or limit"
    for resource, limit in resources.get("limits", {}).items():
        if (quantity(resources.get("requests", {}).get(resource, 0)) or 0) > (quantity(limit) or 0):
            yield f"requests more {resource} than its limit"


def environment_resolves(container: Manifest, pod: Manifest) -> Iterator[str]:
    for path in values_at(container, "env.*.valueFrom.fieldRef.fieldPath"):
        if path not in FIELD_PATHS and not path.startswith(("metadata.labels[", "metadata.annotations[")):
            yield f"fieldPath {path!r} cannot be had"
    known = set(values_at(container, "env.*.name"))
    for word in (*container.get("command", []), *container.get("args", [])):
        unknown = [name for name in VARIABLE.findall(word) if name not in known]
        yield from (f"$({name}) in {word!r} is not set" for name in unknown)


def cache_fits_the_limit(container: Manifest, _: Manifest) -> Iterator[str]:
    """1.1 x -m + 45 MB + 4 KB a connection: what a server may take with a full cache."""
    arguments = container.get("args", [])
    if "-m" not in arguments:
        return
    options = dict(pairwise(arguments))
    needed = ITEM_FACTOR * int(options["-m"]) * 2**20 + PROCESS_BYTES + CONNECTION_BYTES * int(options["-c"])
    limit = quantity(container.get("resources", {}).get("limits", {}).get("memory", 0)) or 0
    if limit < needed:
        yield f"memory limit {limit / 1e6:.0f} MB, a full cache may take {needed / 1e6:.0f} MB"


POD_RULES: tuple[PodRule, ...] = (runs_unprivileged, mounts_have_volumes, ports_do_not_clash)

CONTAINER_RULES: tuple[ContainerRule, ...] = (
    has_image,
    is_confined,
    ports_are_valid,
    probes_are_answerable,
    serving_containers_are_probed,
    lifecycle_has_one_handler,
    resources_are_quantities,
    environment_resolves,
    cache_fits_the_limit,
)
