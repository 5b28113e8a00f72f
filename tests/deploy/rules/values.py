"""How rules read manifests: a set of objects, paths into one, quantities."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]

WORKLOADS = ("StatefulSet", "DaemonSet", "Deployment")
CONTAINER_PORTS = "spec.template.spec.containers.*.ports.*"
QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|[kMGTPE]|[KMGTPE]i)?")
UNITS = {None: 1.0, "m": 1e-3}
UNITS |= {letter: 10.0 ** (3 * power) for power, letter in enumerate("kMGTPE", 1)}
UNITS |= {f"{letter}i": 2.0 ** (10 * power) for power, letter in enumerate("KMGTPE", 1)}


@dataclass(frozen=True)
class ManifestSet:
    """All objects of one rendering, which may refer to each other."""

    manifests: list[Manifest]

    def of_kind(self, *kinds: str) -> list[Manifest]:
        return [manifest for manifest in self.manifests if manifest["kind"] in kinds]

    def selected_by(self, labels: dict[str, str]) -> list[Manifest]:
        """Workloads whose pods carry all these labels."""
        return [m for m in self.of_kind(*WORKLOADS) if labels.items() <= pod_labels(m).items()]


def pod_labels(workload: Manifest) -> dict[str, str]:
    labels: dict[str, str] = workload["spec"]["template"]["metadata"].get("labels", {})
    return labels


def quantity(value: str | float) -> float | None:
    """Bytes or cores; None for what is no quantity."""
    match = QUANTITY.fullmatch(str(value))
    return float(match[1]) * UNITS[match[2]] if match else None


def values_at(node: Any, path: str) -> Iterator[Any]:
    """Every value at a dotted path, in which * stands for each element of a list; absent is no value."""
    step, _, rest = path.partition(".")
    if step == "*":
        children = node if isinstance(node, list) else []
    else:
        children = [node[step]] if isinstance(node, dict) and step in node else []
    for child in children:
        if rest:
            yield from values_at(child, rest)
        else:
            yield child
