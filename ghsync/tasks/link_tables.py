"""Tables of the links between tasks and GitHub: what texts say, and what follows from it."""

import sqlalchemy as sa

from ghsync.database import metadata, moment, one_of, reference, uuid_key

ITEM_KINDS = ("issue", "pull_request")
SOURCES = (
    "manual", "external", "label", "task_trailer", "branch", "closing_reference", "closing_keyword", "cross_reference",
)  # fmt: skip

links = sa.Table(
    "task_github_links",
    metadata,
    uuid_key(),
    reference("task_id", "tasks.id", "The task", nullable=False, ondelete="CASCADE", index=False),
    reference("repository_id", "github_repositories.id", "Repository of the issue or pull request", nullable=False,
              ondelete="CASCADE", index=False),
    sa.Column("kind", sa.String(20), nullable=False, comment="issue or pull_request"),
    sa.Column("number", sa.Integer, nullable=False, comment="Its number within the repository"),
    sa.Column("source", sa.String(30), nullable=False, comment="Why they belong together"),
    sa.Column("confidence", sa.Numeric(3, 2), nullable=False, comment="How surely, 0 to 1"),
    sa.Column("evidence", sa.Text, comment="The words or the person that say so"),
    moment("created_at", "When the link was found", default=True, nullable=False),
    sa.UniqueConstraint("task_id", "repository_id", "kind", "number", "source"),
    one_of("kind", ITEM_KINDS),
    one_of("source", SOURCES),
    sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    comment="Links between tasks and issues or pull requests; one row per reason",
)  # fmt: skip
sa.Index("idx_task_github_links_item", links.c.repository_id, links.c.kind, links.c.number)

mentions = sa.Table(
    "github_mentions",
    metadata,
    uuid_key(),
    reference("repository_id", "github_repositories.id", "Repository of the text", nullable=False, ondelete="CASCADE",
              index=False),
    sa.Column("kind", sa.String(20), nullable=False, comment="Whose text it is: issue or pull_request"),
    sa.Column("number", sa.Integer, nullable=False, comment="Number of the issue or pull request with the text"),
    sa.Column("source", sa.String(30), nullable=False, comment="How the text says it"),
    sa.Column("task", sa.String(36), comment="Task named by its id or its first eight characters"),
    sa.Column("target_name", sa.String(255), comment="owner/name of the issue; null for the same repository"),
    sa.Column("target_number", sa.Integer, comment="Number of the issue"),
    sa.Column("evidence", sa.Text, comment="The words"),
    moment("observed_at", "When the text said so; decides whose name target_name was", nullable=False),
    one_of("kind", ITEM_KINDS),
    one_of("source", SOURCES),
    sa.CheckConstraint("(task IS NULL) <> (target_number IS NULL)", name="names_one_thing"),
    comment="What texts and branches say of tasks and issues, resolved or not",
)  # fmt: skip
sa.Index("idx_github_mentions_item", mentions.c.repository_id, mentions.c.kind, mentions.c.number)
sa.Index("idx_github_mentions_task", sa.func.left(mentions.c.task, 8), postgresql_where=mentions.c.task.is_not(None))
# Who mentions this issue? By number alone within its repository, by name elsewhere.
sa.Index("idx_github_mentions_target", mentions.c.repository_id, mentions.c.target_number,
         postgresql_where=mentions.c.target_name.is_(None) & mentions.c.target_number.is_not(None))  # fmt: skip
sa.Index("idx_github_mentions_target_name", sa.func.lower(mentions.c.target_name), mentions.c.target_number,
         postgresql_where=mentions.c.target_name.is_not(None))  # fmt: skip
