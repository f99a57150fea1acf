"""What the mirror must show of a simulated GitHub, field by field, and where it shows something else.

The truth is read off the world itself, not through ghsync's own reading of payloads.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import psycopg

from ghsync.simulator.account import Account
from ghsync.simulator.issue import Comment, Issue
from ghsync.simulator.label import Label
from ghsync.simulator.milestone import Milestone
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World

Row = dict[str, Any]
Rows = dict[tuple[Any, ...], Row]
Connection = psycopg.Connection[Any]

GHOST = "ghost"

KEYS = {
    "github_repositories": "t.github_id",
    "github_labels": "r.github_id, t.github_id",
    "github_milestones": "r.github_id, t.github_id",
    "github_issues": "r.github_id, t.number",
    "github_pull_requests": "r.github_id, t.number",
    "github_comments": "r.github_id, t.github_id",
}


def of(world: World) -> dict[str, Rows]:
    """All that is there and that the App may see, by table and key."""
    seen = [repository for repository in world.repositories.values() if visible(world, repository)]
    conversations = [(repository, issue) for repository in seen for issue in repository.issues.values()]
    return {
        "github_repositories": {(str(each.id),): _repository(each) for each in seen},
        "github_labels": {(str(each.id), str(label.id)): _label(label) for each in seen for label in each.labels},
        "github_milestones": {
            (str(each.id), str(milestone.id)): _milestone(milestone) for each in seen for milestone in each.milestones
        },
        "github_issues": {
            (str(repository.id), issue.number): _issue(issue)
            for repository, issue in conversations
            if issue.pull_request is None
        },
        "github_pull_requests": {
            (str(repository.id), issue.number): _pull_request(world, issue.pull_request)
            for repository, issue in conversations
            if issue.pull_request is not None
        },
        "github_comments": {
            (str(repository.id), str(comment.id)): _comment(comment)
            for repository, issue in conversations
            for comment in issue.comments
        },
    }


def visible(world: World, repository: Repository) -> bool:
    """Whether the App may see a repository."""
    installation = world.installation_on(repository.owner)
    return not repository.deleted and installation is not None and installation.covers(repository)


def differences(world: World, connection: Connection) -> list[str]:
    """Every field that is not as GitHub has it, every row too many, and every one that is missing."""
    return [line for table, expected in of(world).items() for line in _differences(connection, table, expected)]


def gone(connection: Connection, table: str) -> set[tuple[Any, ...]]:
    """The keys of a table's tombstones."""
    statement = f"SELECT {KEYS[table]} FROM {_from(table)} WHERE t.deleted_at IS NOT NULL"
    return {tuple(row) for row in connection.execute(statement)}


def _differences(connection: Connection, table: str, expected: Rows) -> Iterator[str]:
    found = dict(_mirrored(connection, table))
    for key in sorted(expected.keys() - found.keys(), key=str):
        yield f"{table} {key} is missing"
    for key in sorted(found.keys() - expected.keys(), key=str):
        yield f"{table} {key} is not there any more"
    for key in sorted(expected.keys() & found.keys(), key=str):
        for name, value in expected[key].items():
            mirrored = _addressed(found[key][name])
            if mirrored != _addressed(value):
                yield f"{table} {key} {name}: mirrored {mirrored!r}, true {value!r}"


def _addressed(value: Any) -> Any:
    """A value in which addresses are the same for hooks and for an API that is served on the loopback."""
    if isinstance(value, dict) and "parent_issue_url" in value:
        return {**value, "parent_issue_url": "/repos/" + value["parent_issue_url"].partition("/repos/")[2]}
    return value


def _mirrored(connection: Connection, table: str) -> Iterator[tuple[tuple[Any, ...], Row]]:
    keys = KEYS[table]
    count = keys.count(",") + 1
    hidden = "" if table == "github_repositories" else "AND r.deleted_at IS NULL AND r.removed_at IS NULL"
    removed = "AND t.removed_at IS NULL" if table == "github_repositories" else ""
    if table == "github_comments":  # what is below a tombstone is gone with it
        hidden += """ AND NOT EXISTS (
            SELECT FROM github_issues p
            WHERE p.repository_id = t.repository_id AND p.number = t.number AND p.deleted_at IS NOT NULL)"""
    installed = "AND i.suspended_at IS NULL AND i.deleted_at IS NULL"
    owner = "t" if table == "github_repositories" else "r"
    cursor = connection.execute(
        f"SELECT {keys}, t.* FROM {_from(table)} LEFT JOIN github_installations i ON i.id = {owner}.installation_id "
        f"WHERE t.deleted_at IS NULL {hidden} {removed} {installed}"
    )
    names = [column.name for column in cursor.description or ()][count:]
    for row in cursor:
        yield tuple(row[:count]), dict(zip(names, row[count:], strict=True))


def _from(table: str) -> str:
    return f"{table} t" + (
        "" if table == "github_repositories" else " JOIN github_repositories r ON r.id = t.repository_id"
    )


