"""Note the permissions of a complete listing, so that a repository is read again as soon as there are more."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "sync_marks",
        sa.Column(
            "read_with",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="Permissions of the last complete listing, where known",
        ),
    )
    op.create_check_constraint(
        op.f("sync_marks_read_with_shape_check"), "sync_marks", "jsonb_typeof(read_with) = 'array'"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("sync_marks_read_with_shape_check"), "sync_marks", type_="check")
    op.drop_column("sync_marks", "read_with")
