"""Keep of stored requests only the headers that GitHub itself sends: others were the deployment's, with credentials."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

BEFORE, AFTER = (
    "Request headers, names in lower case",
    "Request headers that GitHub itself sends, names in lower case",
)

FORGET = """
UPDATE webhook_deliveries SET headers = (
  SELECT coalesce(jsonb_object_agg(name, value), '{}') FROM jsonb_each(headers) AS header(name, value)
  WHERE name = ANY(kept.names))
FROM (SELECT ARRAY[
  'accept', 'content-type', 'user-agent', 'x-github-delivery', 'x-github-enterprise-host',
  'x-github-enterprise-version', 'x-github-event', 'x-github-hook-id', 'x-github-hook-installation-target-id',
  'x-github-hook-installation-target-type'] AS names) kept
WHERE headers - kept.names <> '{}'
"""


def upgrade() -> None:
    op.execute(sa.text(FORGET))
    op.alter_column("webhook_deliveries", "headers", comment=AFTER, existing_comment=BEFORE)


def downgrade() -> None:
    op.alter_column("webhook_deliveries", "headers", comment=BEFORE, existing_comment=AFTER)
