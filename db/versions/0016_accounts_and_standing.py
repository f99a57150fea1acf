"""Whether who made a pull request has standing in its repository."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "github_pull_requests",
        sa.Column(
            "author_association",
            sa.String(50),
            comment="How the author stands to the repository: OWNER, MEMBER, ...; the API's word before a webhook's",
        ),
    )
    for half in ("updated_at", "observed_at"):
        op.add_column("github_pull_requests", _version("standing", half))


def downgrade() -> None:
    for name in ("standing_observed_at", "standing_updated_at", "author_association"):
        op.drop_column("github_pull_requests", name)


def _version(group: str, half: str) -> sa.Column[object]:
    return _moment(f"{group}_{half}", f"{half} of the payload that last reported the {group} columns")


def _moment(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), comment=comment)
