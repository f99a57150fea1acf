"""What a check found."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Literal

from ghsync.errors import DatabaseUnavailable, GhsyncError


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one thing; only what ``failed`` keeps ghsync from its work."""

    check: str
    state: Literal["ok", "warning", "failed"]
    said: str


async def of(check: str, work: Awaitable[Finding]) -> Finding:
    """What a check found; the error that ended it is a finding too."""
    try:
        return await work
    except DatabaseUnavailable as error:
        return Finding(check, "failed", error.sentence)
    except GhsyncError as error:
        return Finding(check, "failed", str(error))
