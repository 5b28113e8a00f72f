"""What the API server or a running cluster would object to in our manifests and no schema says.

Schemas know fields and types. These rules know how objects refer to each other (objects.py), what holds
inside a pod, and what this project decided about its own pods (pods.py). `findings` is the entry.
"""

from tests.deploy.rules.objects import RULES
from tests.deploy.rules.pods import CONTAINER_RULES, POD_RULES
from tests.deploy.rules.values import WORKLOADS, Manifest, ManifestSet

__all__ = ["Manifest", "findings"]


def findings(manifests: list[Manifest]) -> list[str]:
    """Everything wrong with these objects, one line each; empty when they may be applied together."""
    everything = ManifestSet(manifests)
    result = []
    for manifest in manifests:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        result += [f"{name}: {text}" for rule in RULES for text in rule(manifest, everything)]
        if manifest["kind"] in WORKLOADS:
            result += [f"{name}: {text}" for text in pod_findings(manifest["spec"]["template"]["spec"])]
    return result


def pod_findings(pod: Manifest) -> list[str]:
    """The same for one pod by itself."""
    result = [text for rule in POD_RULES for text in rule(pod)]
    for container in pod["containers"] + pod.get("initContainers", []):
        texts = [text for rule in CONTAINER_RULES for text in rule(container, pod)]
        result += [f"{container['name']}: {text}" for text in texts]
    return result
