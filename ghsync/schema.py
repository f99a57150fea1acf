"""The declared schema, complete: importing this module registers every table on `metadata`."""

from ghsync import audit, jobs
from ghsync.changes import table as changes
from ghsync.database import metadata
from ghsync.inbox import table as inbox
from ghsync.mirror import (
    accounts,
    branch,
    check,
    comment,
    installation,
    issue,
    label,
    milestone,
    pull_request,
    repository,
    review,
)
from ghsync.tasks import link_tables, tables
from ghsync.tracking import table as tracking

__all__ = [
    "accounts",
    "audit",
    "branch",
    "changes",
    "check",
    "comment",
    "inbox",
    "installation",
    "issue",
    "jobs",
    "label",
    "link_tables",
    "metadata",
    "milestone",
    "pull_request",
    "repository",
    "review",
    "tables",
    "tracking",
]
