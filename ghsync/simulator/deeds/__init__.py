"""Everything that people, bots and CI do on the simulated GitHub by chance: one module for each kind of thing."""

from ghsync.simulator.deeds import (
    alerts,
    checks,
    conversations,
    installations,
    issues,
    labels,
    people,
    pull_requests,
    releases,
    repositories,
    reviews,
)
from ghsync.simulator.deeds.stage import Kinds

RARE: Kinds = {
    **pull_requests.RARE,
    **checks.RARE,
    **people.RARE,
    **installations.RARE,
}
"""What is done only where somebody gives it a weight."""

KINDS: Kinds = {
    **conversations.KINDS,
    **issues.KINDS,
    **pull_requests.KINDS,
    **reviews.KINDS,
    **checks.KINDS,
    **alerts.KINDS,
    **labels.KINDS,
    **repositories.KINDS,
    **installations.KINDS,
    **releases.KINDS,
    **RARE,
}

NOT_TOLD = (
    *installations.KINDS, *installations.RARE, *people.RARE,
    "add_dependency", "add_sub_issue", "rename_organization", "rename_repository", "transfer_issue",
    "transfer_repository",
)  # fmt: skip
"""Deeds after which no hook tells all.

GitHub tells nobody what happened while the App could not see it, of no row that its address is another now, and of no
issue that one which it needs was closed.
"""
