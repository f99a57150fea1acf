"""Deliveries that are yet to be done have payloads: those that were there before that was a rule, too."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.

CHECK = "webhook_deliveries_body_until_done_check"
VALIDATE = f"ALTER TABLE webhook_deliveries VALIDATE CONSTRAINT {CHECK}"


def upgrade() -> None:
    if op.get_context().as_sql:  # for an empty database
        op.execute(VALIDATE)
        return
    # However many there are, nobody waits while they are looked at.
    with op.get_context().autocommit_block():
        timeout = op.get_bind().scalar(sa.text("SHOW statement_timeout"))
        op.execute("SET statement_timeout = 0")
        op.execute(VALIDATE)
        op.execute(f"SET statement_timeout = '{timeout}'")


def downgrade() -> None:
    op.drop_constraint(op.f(CHECK), "webhook_deliveries", type_="check")
    op.create_check_constraint(
        op.f(CHECK),
        "webhook_deliveries",
        "body IS NOT NULL OR status IN ('processed', 'ignored')",
        postgresql_not_valid=True,
    )
