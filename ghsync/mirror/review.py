"""Reviews of pull requests.

Payload: https://docs.github.com/en/rest/pulls/reviews#get-a-review-for-a-pull-request
"""

import sqlalchemy as sa

from ghsync.database import metadata, moment, reference, uuid_key
from ghsync.mirror.noun import mirror_columns

table = sa.Table(
    "github_reviews",
    metadata,
    uuid_key(),
    reference("repository_id", "github_repositories.id", "Its repository", nullable=False, ondelete="CASCADE"),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id"),
    sa.Column("node_id", sa.String(255), comment="GitHub's GraphQL id"),
    sa.Column("number", sa.Integer, nullable=False, comment="Number of the pull request"),
    sa.Column("author", sa.String(255), comment="Login of the reviewer"),
    sa.Column("state", sa.String(50), nullable=False, comment="approved, changes_requested, commented, dismissed"),
    sa.Column("body", sa.Text, comment="Text, as Markdown"),
    sa.Column("html_url", sa.Text, comment="Page on GitHub"),
    sa.Column("commit_sha", sa.String(64), comment="Commit that was reviewed"),
    sa.Column("author_association", sa.String(50), comment="The reviewer's standing in the repository"),
    moment("submitted_at", "When it was submitted"),
    *mirror_columns(),
    sa.UniqueConstraint("repository_id", "github_id"),
    comment="Reviews of pull requests",
)
sa.Index("idx_github_reviews_number", table.c.repository_id, table.c.number)
