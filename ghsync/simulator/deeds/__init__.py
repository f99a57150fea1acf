"""Everything that people, bots and CI do on the simulated GitHub by chance: one module for each kind of thing."""

from ghsync.simulator.deeds import (
    alerts,
    checks,
    conversations,
    installations,
    issues,
    labels,
    pull_requests,
    repositories,
    reviews,
)
from ghsync.simulator.deeds.stage import Kinds

KINDS: Kinds = {
    **conversations.KINDS,
    **issues.KINDS,
    **pull_requests.KINDS,
    **reviews.KINDS,
    **checks.KINDS,
    **checks.SILENT,
    **alerts.KINDS,
    **labels.KINDS,
    **repositories.KINDS,
    **installations.KINDS,
}
