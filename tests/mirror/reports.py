"""Reports as hooks and the API make them, and the gate that they go through."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.changes import feed
from ghsync.database import transaction
from ghsync.mirror import (
    branch,
    check_run,
    check_suite,
    comment,
    commit_status,
    installation,
    issue,
    label,
    milestone,
    pull_request,
    release,
    repository,
    review,
    review_thread,
    security_alert,
    workflow_run,
)
from ghsync.mirror.installation import Account
from ghsync.mirror.noun import Noun, Origin
from ghsync.mirror.repository import Owner
from ghsync.mirror.user import User
from ghsync.projector import project
from ghsync.projector.batch import Batch

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

ACME = Owner(id=10, login="acme", type="Organization")
APP = repository.Payload(id=1, name="app", full_name="acme/app", owner=ACME, updated_at=NOON)


def at(seconds: float) -> datetime:
    """A moment, in seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def iso(seconds: float) -> str:
    """That moment as PostgreSQL writes it in JSON."""
    return at(seconds).isoformat()


def hook(seconds: float) -> Origin:
    """A delivery whose GUID tells when it was made."""
    return Origin(at(seconds), "guid", "webhook")


def arrival(seconds: float) -> Origin:
    """A delivery of which only the arrival is known."""
    return Origin(at(seconds), "arrival", "webhook")


def api(seconds: float) -> Origin:
    """A response to a request that was started then."""
    return Origin(at(seconds), "api", "reconcile")


def in_app() -> Batch:
    """An empty batch that knows the repository acme/app."""
    batch = Batch()
    batch.see(APP, hook(0))
    return batch


async def write(engine: AsyncEngine, *batches: Batch) -> None:
    """Write batches, each in a transaction of its own."""
    for batch in batches:
        async with transaction(engine) as conn:
            await project.write(conn, batch)


