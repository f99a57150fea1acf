"""Pull requests.

Payload: https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request
Only that answer and `pull_request` events are whole. Lists, review events and `issue_comment` events leave out the
stats, and GitHub computes ``mergeable`` late: so stats, comments and mergeability are column groups of their own.
"""

import sqlalchemy as sa
from msgspec import UNSET, Struct

from ghsync.database import ROOM_FOR_UPDATES, document, metadata, moment, uuid_key
from ghsync.mirror import issue, label
from ghsync.mirror import milestone as milestones
from ghsync.mirror.noun import Group, Noun, Origin, Row, its_repository, mirror_columns, version_columns
from ghsync.mirror.user import Author, Id, Integer, Name, Team, Time, User, author, identity, login, people, teams, time

# A report of mergeability speaks of one head and one base; once either has moved it says nothing. Two branches at one
# commit have rules of their own, so the base's name counts too.
_REPORT_HOLDS = (
    "NOT merged AND reported_head_sha = head_sha AND reported_base_sha = base_sha AND reported_base_ref = base_ref"
)

table = sa.Table(
    "github_pull_requests",
    metadata,
    uuid_key(),
    its_repository(),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id of the pull request"),
    sa.Column("node_id", sa.String(255), comment="GitHub's GraphQL id"),
    sa.Column("number", sa.Integer, nullable=False, comment="Number within the repository"),
    sa.Column("title", sa.Text, nullable=False, comment="Title"),
    sa.Column("body", sa.Text, comment="Description, as Markdown"),
    sa.Column("state", sa.String(50), nullable=False, comment="open or closed"),
    sa.Column("html_url", sa.Text, comment="Page on GitHub"),
    sa.Column("head_ref", sa.String(255), comment="Branch with the changes"),
    sa.Column("head_sha", sa.String(64), comment="Its newest commit"),
    sa.Column("head_repository_id", sa.String(255), comment="GitHub's id of the head's repository, for ever"),
    sa.Column("base_ref", sa.String(255), comment="Branch it goes into"),
    sa.Column("base_sha", sa.String(64), comment="That branch's commit, as the pull request knows it"),
    sa.Column("draft", sa.Boolean, server_default=sa.false(), comment="Is a draft"),
    sa.Column("merged", sa.Boolean, server_default=sa.false(), comment="Was merged; final"),
    sa.Column(
        "merged_into_default", sa.Boolean, server_default=sa.false(),
        comment="Was merged into the default branch of that time; final",
    ),
    sa.Column("reported_mergeable", sa.Boolean, comment="mergeable of the newest report that was not null"),
    sa.Column("reported_mergeable_state", sa.String(50), comment="mergeable_state of that report"),
    sa.Column("reported_head_sha", sa.String(64), comment="head_sha of that report"),
    sa.Column("reported_base_sha", sa.String(64), comment="base_sha of that report"),
    sa.Column("reported_base_ref", sa.String(255), comment="base_ref of that report"),
    *version_columns("mergeability"),
    document("labels", "[{id,name,color,description}] in GitHub's order", default="[]", shape="array"),
    document("assignees", "[{id,login}] in GitHub's order", default="[]", shape="array"),
    document("reviewers", "[{id,login}] of those asked for review and not heard yet", default="[]", shape="array"),
    document("requested_teams", "[{id,slug}] of the teams asked for review", default="[]", shape="array"),
    document("milestone", "{id,number,title,state,due_on}", default=None, shape="object"),
    document("auto_merge", "{merge_method,enabled_by} while auto-merge is on", default=None, shape="object"),
    sa.Column("locked", sa.Boolean, server_default=sa.false(), comment="Conversation is locked"),
    sa.Column("merge_commit_sha", sa.String(64), comment="The merge commit, once merged"),
    sa.Column("merged_by", sa.String(255), comment="Login of who merged it"),
    sa.Column("additions", sa.Integer, comment="Lines added"),
    sa.Column("deletions", sa.Integer, comment="Lines deleted"),
    sa.Column("changed_files", sa.Integer, comment="Files changed"),
    sa.Column("commits", sa.Integer, comment="Commits"),
    sa.Column("review_comments_count", sa.Integer, comment="Number of review comments"),
    *version_columns("stats"),
    sa.Column("comments_count", sa.Integer, comment="Number of comments on the conversation"),
    *version_columns("comments"),
    sa.Column("created_by", sa.String(255), comment="Login of the author"),
    moment("created_at", "When it was opened"),
    moment("merged_at", "When it was merged"),
    moment("closed_at", "When it was closed or merged"),
    *mirror_columns(),
    sa.Column(
        "mergeable", sa.Boolean, sa.Computed(f"CASE WHEN {_REPORT_HOLDS} THEN reported_mergeable END", persisted=True),
        comment="The newest report that holds for this head and base; null while unknown",
    ),
    sa.Column(
        "mergeable_state", sa.String(50),
        sa.Computed(f"CASE WHEN {_REPORT_HOLDS} AND reported_mergeable IS NOT NULL THEN reported_mergeable_state "
                    "ELSE 'unknown' END", persisted=True),
        comment="GitHub's word for it (clean, dirty, blocked, behind, unstable, ...); unknown while unknown",
    ),
    sa.Column("created_by_id", sa.String(255), comment="GitHub's id of the author; null for a deleted account"),
    sa.Column(
        "author_association", sa.String(50),
        comment="How the author stands to the repository: OWNER, MEMBER, ...; the API's word before a webhook's",
    ),
    *version_columns("standing"),
    sa.UniqueConstraint("repository_id", "number"),
    sa.CheckConstraint("NOT merged OR state = 'closed'", name="merged_is_closed"),
    comment="Pull requests of mirrored repositories",
    postgresql_with=ROOM_FOR_UPDATES,
)  # fmt: skip
sa.Index("idx_github_prs_labels", table.c.labels, **label.CARRIERS)
sa.Index(
    "idx_github_prs_milestone",
    table.c.milestone["id"].astext,
    postgresql_where=table.c.milestone.is_not(None),
)
sa.Index("idx_github_prs_state", table.c.state)
sa.Index("idx_github_prs_number", table.c.number)
sa.Index("idx_github_prs_head_sha", table.c.head_sha)
# Few: who lists pull requests leaves these out.
sa.Index("idx_github_prs_deleted", table.c.id, postgresql_where=table.c.deleted_at.is_not(None))
sa.Index(
    "idx_github_prs_open_base",
    table.c.repository_id,
    table.c.base_ref,
    postgresql_where=table.c.state == "open",
)
sa.Index(
    "idx_github_prs_open_head",
    table.c.repository_id,
    table.c.head_ref,
    postgresql_where=table.c.state == "open",
)
sa.Index(
    "idx_github_prs_reported_base",
    table.c.repository_id,
    table.c.reported_base_ref,
    postgresql_where=table.c.reported_base_ref.is_not(None),
)

