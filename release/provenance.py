"""What was built, of which commit, and with what: an in-toto statement with SLSA's predicate. Nobody has signed it.

https://slsa.dev/spec/v1.0/provenance
"""

import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
TOOLS = ("build", "hatchling", "cyclonedx-python-lib")


def statement(digests: Mapping[str, str], version: str, commit: str, moment: int) -> dict[str, Any]:
    """The statement on files with these SHA-256 digests, which were made with SOURCE_DATE_EPOCH at this moment."""
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(digests.items())],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:ghsync:make-release",
                "externalParameters": {"version": version},
                "internalParameters": {"SOURCE_DATE_EPOCH": moment},
                "resolvedDependencies": [
                    {"name": f"ghsync v{version}", "digest": {"gitCommit": commit}},
                    *({"uri": f"pkg:pypi/{name}@{metadata.version(name)}"} for name in TOOLS),
                ],
            },
            "runDetails": {
                "builder": {"id": "urn:ghsync:by-hand", "version": {"python": platform.python_version()}},
            },
        },
    }
