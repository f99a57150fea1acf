"""The change feed's tables: what changed, in commit order and without gaps."""

import sqlalchemy as sa

from ghsync import partitions
from ghsync.database import document, metadata, moment, one_of

OPERATIONS = ("insert", "update", "delete", "restore")

events = sa.Table(
    "change_events",
    metadata,
    sa.Column("seq", sa.BigInteger, nullable=False, autoincrement=False,
              comment="Position in the feed: no gaps, in order of commit"),
    sa.Column("entity_type", sa.String(63), nullable=False, comment="Table that changed"),
    sa.Column("entity_id", sa.UUID(as_uuid=False), nullable=False, comment="Row that changed"),
    # No foreign key: what is told stays told, and each entry would be looked up under the lock that orders commits.
    sa.Column("repository_id", sa.UUID(as_uuid=False), comment="Its repository"),
    sa.Column("number", sa.Integer, comment="Number of the issue or pull request that the row is, or is a part of"),
    sa.Column("operation", sa.String(10), nullable=False, comment="What happened to the row"),
    document("old_values", "Changed fields before; null for a new row", default=None),
    document("new_values", "Changed fields after; all fields of a new row", default=None),
    sa.Column("sync_source", sa.String(20), nullable=False, comment="The door it came through"),
    moment("observed_at", "When GitHub held the new state"),
    moment("created_at", "When it was written", default=True, nullable=False),
    sa.PrimaryKeyConstraint("seq", "created_at"),
    one_of("operation", OPERATIONS),
    comment="Gap-free feed of every change of a mirrored or derived row",
    postgresql_partition_by="RANGE (created_at)",
)  # fmt: skip
sa.Index("idx_change_events_repository_id", events.c.repository_id, events.c.seq)
# What changed on one issue or pull request.
sa.Index("idx_change_events_number", events.c.repository_id, events.c.number, events.c.seq,
         postgresql_where=events.c.number.is_not(None))  # fmt: skip
sa.Index("idx_change_events_entity", events.c.entity_type, events.c.entity_id, events.c.seq)
sa.Index("idx_change_events_created_at", events.c.created_at)
partitions.with_default(events)

positions = sa.Table(
    "change_feed",
    metadata,
    sa.Column("id", sa.Boolean, primary_key=True, server_default=sa.true(), comment="Always true: one row"),
    sa.Column("last_seq", sa.BigInteger, nullable=False, server_default="0", comment="Position given out last"),
    sa.CheckConstraint("id", name="one_row"),
    comment="Where the change feed stands; its row lock puts commits in order",
)
