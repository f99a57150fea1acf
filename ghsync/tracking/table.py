"""`pr_tracking`: the life of every pull request, derived from the mirror (seed 001)."""

import sqlalchemy as sa

from ghsync.database import ROOM_FOR_UPDATES, document, metadata, moment, one_of, reference, uuid_key

STATUSES = ("draft", "open", "closed", "merged")
MERGE_STATUSES = ("pending", "mergeable", "conflicting", "blocked", "behind", "unstable", "merged", "closed")
REVIEW_STATUSES = ("pending", "review_requested", "commented", "changes_requested", "approved")
CI_STATUSES = ("none", "pending", "success", "failure")
SECURITY_STATUSES = ("none", "pending", "passed", "failed")

table = sa.Table(
    "pr_tracking",
    metadata,
    uuid_key(),
    reference("repository_id", "github_repositories.id", "Its repository", nullable=False, ondelete="CASCADE",
              index=False),
    reference("pull_request_id", "github_pull_requests.id", "The mirrored pull request", nullable=False,
              ondelete="CASCADE"),
    sa.Column("pr_number", sa.Integer, nullable=False, comment="Number within the repository"),
    sa.Column("pr_url", sa.String(500), nullable=False, comment="Page on GitHub"),
    sa.Column("repository_name", sa.String(255), nullable=False, comment="owner/name today; follows renames"),
    sa.Column("repository_url", sa.String(500), comment="The repository's page on GitHub"),
    sa.Column("title", sa.String(500), nullable=False, comment="Title"),
    sa.Column("description", sa.Text, comment="Description, as Markdown"),
    sa.Column("branch_name", sa.String(255), nullable=False, comment="Branch with the changes"),
    sa.Column("base_branch", sa.String(255), nullable=False, server_default="main", comment="Branch it goes into"),
    sa.Column("status", sa.String(50), nullable=False, server_default="open", comment="draft, open, closed or merged"),
    sa.Column("merge_status", sa.String(50), server_default="pending", comment="Whether it can be merged"),
    sa.Column("review_status", sa.String(50), server_default="pending", comment="What reviewers say"),
    sa.Column("ci_status", sa.String(50), server_default="pending", comment="What checks of the head say"),
    sa.Column("test_coverage_percentage", sa.Numeric(5, 2), comment="0 to 100"),
    sa.Column("quality_score", sa.Numeric(5, 2), comment="0 to 100; null while nothing is known"),
    sa.Column("security_scan_status", sa.String(50), server_default="pending", comment="What security scans say"),
    sa.Column("lines_added", sa.Integer, server_default="0", comment="Lines added"),
    sa.Column("lines_deleted", sa.Integer, server_default="0", comment="Lines deleted"),
    sa.Column("files_changed", sa.Integer, server_default="0", comment="Files changed"),
    sa.Column("commits_count", sa.Integer, server_default="0", comment="Commits"),
    reference("workflow_id", "workflows.id", "Workflow of the task", ondelete="SET NULL"),
    reference("task_id", "tasks.id", "Task this pull request works on", ondelete="SET NULL"),
    reference("created_by_session_id", "agent_sessions.id", "Session of the task", ondelete="SET NULL"),
    moment("created_at", "When it was opened", default=True),
    moment("updated_at", "When GitHub last changed it", default=True),
    moment("merged_at", "When it was merged"),
    moment("closed_at", "When it was closed or merged"),
    sa.Column("author", sa.String(255), comment="Login of the author"),
    document("assignees", "[{id,login}]", default="[]"),
    document("reviewers", "[{login,state,submitted_at}] of everyone asked or heard", default="[]"),
    document("labels", "[{id,name,color,description}]", default="[]"),
    document("metadata", "Facts that have no column of their own"),
    sa.UniqueConstraint("repository_id", "pr_number"),
    # Names swap between repositories within one statement, so uniqueness is checked at its end.
    sa.UniqueConstraint(
        "repository_name", "pr_number", name="idx_pr_tracking_repo_pr", deferrable=True, initially="IMMEDIATE"
    ),
    one_of("status", STATUSES),
    one_of("merge_status", MERGE_STATUSES),
    one_of("review_status", REVIEW_STATUSES),
    one_of("ci_status", CI_STATUSES),
    one_of("security_scan_status", SECURITY_STATUSES),
    sa.CheckConstraint("test_coverage_percentage BETWEEN 0 AND 100", name="test_coverage_percentage"),
    sa.CheckConstraint("quality_score BETWEEN 0 AND 100", name="quality_score"),
    comment="Life of every pull request: derived, never written by hand",
    postgresql_with=ROOM_FOR_UPDATES,
)  # fmt: skip
sa.Index("idx_pr_tracking_quality_score", table.c.quality_score, postgresql_where=table.c.quality_score.is_not(None))
sa.Index("idx_pr_tracking_ci_status", table.c.ci_status)
sa.Index("idx_pr_tracking_active", table.c.repository_id, table.c.status,
         postgresql_where=table.c.status.in_(["draft", "open"]))  # fmt: skip
# The worst of what is open, of all repositories.
sa.Index("idx_pr_tracking_open_quality", table.c.quality_score,
         postgresql_where=table.c.status.in_(["draft", "open"]))  # fmt: skip
