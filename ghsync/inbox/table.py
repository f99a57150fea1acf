"""The inbox: every verified delivery, kept as the bytes that were signed."""

import sqlalchemy as sa

from ghsync import partitions
from ghsync.database import document, metadata, moment, one_of

STATUSES = ("pending", "processed", "ignored", "parked")
SOURCES = ("webhook", "replay", "reconcile")

table = sa.Table(
    "webhook_deliveries",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False, comment="Key, in order of arrival"),
    # Of what makes the key, so that a delivery that comes again, however late, is looked for where it is.
    sa.Column(
        "month",
        sa.Date,
        nullable=False,
        server_default=sa.text("date_trunc('month', now())"),
        comment="The month that its GUID was made in, 1970-01-01 where that tells no time: its partition",
    ),
    sa.Column(
        "hook_target",
        sa.Text,
        nullable=False,
        comment="Who was hooked: type:id of the hook's target; unnamed where no header says it",
    ),
    sa.Column("guid", sa.Text, nullable=False, comment="X-GitHub-Delivery; the same for every redelivery"),
    sa.Column("event", sa.Text, nullable=False, comment="X-GitHub-Event"),
    sa.Column("action", sa.Text, comment="action of the payload"),
    sa.Column("repository", sa.Text, comment="full_name of the payload's repository"),
    sa.Column("installation_id", sa.Text, comment="GitHub's id of the payload's installation"),
    sa.Column(
        "sync_source",
        sa.String(20),
        nullable=False,
        server_default="webhook",
        comment="The door it came through last, for the rows that it writes",
    ),
    sa.Column("status", sa.String(20), nullable=False, server_default="pending", comment="State; see ARCHITECTURE"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0", comment="Failed projections so far"),
    moment("next_attempt_at", "When it may be projected (again)", default=True, nullable=False),
    sa.Column("last_error", sa.Text, comment="What the last failure said"),
    moment("received_at", "When it arrived", default=True, nullable=False),
    moment("processed_at", "When it was projected, ignored or parked"),
    moment("dismissed_at", "When a person gave it up"),
    document("headers", "Request headers that GitHub itself sends, names in lower case", nullable=False),
    sa.Column("body", sa.LargeBinary, comment="The signed bytes, as they came; null once past their retention"),
    sa.PrimaryKeyConstraint("id", "month"),
    sa.UniqueConstraint("hook_target", "guid", "month"),
    one_of("status", STATUSES),
    one_of("sync_source", SOURCES),
    sa.CheckConstraint("attempts >= 0", name="attempts"),
    sa.CheckConstraint("(status = 'pending') = (processed_at IS NULL)", name="processed_when_done"),
    sa.CheckConstraint("status <> 'parked' OR last_error IS NOT NULL", name="parked_says_why"),
    sa.CheckConstraint("body IS NOT NULL OR status IN ('processed', 'ignored')", name="body_until_done"),
    comment="Verified webhook deliveries: pending -> processed | ignored | parked",
    postgresql_partition_by="RANGE (month)",
)
sa.Index("idx_webhook_deliveries_pending", table.c.next_attempt_at, table.c.id,
         postgresql_where=table.c.status == "pending")  # fmt: skip
sa.Index("idx_webhook_deliveries_parked", table.c.id, postgresql_where=table.c.status == "parked")
sa.Index("idx_webhook_deliveries_not_understood", table.c.event, table.c.id,
         postgresql_where=sa.text("status = 'ignored' AND dismissed_at IS NULL"))  # fmt: skip
sa.Index("idx_webhook_deliveries_received_at", table.c.received_at)
sa.Index("idx_webhook_deliveries_repository", table.c.repository, table.c.id)

# Payloads are written once and read once: compressing them costs more than it saves.
# https://www.postgresql.org/docs/current/storage-toast.html
_UNCOMPRESSED = "ALTER TABLE webhook_deliveries ALTER COLUMN body SET STORAGE EXTERNAL"
sa.event.listen(table, "after_create", sa.DDL(_UNCOMPRESSED))  # type: ignore[no-untyped-call]
partitions.with_default(table)
