"""What `make corpus` fetches. Tests that read it are skipped without it, and fail where CI insists on it."""

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / ".cache"
INSISTED_ON = os.environ.get("GHSYNC_TEST_CORPUS") == "insist"


def needed(path: Path, what: str) -> pytest.MarkDecorator:
    """Marks tests that read this file of the corpus."""
    missing = not path.exists() and not INSISTED_ON
    return pytest.mark.skipif(missing, reason=f"{what} is missing: `make corpus` fetches it.")