def _repository(repository: Repository) -> Row:
    return {
        "node_id": repository.node_id,
        "owner": repository.owner.login,
        "owner_id": str(repository.owner.id),
        "name": repository.name,
        "full_name": repository.full_name,
        "tracked_name": repository.full_name,
        "default_branch": repository.default_branch,
        "html_url": repository.html_url,
        "description": repository.description,
        "homepage": repository.homepage,
        "language": repository.language,
        "visibility": repository.visibility,
        "private": repository.visibility != "public",
        "archived": repository.archived,
        "disabled": repository.disabled,
        "fork": repository.fork_of is not None,
        "topics": repository.topics,
        "created_at": _second(repository.created_at),
    }


def _label(label: Label) -> Row:
    return {
        "node_id": label.node_id,
        "name": label.name,
        "color": label.color,
        "description": label.description,
        "is_default": label.default,
    }


def _milestone(milestone: Milestone) -> Row:
    return {
        "node_id": milestone.node_id,
        "number": milestone.number,
        "title": milestone.title,
        "description": milestone.description,
        "state": milestone.state,
        "due_on": _second(milestone.due_on),
        "closed_at": _second(milestone.closed_at),
    }


def _conversation(issue: Issue) -> Row:
    return {
        "node_id": issue.node_id,
        "title": issue.title,
        "body": issue.body or None,
        "state": issue.state,
        "html_url": issue.html_url,
        "labels": [
            {"id": label.id, "name": label.name, "color": label.color, "description": label.description}
            for label in issue.labels
        ],
        "assignees": _people(issue.assignees),
        "milestone": _brief(issue.milestone),
        "locked": issue.locked,
        "comments_count": len(issue.comments),
        "created_by": _login(issue.author),
        "created_at": _second(issue.created_at),
        "closed_at": _second(issue.closed_at),
    }


def _issue(issue: Issue) -> Row:
    metadata: Row = {
        "sub_issues_summary": issue.sub_issues_summary(),
        "issue_dependencies_summary": issue.dependencies_summary(),
    }
    if issue.type is not None:
        metadata["type"] = {"name": issue.type.name, "color": issue.type.color}
    if issue.parent is not None:
        metadata["parent_issue_url"] = issue.parent.api_url
    return {
        **_conversation(issue),
        "github_id": str(issue.id),
        "state_reason": issue.state_reason,
        "metadata": metadata,
    }


def _pull_request(world: World, pull: PullRequest) -> Row:
    head = pull.head_repository
    shown: Row = {
        **_conversation(pull.issue),
        "github_id": str(pull.id),
        "draft": pull.draft,
        "merged": pull.merged_at is not None,
        "merged_at": _second(pull.merged_at),
        "merged_by": pull.merged_by and _login(pull.merged_by),
        "merge_commit_sha": pull.merge_commit.sha if pull.merged_at and pull.merge_commit else None,
        "head_ref": pull.head_branch,
        "head_sha": pull.head_commit.sha,
        "head_repository_id": str(head.id),
        "base_ref": pull.base_branch,
        "base_sha": pull.base_commit.sha,
        "reviewers": _people(pull.requested_reviewers),
        "requested_teams": [{"id": team.id, "slug": team.slug} for team in pull.requested_teams],
        "additions": pull.additions,
        "deletions": pull.deletions,
        "changed_files": pull.changed_files,
        "commits": len(pull.commits),
        "review_comments_count": len(pull.review_comments),
        "auto_merge": pull.auto_merge
        and {"merge_method": pull.auto_merge.merge_method, "enabled_by": _login(pull.auto_merge.enabled_by)},
    }
    if head.deleted or not (head.visibility == "public" or visible(world, head)):
        # It is what it was when it could be seen, if it ever was.
        del shown["head_repository_id"]
    if pull.issue.state == "open":
        state = pull.mergeable_state(world.now())
        shown |= {"mergeable": None if state == "unknown" else state != "dirty"}
    return shown


def _comment(comment: Comment) -> Row:
    return {
        "node_id": comment.node_id,
        "number": comment.issue.number,
        "author": _login(comment.author),
        "body": comment.body,
        "html_url": comment.html_url,
        "created_at": _second(comment.created_at),
        "updated_at": _second(comment.updated_at),
    }


def _people(accounts: Iterable[Account]) -> list[Row]:
    return [{"id": account.id, "login": account.login} for account in accounts]


def _login(account: Account) -> str:
    return GHOST if account.deleted else account.login


def _brief(milestone: Milestone | None) -> Row | None:
    return milestone and {
        "id": milestone.id,
        "number": milestone.number,
        "title": milestone.title,
        "state": milestone.state,
        "due_on": milestone.due_on and milestone.due_on.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _second(moment: datetime | None) -> datetime | None:
    """GitHub tells no fractions."""
    return moment and moment.replace(microsecond=0)
