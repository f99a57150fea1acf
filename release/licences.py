"""Are the licences of all that ghsync needs among those that pyproject.toml allows? ``python -m release.licences``"""

import sys

from release import dependencies
from release.dependencies import Dependency


def refused(found: list[Dependency], allowed: list[str]) -> list[str]:
    """A sentence for each whose licence, as it declares it, is not among them: somebody has to read it."""
    return [
        f"{each.name} {each.version} is under {each.licence!r}: read it, and add it to allowed-licences in "
        "pyproject.toml, or do without."
        for each in found
        if each.licence not in allowed
    ]


if __name__ == "__main__":
    needed = dependencies.of(dependencies.requirements())
    sys.exit("\n".join(refused(needed, dependencies.judged("allowed-licences"))) or None)
