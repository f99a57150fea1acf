"""Let a report of mergeability hold for the branch it was about, not for another at the same commit."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COMMITS = "NOT merged AND reported_head_sha = head_sha AND reported_base_sha = base_sha"
COMMITS_AND_BRANCH = f"{COMMITS} AND reported_base_ref = base_ref"


# Before PostgreSQL 17 the expression of a column cannot be changed.
def _generate(report_holds: str) -> None:
    for name, kind, expression, comment in (
        (
            "mergeable",
            sa.Boolean(),
            f"CASE WHEN {report_holds} THEN reported_mergeable END",
            "The newest report that holds for this head and base; null while unknown",
        ),
        (
            "mergeable_state",
            sa.String(50),
            f"""CASE WHEN {report_holds} AND reported_mergeable IS NOT NULL THEN reported_mergeable_state
                     ELSE 'unknown' END""",
            "GitHub's word for it (clean, dirty, blocked, behind, unstable, ...); unknown while unknown",
        ),
    ):
        op.drop_column("github_pull_requests", name)
        op.add_column(
            "github_pull_requests", sa.Column(name, kind, sa.Computed(expression, persisted=True), comment=comment)
        )


def upgrade() -> None:
    _generate(COMMITS_AND_BRANCH)


def downgrade() -> None:
    _generate(COMMITS)
