"""What is checked of the heads of open pull requests.

GraphQL shows it with the heads. Without GraphQL there is a request for each kind of check and commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.errors import PermissionMissing
from ghsync.github.graphql.checks import Head
from ghsync.jobs import Job
from ghsync.mirror import check_run, check_suite, commit_status, pull_request, workflow_run
from ghsync.projector.batch import Batch
from ghsync.reconciler import parts, unread
from ghsync.reconciler.catalog import KnownRepository
from ghsync.reconciler.places import Place
from ghsync.reconciler.session import Session

T = TypeVar("T")


_DOUBTED = sa.text(f"""
SELECT p.head_sha AS sha, p.numbers[1] AS number
FROM (
  SELECT head_sha, array_agg(number ORDER BY number) AS numbers, count(*) FILTER (WHERE state = 'open') AS open
  FROM {pull_request.noun.name} WHERE repository_id = :repository AND deleted_at IS NULL GROUP BY head_sha
) p
WHERE EXISTS (
  SELECT FROM {workflow_run.noun.name} w
  WHERE w.repository_id = :repository AND w.head_sha = p.head_sha AND w.deleted_at IS NULL AND (p.open > 1 OR EXISTS (
    SELECT FROM jsonb_array_elements(w.pull_requests) named WHERE NOT to_jsonb(p.numbers) @> named.value)))
ORDER BY number
""")


@dataclass(frozen=True, slots=True)
class PullRequestHead:
    """The head of an open pull request, and what GraphQL showed of it: nothing where REST has to be asked."""

    number: int
    sha: str
    observed_at: datetime
    node: Head | None = None


@dataclass(frozen=True, slots=True)
class CommitChecks:
    """What was checked of a commit."""

    sha: str
    observed_at: datetime
    suites: list[check_suite.Payload] = field(default_factory=list)
    runs: list[check_run.Payload] = field(default_factory=list)
    workflows: list[workflow_run.Payload] = field(default_factory=list)
    statuses: list[commit_status.Payload] = field(default_factory=list)


def variables(place: Place) -> dict[str, bool]:
    """Which parts of a head the reader of a repository may see, as the documents ask for them."""
    return {name: place.may(name) for name in ("checks", "statuses", "actions")}


def shown(nodes: Sequence[Head], observed_at: datetime) -> list[PullRequestHead]:
    """Heads as GraphQL shows them; one whose commit it does not show yet comes with the next push or reading."""
    return [PullRequestHead(node.number, node.head_ref_oid, observed_at, node) for node in nodes if node.commit]


def listed(told: Sequence[pull_request.Payload], observed_at: datetime) -> list[PullRequestHead]:
    """Heads of which REST is to be asked."""
    return [
        PullRequestHead(one.number, one.head.sha, observed_at)
        for one in told
        if one.state == "open" and one.head is not None and one.head.sha
    ]


async def read(session: Session, known: KnownRepository, heads: Sequence[PullRequestHead]) -> list[CommitChecks]:
    """What was checked of these heads."""
    return [await _told(session, known, head) or await _asked(session, known, head) for head in heads]


def add(session: Session, batch: Batch, repository_id: int, checked: CommitChecks) -> None:
    """Add the rows of what was checked of a commit."""
    origin = session.origin(checked.observed_at)
    for suite in checked.suites:
        batch.add(check_suite.noun, repository_id, check_suite.row(suite, origin))
    for run in checked.runs:
        batch.add(check_run.noun, repository_id, check_run.row(run, origin))
    for workflow in checked.workflows:
        batch.add(workflow_run.noun, repository_id, workflow_run.row(workflow, origin))
    for status in checked.statuses:
        batch.add(commit_status.noun, repository_id, commit_status.row(status, checked.sha, origin))


async def doubted(engine: AsyncEngine, known: KnownRepository, now: datetime) -> list[PullRequestHead]:
    """Heads whose workflow runs name pull requests that do not have that commit, or of which several have it open.

    GraphQL does not tell what a run names.
    """
    if not known.place.may("actions"):
        return []
    async with transaction(engine) as conn:
        return [
            PullRequestHead(row.number, row.sha, now)
            for row in await conn.execute(_DOUBTED, {"repository": known.place.id})
        ]


async def named(session: Session, known: KnownRepository, head: PullRequestHead) -> CommitChecks:
    """The workflow runs of a head, asked for through REST, which says which pull requests they name."""
    return CommitChecks(head.sha, session.github.now(), workflows=await _workflows(session, known, head))


async def _told(session: Session, known: KnownRepository, head: PullRequestHead) -> CommitChecks | None:
    """What GraphQL told of a head, if that is all of it."""
    commit = head.node.commit if head.node else None
    if head.node is None or commit is None or commit.cut:
        return None
    statuses = head.node.statuses(known.place.github_id)
    if statuses is None:
        statuses = await _part(session, known, head, commit_status.Payload, "statuses")
    workflows = (suite.workflow(head.sha) for suite in commit.suites)
    return CommitChecks(
        head.sha,
        head.observed_at,
        [suite.payload(head.sha) for suite in commit.suites],
        [run for suite in commit.suites for run in suite.runs(head.sha)],
        [workflow for workflow in workflows if workflow],
        statuses,
    )


async def _asked(session: Session, known: KnownRepository, head: PullRequestHead) -> CommitChecks:
    """The same through REST, as far as it may be seen.

    A commit that GitHub does not know (404, or 422 with "No commit found") has nothing to tell of yet.
    """
    place = known.place
    checked = CommitChecks(head.sha, session.github.now())
    try:
        if place.may("checks"):
            checked.suites.extend(
                await _part(session, known, head, check_suite.Payload, "check-suites", "check_suites")
            )
            checked.runs.extend(await _part(session, known, head, check_run.Payload, "check-runs", "check_runs"))
        if place.may("actions"):
            checked.workflows.extend(await _workflows(session, known, head))
        if place.may("statuses"):
            checked.statuses.extend(await _part(session, known, head, commit_status.Payload, "statuses"))
    except PermissionMissing:
        if place.permissions is not None:  # an installation's permissions are known, and a token's are not
            raise
    return checked


async def _workflows(session: Session, known: KnownRepository, head: PullRequestHead) -> list[workflow_run.Payload]:
    """The workflow runs of a head, with the pull requests that they name."""
    name, job = _named(known, head, "workflow runs")
    found, _ = await parts.read(
        session, known.place, ("actions", "runs"), workflow_run.Payload, name, job,
        within="workflow_runs", head_sha=head.sha,
    )  # fmt: skip
    return found


async def _part(
    session: Session,
    known: KnownRepository,
    head: PullRequestHead,
    item: type[T],
    listing: str,
    within: str | None = None,
) -> list[T]:
    """All of one kind that is checked of a head; what cannot be read of it is told, and left as it was."""
    name, job = _named(known, head, listing.replace("-", " "))
    path = ("commits", head.sha, listing)
    found, _ = await parts.read(session, known.place, path, item, name, job, within=within)
    return found


def _named(known: KnownRepository, head: PullRequestHead, what: str) -> tuple[str, Job]:
    place = known.place
    return f"The {what} of {place.full_name}#{head.number}", unread.checks(place.id, head.number)
