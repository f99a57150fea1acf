"""The mirror as data that two runs can be compared by: natural keys for ids, nothing of when or how it was written."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.inbox import queue

Rows = list[dict[str, Any]]

# What differs between two runs that ended the same: random keys, and when and through which door a row was written.
_INCIDENTAL = (
    "id", "repository_id", "installation_id", "pull_request_id", "project_id", "organization_id",
    "followed_organization_id", "user_id", "synced_at", "sync_source",
)  # fmt: skip
_OF_A_REPOSITORY = "JOIN github_repositories r ON r.id = t.repository_id"
_REPOSITORY = "'repository', r.github_id"
_GONE = "'deleted', t.deleted_at IS NOT NULL"

# Each table with what it is joined to, what stands for its keys, and which of its columns are ours alone.
_TABLES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "organizations": ("", "", ("created_at", "updated_at")),
    "users": ("", "", ("created_at", "updated_at")),
    "organization_members": (
        "JOIN organizations o ON o.id = t.organization_id JOIN users u ON u.id = t.user_id",
        "'organization', o.github_account_id, 'user', u.github_id",
        ("joined_at",),
    ),
    "project_members": (
        "JOIN projects p ON p.id = t.project_id JOIN users u ON u.id = t.user_id",
        "'project', p.github_repo_id, 'user', u.github_id",
        ("added_at",),
    ),
    "projects": (
        "JOIN organizations o ON o.id = t.organization_id JOIN organizations f ON f.id = t.followed_organization_id",
        "'organization', o.github_login, 'followed', f.github_login",
        ("created_at", "updated_at"),
    ),
    "github_installations": (
        "LEFT JOIN organizations o ON o.id = t.organization_id",
        f"'organization', o.github_login, 'suspended', t.suspended_at IS NOT NULL, {_GONE}",
        (),
    ),
    "github_repositories": (
        "JOIN projects p ON p.id = t.project_id LEFT JOIN github_installations i ON i.id = t.installation_id",
        f"'project', p.github_repo_id, 'installation', i.github_id, 'removed', t.removed_at IS NOT NULL, {_GONE}",
        (),
    ),
    "github_repository_aliases": (_OF_A_REPOSITORY, _REPOSITORY, ()),
    "github_labels": (_OF_A_REPOSITORY, f"{_REPOSITORY}, {_GONE}", ()),
    "github_milestones": (_OF_A_REPOSITORY, f"{_REPOSITORY}, {_GONE}", ()),
    "github_releases": (_OF_A_REPOSITORY, f"{_REPOSITORY}, {_GONE}", ()),
    "github_branches": (_OF_A_REPOSITORY, _REPOSITORY, ()),
    "github_issues": (_OF_A_REPOSITORY, f"{_REPOSITORY}, {_GONE}", ()),
    "github_pull_requests": (
        _OF_A_REPOSITORY,
        f"{_REPOSITORY}, {_GONE}, 'auto_merge_enabled', t.auto_merge IS NOT NULL",
        (),
    ),
    "github_comments": (_OF_A_REPOSITORY, f"{_REPOSITORY}, {_GONE}", ()),
    "github_reviews": (_OF_A_REPOSITORY, f"{_REPOSITORY}, {_GONE}", ()),
    "github_review_threads": (_OF_A_REPOSITORY, f"{_REPOSITORY}, {_GONE}", ()),
    "github_check_runs": (_OF_A_REPOSITORY, f"{_REPOSITORY}, {_GONE}", ()),
    "github_check_suites": (_OF_A_REPOSITORY, f"{_REPOSITORY}, {_GONE}", ()),
    "github_workflow_runs": (_OF_A_REPOSITORY, f"{_REPOSITORY}, {_GONE}", ()),
    "github_commit_statuses": (_OF_A_REPOSITORY, f"{_REPOSITORY}, {_GONE}", ()),
    "github_security_alerts": (_OF_A_REPOSITORY, f"{_REPOSITORY}, {_GONE}", ()),
    "pr_tracking": (_OF_A_REPOSITORY, _REPOSITORY, ()),
    "github_mentions": (_OF_A_REPOSITORY, _REPOSITORY, ("observed_at",)),
    "task_github_links": (_OF_A_REPOSITORY, f"{_REPOSITORY}, 'task', t.task_id", ("created_at",)),
    "tasks": ("", "'id', t.id", ("updated_at", "created_at")),
}


async def take(conn: AsyncConnection) -> dict[str, Rows]:
    """Every mirrored and derived row by table, sorted."""
    snapshot = {}
    for table, (joins, natural, ours) in _TABLES.items():
        statement = sa.text(f"""
            SELECT to_jsonb(t) - CAST(:hidden AS text[]) || jsonb_build_object({natural}) AS shown
            FROM {table} t {joins}""")
        rows = (await conn.execute(statement, {"hidden": [*_INCIDENTAL, *ours]})).scalars().all()
        snapshot[table] = sorted(rows, key=lambda row: sorted((name, repr(value)) for name, value in row.items()))
    return snapshot


def normal(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose times compare however they are written."""
    return {name: _normal(value) for name, value in row.items()}


def _normal(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 18 and value[4:5] == "-" and value[10:11] == "T":
        return datetime.fromisoformat(value).astimezone(UTC)
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if isinstance(value, dict):
        return normal(value)
    return value


async def undone(conn: AsyncConnection) -> list[tuple[str, str, str | None]]:
    """Deliveries that were not projected as they should: event, status, error."""
    statement = "SELECT event, status, last_error FROM webhook_deliveries WHERE status NOT IN ('processed', 'ignored')"
    return [tuple(row) for row in await conn.execute(sa.text(statement))]


async def changes(conn: AsyncConnection) -> int:
    """How many changes the feed tells of."""
    count: int = (await conn.execute(sa.text("SELECT count(*) FROM change_events"))).scalar_one()
    return count


async def requeue_everything(conn: AsyncConnection) -> None:
    """Queue every delivery once more."""
    ids = (await conn.execute(sa.text("SELECT id FROM webhook_deliveries"))).scalars().all()
    await queue.requeue(conn, ids)
