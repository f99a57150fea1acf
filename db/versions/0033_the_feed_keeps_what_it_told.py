"""The feed keeps what it told: it goes with no repository, and no entry is looked up under the lock of commits."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


def upgrade() -> None:
    op.drop_constraint(op.f("change_events_repository_id_fkey"), "change_events", type_="foreignkey")


def downgrade() -> None:
    op.create_foreign_key(
        op.f("change_events_repository_id_fkey"),
        "change_events",
        "github_repositories",
        ["repository_id"],
        ["id"],
        ondelete="CASCADE",
    )
