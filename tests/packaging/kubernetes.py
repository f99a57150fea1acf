"""The manifests for Kubernetes, read."""

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

FOLDER = Path(__file__).parents[2] / "deploy/kubernetes"

Manifest = dict[str, Any]


def manifests() -> list[Manifest]:
    """All of them, the examples too."""
    return [each for path in sorted(FOLDER.rglob("*.yaml")) for each in yaml.safe_load_all(path.read_text())]


def pods() -> list[Manifest]:
    """What each pod is made of."""
    return [template["spec"] for template in templates()]


def templates() -> list[Manifest]:
    """The same with its labels and annotations."""
    return [each["spec"]["template"] for each in manifests() if "template" in each.get("spec", {})]