async def rows(conn: AsyncConnection, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """What a statement answers, nothing if it answers none."""
    result = await conn.execute(sa.text(statement), values)
    return [tuple(row) for row in result] if result.returns_rows else []


async def query(engine: AsyncEngine, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """What a statement answers, committed."""
    async with transaction(engine) as conn:
        return await rows(conn, statement, **values)


_EMPTY = """
DO $$
DECLARE
    emptied text;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR emptied IN
        WITH RECURSIVE referring AS (
            SELECT CAST(unnest(CAST('{{{tables}}}' AS regclass[])) AS oid) AS id
            UNION
            SELECT c.conrelid FROM pg_constraint c JOIN referring r ON c.confrelid = r.id
        )
        SELECT CAST(CAST(id AS regclass) AS text) FROM referring
    LOOP
        EXECUTE 'DELETE FROM ' || emptied;
    END LOOP;
END
$$
"""


async def empty(engine: AsyncEngine, *tables: str) -> None:
    """Empty tables, and all that refer to them, as TRUNCATE ... CASCADE does.

    That makes each table's files anew, some hundreds, and lets every statement be planned anew.
    """
    await query(engine, _EMPTY.format(tables=", ".join(tables)))


async def until_blocked(engine: AsyncEngine) -> None:
    """Return when a statement in this database waits for another transaction."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while await query(engine, waiting) == [(0,)]:  # noqa: ASYNC110 (PostgreSQL tells nobody)
        await asyncio.sleep(0.005)


async def jobs(engine: AsyncEngine) -> list[str]:
    """The kinds of the jobs that are due."""
    return [kind for (kind,) in await query(engine, "SELECT kind FROM sync_jobs ORDER BY kind, key")]


@dataclass(frozen=True)
class Report:
    """One report of a thing: what it says, GitHub's time of change, where it came from, and whether it is gone."""

    text: str
    updated_at: datetime
    origin: Origin
    deleted: bool = False


@dataclass(frozen=True)
class Subject:
    """A noun, one thing of it, and how a report of that thing is made.

    ``shown`` holds the report's text, and so does ``narrow``, which has room for ``room`` characters. ``dated`` is
    what the change feed tells of a change's times.
    """

    noun: Noun
    add: Callable[[Batch, Report], None]
    key: Mapping[str, str]
    shown: str
    narrow: str
    room: int
    dated: tuple[str, ...] = ("updated_at",)
    refetch: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.noun.name

    @property
    def where(self) -> str:
        """The condition that finds the thing."""
        ((name, value),) = self.key.items()
        return f"{name} = '{value}'"

    def batch(self, *reports: Report) -> Batch:
        """A batch of these reports."""
        batch = in_app()
        for report in reports:
            self.add(batch, report)
        return batch

    async def row(self, conn: AsyncConnection, *columns: str) -> dict[str, Any]:
        """The thing's row; without its key and the time of writing unless they are asked for."""
        (row,) = await conn.execute(sa.text(f"SELECT * FROM {self.noun.name} WHERE {self.where}"))
        named = dict(row._mapping)
        wanted = columns or tuple(name for name in named if name not in ("id", "synced_at"))
        return {name: named[name] for name in wanted}

    async def news(self, engine: AsyncEngine) -> list[tuple[str, Any, Any]]:
        """What the feed tells of the thing: operation, old and new values."""
        async with engine.connect() as conn:
            entity = (await self.row(conn, "id"))["id"]
            entries = await feed.read(conn, 0)
        return [
            (entry["operation"], entry["old_values"], entry["new_values"])
            for entry in entries
            if entry["entity_id"] == str(entity)
        ]


def _installation(batch: Batch, report: Report) -> None:
    payload = installation.Payload(
        id=7,
        account=Account(id=10, login="acme", type="Organization"),
        app_slug=report.text,
        updated_at=report.updated_at,
    )
    batch.install(installation.row(payload, report.origin, deleted=report.deleted))


def _repository(batch: Batch, report: Report) -> None:
    payload = repository.Payload(
        id=7, name="lib", full_name="acme/lib", owner=ACME,
        description=report.text, language=report.text, updated_at=report.updated_at,
    )  # fmt: skip
    batch.see(payload, report.origin, deleted=report.deleted)


def _label(batch: Batch, report: Report) -> None:
    payload = label.Payload(id=7, name=report.text, color=report.text)
    batch.add(label.noun, APP.id, label.row(payload, report.origin, deleted=report.deleted))


def _milestone(batch: Batch, report: Report) -> None:
    payload = milestone.Payload(
        id=7, number=7, title=report.text, creator=User(1, report.text), updated_at=report.updated_at
    )
    batch.add(milestone.noun, APP.id, milestone.row(payload, report.origin, deleted=report.deleted))


def _release(batch: Batch, report: Report) -> None:
    payload = release.Payload(id=7, tag_name="v1", name=report.text, author=User(1, report.text))
    batch.add(release.noun, APP.id, release.row(payload, report.origin, deleted=report.deleted))


def _issue(batch: Batch, report: Report) -> None:
    payload = issue.Payload(id=7, number=7, title=report.text, state_reason=report.text, updated_at=report.updated_at)
    batch.add(issue.noun, APP.id, issue.row(payload, report.origin, deleted=report.deleted))


def _pull_request(batch: Batch, report: Report) -> None:
    payload = pull_request.Payload(
        id=7, number=8, title=report.text, state="closed", user=User(1, report.text), updated_at=report.updated_at
    )
    batch.add(pull_request.noun, APP.id, pull_request.row(payload, report.origin, deleted=report.deleted))


def _comment(batch: Batch, report: Report) -> None:
    payload = comment.Payload(id=7, body=report.text, user=User(1, report.text), updated_at=report.updated_at)
    parent = issue.Payload(id=8, number=8)
    batch.add(comment.noun, APP.id, comment.row(payload, parent, report.origin, deleted=report.deleted))


def _branch(batch: Batch, report: Report) -> None:
    batch.add(branch.noun, APP.id, branch.row("refs/heads/topic", report.text, report.origin, deleted=report.deleted))


def _review(batch: Batch, report: Report) -> None:
    payload = review.Payload(
        id=7, state="approved", body=report.text, user=User(1, report.text), updated_at=report.updated_at
    )
    batch.add(review.noun, APP.id, review.row(payload, 8, report.origin))


def _review_thread(batch: Batch, report: Report) -> None:
    payload = review_thread.Payload("PRRT_7", path=report.text, updated_at=report.updated_at)
    row = review_thread.row(payload, 8, report.origin, resolved=True, by=User(1, report.text), deleted=report.deleted)
    batch.add(review_thread.noun, APP.id, row)


def _check_run(batch: Batch, report: Report) -> None:
    payload = check_run.Payload(
        id=7, head_sha="a" * 40, name=report.text, status="completed", app=check_run.App(1, report.text),
        completed_at=report.updated_at,
    )  # fmt: skip
    batch.add(check_run.noun, APP.id, check_run.row(payload, report.origin))


def _check_suite(batch: Batch, report: Report) -> None:
    payload = check_suite.Payload(
        id=7, head_sha="a" * 40, head_branch=report.text, app=check_run.App(1, report.text),
        updated_at=report.updated_at,
    )  # fmt: skip
    batch.add(check_suite.noun, APP.id, check_suite.row(payload, report.origin))


def _commit_status(batch: Batch, report: Report) -> None:
    payload = commit_status.Payload(
        id=7, context="ci", description=report.text, creator=User(1, report.text), updated_at=report.updated_at
    )
    batch.add(commit_status.noun, APP.id, commit_status.row(payload, "a" * 40, report.origin))


def _workflow_run(batch: Batch, report: Report) -> None:
    payload = workflow_run.Payload(
        id=7, head_sha="a" * 40, name=report.text, event=report.text, updated_at=report.updated_at
    )
    batch.add(workflow_run.noun, APP.id, workflow_run.row(payload, report.origin))


def _security_alert(batch: Batch, report: Report) -> None:
    payload = security_alert.Payload(
        number=7, state="open", rule=security_alert.Rule(description=report.text),
        tool=security_alert.Tool(report.text), updated_at=report.updated_at,
    )  # fmt: skip
    batch.add(security_alert.noun, APP.id, security_alert.row(payload, "code_scanning", report.origin))


_SEVEN = {"github_id": "7"}

INSTALLATION = Subject(
    installation.noun, _installation, _SEVEN, "app_slug", "app_slug", 255, refetch=("refetch_installation",)
)
REPOSITORY = Subject(
    repository.noun, _repository, _SEVEN, "description", "language", 255, refetch=("refetch_repository",)
)
LABEL = Subject(label.noun, _label, _SEVEN, "name", "color", 50, dated=(), refetch=("refetch_repository",))
MILESTONE = Subject(milestone.noun, _milestone, _SEVEN, "title", "created_by", 255, refetch=("refetch_repository",))
RELEASE = Subject(release.noun, _release, _SEVEN, "name", "created_by", 255, dated=(), refetch=("refetch_repository",))
ISSUE = Subject(issue.noun, _issue, _SEVEN, "title", "state_reason", 50, refetch=("refetch_issue",))
PULL_REQUEST = Subject(
    pull_request.noun, _pull_request, _SEVEN, "title", "created_by", 255, refetch=("refetch_pull_request",)
)
COMMENT = Subject(comment.noun, _comment, _SEVEN, "body", "author", 255, refetch=("refetch_comment",))
BRANCH = Subject(branch.noun, _branch, {"name": "topic"}, "head_sha", "head_sha", 64, dated=())
REVIEW = Subject(review.noun, _review, _SEVEN, "body", "author", 255, refetch=("refetch_pull_request",))
REVIEW_THREAD = Subject(
    review_thread.noun, _review_thread, {"node_id": "PRRT_7"}, "path", "resolved_by", 255,
    refetch=("refetch_pull_request",),
)  # fmt: skip
# No pull request has the commit at its head, so there is none to read again.
CHECK_RUN = Subject(check_run.noun, _check_run, _SEVEN, "name", "app_slug", 255, dated=("completed_at",))
CHECK_SUITE = Subject(check_suite.noun, _check_suite, _SEVEN, "head_branch", "app_slug", 255)
COMMIT_STATUS = Subject(commit_status.noun, _commit_status, _SEVEN, "description", "creator", 255)
WORKFLOW_RUN = Subject(workflow_run.noun, _workflow_run, _SEVEN, "name", "event", 255)
SECURITY_ALERT = Subject(
    security_alert.noun, _security_alert, {"number": "7"}, "summary", "tool", 255, refetch=("refetch_repository",)
)

SUBJECTS: Sequence[Subject] = (
    INSTALLATION, REPOSITORY, LABEL, MILESTONE, RELEASE, ISSUE, PULL_REQUEST, COMMENT, BRANCH, REVIEW, REVIEW_THREAD,
    CHECK_RUN, CHECK_SUITE, COMMIT_STATUS, WORKFLOW_RUN, SECURITY_ALERT,
)  # fmt: skip
DATED = tuple(subject for subject in SUBJECTS if subject.noun.dated)
UNDATED_IS_OLD = tuple(subject for subject in DATED if subject.noun.undated == "oldest")
UNDATED_IS_NEW = tuple(subject for subject in DATED if subject.noun.undated == "as_asked")
# A branch comes back by a push; reviews, checks and statuses stay for as long as their repository does.
IMMORTAL = (BRANCH, REVIEW, CHECK_RUN, CHECK_SUITE, COMMIT_STATUS, WORKFLOW_RUN, SECURITY_ALERT)
MORTAL = tuple(subject for subject in SUBJECTS if subject not in IMMORTAL)
