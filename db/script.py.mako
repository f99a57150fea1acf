<%!
    def bare(operations):
        """Without what Alembic remarks before and after them."""
        return "\n".join(line for line in operations.splitlines() if "# ###" not in line).strip()
%>\
"""${message}."""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


def upgrade() -> None:
    ${(upgrades or "pass") | bare}


def downgrade() -> None:
    ${(downgrades or "pass") | bare}
