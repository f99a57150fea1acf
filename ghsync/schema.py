"""The declared schema, complete: importing this module registers every table on `metadata`."""

from ghsync import audit, jobs, processes
from ghsync.changes import table as changes
from ghsync.database import metadata
from ghsync.github import budget, etags, omissions, tokens
from ghsync.inbox import table as inbox
from ghsync.mirror import (
    accounts,
    branch,
    check_run,
    check_suite,
    comment,
    commit_status,
    installation,
    issue,
    label,
    milestone,
    pull_request,
    repository,
    review,
    review_thread,
    security_alert,
    workflow_run,
)
from ghsync.reconciler import audit as findings
from ghsync.reconciler import places, runs
from ghsync.tasks import agent_tables, lifecycle_tables, link_tables, tables, workflow_tables
from ghsync.tracking import table as tracking

__all__ = [
    "MIRRORED",
    "accounts",
    "agent_tables",
    "audit",
    "branch",
    "budget",
    "changes",
    "check_run",
    "check_suite",
    "comment",
    "commit_status",
    "etags",
    "findings",
    "inbox",
    "installation",
    "issue",
    "jobs",
    "label",
    "lifecycle_tables",
    "link_tables",
    "metadata",
    "milestone",
    "omissions",
    "places",
    "processes",
    "pull_request",
    "repository",
    "review",
    "review_thread",
    "runs",
    "security_alert",
    "tables",
    "tokens",
    "tracking",
    "workflow_run",
    "workflow_tables",
]

MIRRORED = tuple(sorted(name for name, table in metadata.tables.items() if "verified_at" in table.columns))
"""The tables that mirror something of GitHub's: what an API response can confirm."""