STATS = Group("stats", ("additions", "deletions", "changed_files", "commits", "review_comments_count", "merged_by"))
COMMENTS = Group("comments", ("comments_count",))
# Who is a member privately is none to a webhook: what the API told stays until it tells something else.
STANDING = Group("standing", ("author_association",))
MERGEABILITY = Group(
    "mergeability",
    ("reported_mergeable", "reported_mergeable_state", "reported_head_sha", "reported_base_sha", "reported_base_ref"),
)

noun = Noun(
    table,
    "pull request",
    key=("repository_id", "number"),
    refetch="pull_request",
    groups=(STATS, COMMENTS, STANDING, MERGEABILITY),
    # A fork that was deleted, and in GraphQL one that we may not see, is null.
    sticky=("merged_at", "merge_commit_sha", "head_repository_id"),
    final=("merged", "merged_into_default"),
    settled={"state": ("merged", "closed")},
    bound={"merged_at": "merged", "merge_commit_sha": "merged", "merged_into_default": "merged"},
    generated=("mergeable", "mergeable_state"),
    belongs_to="number",
)


class BranchRepository(Struct, frozen=True):
    """The repository of a head or base."""

    id: Id
    default_branch: str | None = None


class Branch(Struct, frozen=True):
    """``head`` or ``base``."""

    ref: str | None = None
    sha: str | None = None
    repo: BranchRepository | None = None


class AutoMerge(Struct, frozen=True):
    """``auto_merge`` while it is on."""

    merge_method: str | None = None
    enabled_by: User | None = None


class Reviewer(Struct, frozen=True):
    """Somebody asked for review. GitHub's schemas allow a team here, which has a slug and no login."""

    id: Id
    login: Name | None = None
    slug: str | None = None
    type: str = "User"

    def __post_init__(self) -> None:
        if self.login is None and self.slug is None:
            raise ValueError("Object missing required field `login`")


class Payload(Struct, frozen=True):
    """A ``pull_request`` object, whole or as lists and review events carry it."""

    id: Id
    number: Integer
    title: str | None = None
    state: str | None = None
    node_id: str | None = None
    body: str | None = None
    html_url: str | None = None
    head: Branch | None = None
    base: Branch | None = None
    draft: bool | None = None
    merged_at: Time = None
    merged_by: User | None = None
    merge_commit_sha: str | None = None
    mergeable: bool | None = None
    mergeable_state: str | None = None
    auto_merge: AutoMerge | None = None
    user: Author = UNSET
    author_association: str | None = None
    labels: list[label.Payload] | None = None
    assignees: list[User | None] | None = None
    requested_reviewers: list[Reviewer | None] | None = None
    requested_teams: list[Team] | None = None
    milestone: milestones.Payload | None = None
    locked: bool | None = None
    additions: Integer | None = None
    deletions: Integer | None = None
    changed_files: Integer | None = None
    commits: Integer | None = None
    comments: Integer | None = None
    review_comments: Integer | None = None
    created_at: Time = None
    updated_at: Time = None
    closed_at: Time = None


