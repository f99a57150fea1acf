"""Readers: roles of PostgreSQL that see what one person may see, or what is to be seen of all; some write tasks.

What that is, `db/sql/row_policies.sql` says, and the functions `visible_*`.
"""

import sqlalchemy as sa

from ghsync.database import metadata, moment, reference

READ, WRITE, ADMIN = "ghsync_read", "ghsync_write", "ghsync_admin"

table = sa.Table(
    "database_readers",
    metadata,
    sa.Column("role", sa.String(63), primary_key=True, comment="The role that logs in"),
    reference(
        "user_id", "users.id", "Who reads with it; null for what is to be seen of all organizations", ondelete="CASCADE"
    ),
    moment("created_at", "When it was let in", default=True),
    comment="Roles of PostgreSQL that read with the eyes of one person; a role that is none of these sees nothing",
)
