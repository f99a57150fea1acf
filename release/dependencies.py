"""What ghsync needs at run time: the distributions that its requirements lead to, as they are installed here."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).parents[1]

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Dependency:
    """One distribution; ``licence`` is what it declares, ``needs`` are the names of others."""

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]


def project(checkout: Path = CHECKOUT) -> dict[str, Any]:
    """What pyproject.toml says of ghsync itself."""
    found: dict[str, Any] = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    return found


def requirements(checkout: Path = CHECKOUT) -> list[str]:
    """What ghsync requires, its extras included: the image has them."""
    found = project(checkout)
    return [*found["dependencies"], *chain.from_iterable(found["optional-dependencies"].values())]


def judged(what: str) -> list[str]:
    """What pyproject.toml lists as somebody's judgement: `allowed-licences`, or `accepted-advisories`."""
    found: list[str] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["ghsync"][what]
    return found


def of(requirements: Iterable[str]) -> list[Dependency]:
    """All that these lead to, by name. Raises `PackageNotFoundError` where one is not installed."""
    waiting = _applying(requirements, {""})
    needs: dict[str, set[str]] = defaultdict(set)
    seen: dict[str, set[str]] = defaultdict(set)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = {"", *requirement.extras} - seen[name]
        seen[name] |= extras
        needed = _applying(metadata.requires(name) or (), extras)
        needs[name] |= {canonicalize_name(each.name) for each in needed}
        waiting += needed
    return [
        Dependency(name, metadata.version(name), _licence(metadata.metadata(name)), tuple(sorted(needs[name])))
        for name in sorted(needs)
    ]


def _applying(requirements: Iterable[str], extras: set[str]) -> list[Requirement]:
    """Those that hold on this machine for who wants these extras."""
    read = [Requirement(text) for text in requirements]
    return [
        each for each in read if any(each.marker is None or each.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def _licence(told: metadata.PackageMetadata) -> str:
    """Its expression, else its classifiers, else what it says in a few words.

    https://packaging.python.org/en/latest/specifications/core-metadata/#license-expression
    """
    classifiers = sorted(
        each.rpartition(" :: ")[2]
        for each in told.get_all("Classifier") or ()
        if each.startswith("License :: ") and each != "License :: OSI Approved"
    )
    (expression,) = told.get_all("License-Expression") or [""]
    (words,) = told.get_all("License") or [""]
    return expression or "; ".join(classifiers) or ("" if "\n" in words else words) or UNKNOWN
