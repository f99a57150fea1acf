"""Who made a pull request, what an account told of itself, and when a repository was heard of last."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "github_pull_requests",
        sa.Column(
            "author_association",
            sa.String(50),
            comment="How the author stands to the repository: OWNER, MEMBER, ...; the API's word before a webhook's",
        ),
    )
    for half in ("updated_at", "observed_at"):
        op.add_column("github_pull_requests", _version("standing", half))

    op.add_column(
        "organizations",
        sa.Column("account_login", sa.String(255), comment="Login that the account's own events told last"),
    )
    op.add_column("organizations", _moment("account_login_since", "Since when these are known to have told that login"))
    op.add_column(
        "organizations",
        _moment("account_observed_at", "When they last told a login: repositories observed before follow it"),
    )
    for half in ("updated_at", "observed_at"):
        op.add_column("github_repositories", _version("owner", half))
    op.add_column(
        "github_repositories",
        _moment(
            "access_ended_at", "When its installation came to see it no longer, as far as that was told of it alone"
        ),
    )
    op.execute("UPDATE github_repositories SET access_ended_at = removed_at WHERE removed_at IS NOT NULL")
    op.alter_column(
        "github_repositories",
        "removed_at",
        comment="Since when neither the App nor a webhook of its own sees it; null while one does",
    )
    op.add_column("github_repositories", _moment("alive_at", "When a webhook last told of it as living"))
    op.add_column(
        "github_repositories",
        _moment("heard_at", "When a webhook that is no installation's last told of it: its own, or its organization's"),
    )


def downgrade() -> None:
    op.alter_column(
        "github_repositories", "removed_at", comment="Since when the App no longer sees it; null while it does"
    )
    for name in ("access_ended_at", "heard_at", "alive_at", "owner_observed_at", "owner_updated_at"):
        op.drop_column("github_repositories", name)
    for name in ("account_observed_at", "account_login_since", "account_login"):
        op.drop_column("organizations", name)
    for name in ("standing_observed_at", "standing_updated_at", "author_association"):
        op.drop_column("github_pull_requests", name)


def _version(group: str, half: str) -> sa.Column[object]:
    return _moment(f"{group}_{half}", f"{half} of the payload that last reported the {group} columns")


def _moment(name: str, comment: str) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), comment=comment)
