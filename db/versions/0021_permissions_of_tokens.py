"""Keep the permissions of tokens that processes share, and say whose those of an omission are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

OMISSIONS = "The installation's permissions at that time"


def upgrade() -> None:
    op.add_column(
        "sync_tokens",
        sa.Column(
            "permissions",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="What it was granted when it was made, where known",
        ),
    )
    op.create_check_constraint(
        op.f("sync_tokens_permissions_shape_check"), "sync_tokens", "jsonb_typeof(permissions) = 'object'"
    )
    op.alter_column(
        "sync_omissions", "permissions",
        comment="Permissions of the installation's token at that time", existing_comment=OMISSIONS,
    )  # fmt: skip


def downgrade() -> None:
    op.alter_column("sync_omissions", "permissions", comment=OMISSIONS)
    op.drop_constraint(op.f("sync_tokens_permissions_shape_check"), "sync_tokens", type_="check")
    op.drop_column("sync_tokens", "permissions")
