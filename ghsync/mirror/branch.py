"""Branches, as pushes report them.

A push to a base branch makes what GitHub said about mergeability void without any pull request event, so the newest
push of each branch is remembered.
Payload: https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
"""

import sqlalchemy as sa

from ghsync.database import metadata, uuid_key
from ghsync.mirror.noun import Noun, Origin, Row, its_repository, mirror_columns

PREFIX = "refs/heads/"
LONGEST = 255  # as long as a key can be, two longer ones are one here and not where they are written

table = sa.Table(
    "github_branches",
    metadata,
    uuid_key(),
    its_repository(),
    sa.Column("name", sa.String(LONGEST), nullable=False, comment="Name without refs/heads/"),
    sa.Column("head_sha", sa.String(64), comment="Newest commit; null while the branch is deleted"),
    *mirror_columns(),
    sa.UniqueConstraint("repository_id", "name"),
    comment="Branches that were pushed to since ghsync watches",
)
sa.Index("idx_github_branches_observed_at", table.c.repository_id, table.c.observed_at)

# What two pushes of one second leave open its pull requests tell: they are refetched after any push.
noun = Noun(table, "branch", shown=("head_sha",), key=("repository_id", "name"), refetch=None, dated=False)


def row(ref: str, after: str | None, origin: Origin, *, deleted: bool = False) -> Row:
    """The row of a push; ``ref`` is refs/heads/NAME."""
    return {
        "name": ref.removeprefix(PREFIX)[:LONGEST],
        "head_sha": None if deleted else after,
        "updated_at": None,
        "deleted_at": None,  # a branch comes back by a push, so its deletion is a state and not a tombstone
        **origin.columns(),
    }