def row(payload: Payload, origin: Origin, *, deleted: bool = False) -> Row:
    """The row of a ``pull_request`` object; groups that it does not report stay without a version."""
    head, base = payload.head or Branch(), payload.base or Branch()
    merged_at = time(payload.merged_at)
    auto_merge = payload.auto_merge
    whole: Row = {
        "number": payload.number,
        "github_id": str(payload.id),
        "node_id": payload.node_id,
        "title": payload.title or "",
        "body": payload.body or None,  # GraphQL answers "" for both, so there is only one of them here
        "state": payload.state or "open",
        "html_url": payload.html_url,
        "head_ref": head.ref,
        "head_sha": head.sha,
        "head_repository_id": str(head.repo.id) if head.repo else None,
        "base_ref": base.ref,
        "base_sha": base.sha,
        "draft": bool(payload.draft),
        "merged": merged_at is not None,
        "merged_into_default": merged_at is not None and _is_default(base),
        "merged_at": merged_at,
        # Before the merge this is a test merge that changes by itself.
        "merge_commit_sha": payload.merge_commit_sha if merged_at else None,
        "labels": label.embedded(payload.labels),
        "assignees": people(payload.assignees),
        **_asked(payload),
        "milestone": milestones.embedded(payload.milestone),
        "auto_merge": {"merge_method": auto_merge.merge_method, "enabled_by": author(auto_merge.enabled_by)}
        if auto_merge
        else None,
        "locked": bool(payload.locked),
        "created_by": author(payload.user),
        "created_by_id": identity(payload.user),
        "created_at": time(payload.created_at),
        "updated_at": time(payload.updated_at),
        "closed_at": time(payload.closed_at),
        "deleted_at": origin.observed_at if deleted else None,
        **origin.columns(),
    }
    if payload.additions is not None:
        whole |= _version(STATS, whole) | {
            "additions": payload.additions,
            "deletions": payload.deletions,
            "changed_files": payload.changed_files,
            "commits": payload.commits,
            "review_comments_count": payload.review_comments,
            "merged_by": author(payload.merged_by) if merged_at else login(payload.merged_by),
        }
    if payload.author_association is not None:
        whole |= {
            "author_association": payload.author_association,
            STANDING.updated_at: origin.observed_at if origin.observed_by == "api" else None,
            STANDING.observed_at: origin.observed_at,
        }
    if payload.comments is not None:
        whole |= _version(COMMENTS, whole) | {"comments_count": payload.comments}
    if payload.mergeable is not None:
        whole |= _version(MERGEABILITY, whole) | {
            "reported_mergeable": payload.mergeable,
            "reported_mergeable_state": payload.mergeable_state,
            "reported_head_sha": head.sha,
            "reported_base_sha": base.sha,
            "reported_base_ref": base.ref,
        }
    return whole


def _asked(payload: Payload) -> Row:
    """Who is asked for review, a team among the people as a team."""
    asked = [one for one in payload.requested_reviewers or () if one]
    named = teams(payload.requested_teams)
    known = {team["id"] for team in named}
    return {
        "reviewers": people([User(one.id, one.login, one.type) for one in asked if one.login is not None]),
        "requested_teams": named
        + [{"id": one.id, "slug": one.slug} for one in asked if one.login is None and one.id not in known],
    }


def _is_default(base: Branch) -> bool:
    """Whether the base was its repository's default branch when the payload was made: later that may be another."""
    return base.ref is not None and base.repo is not None and base.ref == base.repo.default_branch


def _version(group: Group, whole: Row) -> Row:
    return {group.updated_at: whole["updated_at"], group.observed_at: whole["observed_at"]}


def comments_row(payload: issue.Payload, origin: Origin) -> Row:
    """What an ``issue`` object that stands for a pull request says of it: its number of comments."""
    return {
        "number": payload.number,
        "comments_count": payload.comments,
        COMMENTS.updated_at: time(payload.updated_at),
        COMMENTS.observed_at: origin.observed_at,
    }


def is_undecided(row: Row) -> bool:
    """Whether the API was asked and GitHub did not know about merging yet: asking made it look, so ask again."""
    return row["observed_by"] == "api" and row["state"] == "open" and row.get("reported_mergeable") is None
