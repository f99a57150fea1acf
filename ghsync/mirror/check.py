"""Check runs and commit statuses: two systems of GitHub's, both joined to pull requests by the head commit.

Payloads: https://docs.github.com/en/rest/checks/runs#get-a-check-run and
https://docs.github.com/en/rest/commits/statuses#list-commit-statuses-for-a-reference
"""

import sqlalchemy as sa

from ghsync.database import metadata, moment, reference, uuid_key
from ghsync.mirror.noun import mirror_columns

runs = sa.Table(
    "github_check_runs",
    metadata,
    uuid_key(),
    reference("repository_id", "github_repositories.id", "Its repository", nullable=False, ondelete="CASCADE"),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id"),
    sa.Column("node_id", sa.String(255), comment="GitHub's GraphQL id"),
    sa.Column("head_sha", sa.String(64), nullable=False, comment="Commit that was checked"),
    sa.Column("name", sa.Text, nullable=False, comment="Name of the check"),
    sa.Column("app_slug", sa.String(255), comment="App that ran it"),
    sa.Column("check_suite_id", sa.String(255), comment="GitHub's id of its suite"),
    sa.Column("status", sa.String(50), nullable=False, comment="queued, in_progress or completed"),
    sa.Column("conclusion", sa.String(50), comment="success, failure, neutral, skipped, ...; null until completed"),
    sa.Column("html_url", sa.Text, comment="Page on GitHub"),
    sa.Column("title", sa.Text, comment="Title of its output"),
    sa.Column("summary", sa.Text, comment="Summary of its output"),
    moment("started_at", "When it started"),
    moment("completed_at", "When it ended"),
    *mirror_columns(),
    sa.UniqueConstraint("repository_id", "github_id"),
    comment="Check runs, joined by head commit",
)
sa.Index("idx_github_check_runs_head_sha", runs.c.repository_id, runs.c.head_sha)

statuses = sa.Table(
    "github_commit_statuses",
    metadata,
    uuid_key(),
    reference("repository_id", "github_repositories.id", "Its repository", nullable=False, ondelete="CASCADE"),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id"),
    sa.Column("head_sha", sa.String(64), nullable=False, comment="Commit it speaks of"),
    sa.Column("context", sa.Text, nullable=False, comment="Name of the status"),
    sa.Column("state", sa.String(50), nullable=False, comment="error, failure, pending or success"),
    sa.Column("description", sa.Text, comment="Short text"),
    sa.Column("target_url", sa.Text, comment="Page with details"),
    sa.Column("creator", sa.String(255), comment="Login of who set it"),
    moment("created_at", "When it was set"),
    *mirror_columns(),
    sa.UniqueConstraint("repository_id", "github_id"),
    comment="Commit statuses, joined by head commit; the greatest id of a context counts",
)
sa.Index("idx_github_commit_statuses_head_sha", statuses.c.repository_id, statuses.c.head_sha)
