"""The declared schema, complete: importing this module registers every table on `metadata`."""

from ghsync import audit, jobs, keys, processes, readers, retention, vitals, web_sessions, webhook_secrets
from ghsync.changes import table as changes
from ghsync.database import metadata
from ghsync.github import budget, etags, omissions, tokens
from ghsync.inbox import table as inbox
from ghsync.mirror import accounts, nouns
from ghsync.reconciler import audit as findings
from ghsync.reconciler import places, runs
from ghsync.tasks import agent_tables, lifecycle_tables, link_tables, tables, workflow_tables
from ghsync.tracking import table as tracking

__all__ = [
    "MIRRORED",
    "accounts",
    "agent_tables",
    "audit",
    "budget",
    "changes",
    "etags",
    "findings",
    "inbox",
    "jobs",
    "keys",
    "lifecycle_tables",
    "link_tables",
    "metadata",
    "nouns",
    "omissions",
    "places",
    "processes",
    "readers",
    "retention",
    "runs",
    "tables",
    "tokens",
    "tracking",
    "vitals",
    "web_sessions",
    "webhook_secrets",
    "workflow_tables",
]

MIRRORED = tuple(sorted(name for name, table in metadata.tables.items() if "verified_at" in table.columns))
"""The tables that mirror something of GitHub's: what an API response can confirm."""
