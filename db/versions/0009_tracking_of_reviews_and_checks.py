"""What `pr_tracking` says of reviews, checks, security, coverage and quality: functions alone, which are in db/sql."""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
