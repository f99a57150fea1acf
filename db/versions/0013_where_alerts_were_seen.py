"""Order by itself where an alert was seen, for not every reading of it knows the place."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COLUMNS = {
    "instance_updated_at": "updated_at of the payload that last reported the instance columns",
    "instance_observed_at": "observed_at of the payload that last reported the instance columns",
}


def upgrade() -> None:
    for name, comment in COLUMNS.items():
        op.add_column("github_security_alerts", sa.Column(name, sa.TIMESTAMP(timezone=True), comment=comment))
    op.execute("""
        UPDATE github_security_alerts SET instance_updated_at = updated_at, instance_observed_at = observed_at
    """)


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("github_security_alerts", name)
