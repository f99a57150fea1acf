"""Are the licences of all that ghsync needs among those that pyproject.toml allows? ``python -m release.licences``"""

import sys
import tomllib

from release import dependencies
from release.dependencies import CHECKOUT, Dependency


def allowed() -> list[str]:
    """Licences as distributions declare them, combinations too: each was read by somebody."""
    told = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    found: list[str] = told["tool"]["ghsync"]["allowed-licences"]
    return found


def refused(found: list[Dependency], allowed: list[str]) -> list[str]:
    """A sentence for each whose licence is not among them."""
    return [
        f"{each.name} {each.version} is under {each.licence!r}: read it, and add it to allowed-licences in "
        "pyproject.toml, or do without."
        for each in found
        if each.licence not in allowed
    ]


if __name__ == "__main__":
    sys.exit("\n".join(refused(dependencies.of(dependencies.project()["dependencies"]), allowed())) or None)
