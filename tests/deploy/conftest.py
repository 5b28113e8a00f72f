"""Rendered manifests, once a test run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.kubectl import Manifest, render

REPOSITORY = Path(__file__).parents[2]
K8S = REPOSITORY / "deploy/k8s"


@pytest.fixture(scope="session")
def rendered() -> Callable[[str], list[Manifest]]:
    """rendered("base"): the objects of deploy/k8s/base. Do not change them: other tests get the same ones."""
    known: dict[str, list[Manifest]] = {}

    def render_once(directory: str) -> list[Manifest]:
        if directory not in known:
            known[directory] = render(K8S / directory)
        return known[directory]

    return render_once
