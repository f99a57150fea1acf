"""A policy for what GitHub does not show any more: thirty days after it was hidden it goes for good."""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


CHECK = "data_retention_policies_table_name_check"
OLD = ("audit_logs", "change_events", "webhook_deliveries", "sync_findings", "sync_runs", "webhook_deliveries.body")
NEW = "github_repositories"


def _allow(*names: str) -> None:
    listed = ", ".join(f"'{name}'" for name in names)
    op.drop_constraint(op.f(CHECK), "data_retention_policies", type_="check")
    op.create_check_constraint(op.f(CHECK), "data_retention_policies", f"table_name IN ({listed})")


def upgrade() -> None:
    _allow(*OLD, NEW)
    op.execute(
        "INSERT INTO data_retention_policies (table_name, retention_days, archive_enabled, delete_enabled) "
        f"VALUES ('{NEW}', 30, false, true)"
    )


def downgrade() -> None:
    op.execute(f"DELETE FROM data_retention_policies WHERE table_name = '{NEW}'")
    _allow(*OLD)
